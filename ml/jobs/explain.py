"""Why two records are the same or not, by the linkage model of the newest run: what each comparison adds, in bits.

Belongs here: finding the two records and the levels that they reach. Does not belong here: what levels weigh
(ml/core/matching/weights), drawing (ml/core/matching/charts).
"""

from dataclasses import dataclass

import polars as pl

from ml.core.matching.decisions import certain_rule
from ml.core.matching.entities import SPLINK_ENTITIES
from ml.core.matching.identities import UnknownId
from ml.core.matching.model import RARER, ModelDocument
from ml.core.matching.verdicts import ordered
from ml.core.matching.weights import (
    LevelWeight,
    Step,
    level_sql,
    level_weights,
    prior_weight,
    probability_of,
    step_of,
)
from ml.io.matching import MatchingStore
from ml.io.verdicts import open_verdicts
from workspace.settings import Settings
from workspace.warehouse import scratch_connection


class NotExplained(ValueError):
    """Records of this kind have no match weights, or nothing was matched yet."""


@dataclass(frozen=True)
class Explanation:
    """Two records under the linkage model.

    Attributes:
        left, right: The records, as `system|code`.
        prior: Bits before anything is compared.
        steps: What each comparison adds.
        probability: What the model makes of it.
        rule: The certain rule that links them whatever the model says; empty where none does.
        verdict: What a person said; empty where nobody did.
        link_at: Probability from which pairs are linked.
        shares_key: Whether they share a blocking key, so that matching compares them at all.
        levels: All levels of the model, for the chart of weights.
    """

    left: str
    right: str
    prior: float
    steps: tuple[Step, ...]
    probability: float
    rule: str
    verdict: str
    link_at: float
    shares_key: bool
    levels: tuple[LevelWeight, ...]


def explain_pair(settings: Settings, entity: str, left: str, right: str) -> Explanation:
    """The weights of a pair of records `system|code`, candidates or not.

    Raises:
        NotExplained: the entity has no linkage model, or was not matched yet.
        UnknownId: a record was not matched.
        VerdictRefused: both are the same record.
    """
    if entity not in SPLINK_ENTITIES:
        raise NotExplained(
            f"{entity.capitalize()}s are scored by a matcher whose features work together: there are no weights to add "
            f"up. `oi master queue {entity}` tells what agrees and what differs."
        )
    state = MatchingStore(settings.paths.matching).load(entity)
    if state is None or state.facts["model"] is None:
        raise NotExplained(f"No {entity}s have been compared yet. Run `oi run build`.")
    pair = ordered(left, right)
    records = state.records
    two = pl.concat([records.filter(pl.col("record_id") == one) for one in pair])
    if absent := set(pair) - set(two["record_id"]):
        raise UnknownId(f"No {entity} record {min(absent)!r} has been matched. A record is named system|code.")
    model = state.facts["model"]
    steps = pair_steps(settings, two, records, model)
    rule = certain_rule(SPLINK_ENTITIES[entity], two, pl.DataFrame({"left": [0], "right": [1]}))[0]
    keys = [key.name for key in SPLINK_ENTITIES[entity].keys if key.name in two.columns]
    return Explanation(
        *pair, prior_weight(model), steps, probability_of(model, steps), rule or "", _verdict(settings, entity, pair),
        float(state.facts["link_at"]), any(two[key][0] is not None and two[key][0] == two[key][1] for key in keys),
        tuple(level_weights(model)),
    )  # fmt: skip


def pair_steps(
    settings: Settings, two: pl.DataFrame, everybody: pl.DataFrame, model: ModelDocument
) -> tuple[Step, ...]:
    """What each comparison adds for the two records of `two`, normalised as `everybody` is."""
    cases = ", ".join(
        f'{level_sql(comparison)} as "{number}"' for number, comparison in enumerate(model["comparisons"])
    )
    with scratch_connection(settings) as connection:
        for name, side in (("one", two.head(1)), ("other", two.tail(1))):
            suffix = "_l" if name == "one" else "_r"
            connection.register(name, side.rename({column: column + suffix for column in side.columns}).to_arrow())
        numbers = connection.execute(f"select {cases} from one, other").fetchone()
    assert numbers is not None
    frequency = {
        column: value for column, rarer in model[RARER].items()
        if (value := _frequency(two[column], everybody[column], rarer)) is not None
    }  # fmt: skip
    return tuple(
        step_of(comparison, int(number), frequency)
        for comparison, number in zip(model["comparisons"], numbers, strict=True)
    )


def _frequency(values: pl.Series, everybody: pl.Series, rarer: float) -> float | None:
    """How frequent the more frequent of the two values is among strangers; None where a record lacks one."""
    if values.null_count():
        return None
    known = everybody.len() - everybody.null_count()
    return max(int((everybody == value).sum()) for value in values) * rarer / known


def _verdict(settings: Settings, entity: str, pair: tuple[str, str]) -> str:
    ledger = open_verdicts(settings)
    try:
        return ledger.verdicts(entity).of_pair.get(pair, "")
    finally:
        ledger.close()
