"""Why two records are the same or not, by the model of the newest run: what each comparison adds, in bits.

Belongs here: finding the two records and the levels that they reach. Does not belong here: products (explain_products),
what levels weigh (ml/core/matching/weights), drawing (ml/core/matching/charts).
"""

import polars as pl

from ml.core.matching.decisions import certain_rule
from ml.core.matching.entities import SPLINK_ENTITIES
from ml.core.matching.frequencies import frequencies_among_strangers
from ml.core.matching.identities import UnknownId
from ml.core.matching.model import RARER, ModelDocument
from ml.core.matching.verdicts import ordered
from ml.core.matching.weights import (
    Step,
    level_sql,
    level_weights,
    prior_weight,
    probability_of,
    step_of,
)
from ml.io.matching import MatchingStore
from ml.jobs.explain_products import explain_products
from ml.jobs.explanation import Explanation, NotExplained, verdict_on
from workspace.settings import Settings
from workspace.warehouse import scratch_connection


def explain_pair(settings: Settings, entity: str, left: str, right: str) -> Explanation:
    """The weights of a pair of records `system|code`, candidates or not.

    Raises:
        NotExplained: the entity was not matched yet.
        UnknownId: a record was not matched.
        VerdictRefused: both are the same record.
    """
    if entity not in SPLINK_ENTITIES:
        return explain_products(settings, left, right)
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
        *pair, prior_weight(model), steps, probability_of(model, steps), rule or "", verdict_on(settings, entity, pair),
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
        column: max(frequencies_among_strangers(two, column, everybody.get_column, model)["frequency"].to_list())
        for column in model[RARER] if not two[column].null_count()
    }  # fmt: skip
    return tuple(
        step_of(comparison, int(number), frequency)
        for comparison, number in zip(model["comparisons"], numbers, strict=True)
    )
