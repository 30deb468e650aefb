"""Carrying a steward's work to `ml`: the pairs that wait, what is known of both records, and a verdict on them.

Belongs here: the one place where the console reads and changes master data. Does not belong here: forms
(`dashboards.pages.master`), which verdicts fit together and their storage (`ml`).

Functions import late: the console starts without polars.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workspace.grants import Role
from workspace.keys import Signer
from workspace.links import Event
from workspace.settings import Settings

ENTITIES = ("customer", "product", "warehouse")
STEWARDS = (Role.OPERATOR, Role.REVIEWER)


class VerdictNotTaken(Exception):
    """The verdict was refused; the message says by which rule, and names the chain of verdicts that it contradicts."""


@dataclass(frozen=True)
class Waiting:
    """A pair of records that waits for a steward.

    Attributes:
        subject: `entity/digest`, its subject in the ledger and the end of its address.
        left: A record, as `system|code`.
        right: The other.
        probability: That both are the same, by the model.
        agrees: Names of what is the same in both.
        differs: Names of what is not.
    """

    subject: str
    left: str
    right: str
    probability: float
    agrees: Sequence[str]
    differs: Sequence[str]


def waiting(settings: Settings, entity: str) -> list[Waiting]:
    """The pairs that wait, likeliest first."""
    from ml.io.verdicts import subject_of
    from ml.jobs.steward import queue

    found = []
    for left, right, probability, evidence in queue(settings, entity).iter_rows():
        told = json.loads(evidence or "{}")
        subject = subject_of(entity, *sorted((left, right)))
        found.append(Waiting(subject, left, right, probability, told.get("agrees", ()), told.get("differs", ())))
    return found


@dataclass(frozen=True)
class MatchQuality:
    """Figures of an entity's newest run of matching.

    Attributes:
        figures: Measure → `value`, `count`, `low`, `high`, of the whole entity.
        sizes: Records of a cluster, and how many clusters have as many.
        rates: Kind of segment (`region`, `script`, `system`) → `segment`, match rate, records; lowest rate first.
    """

    figures: Mapping[str, Mapping[str, Any]]
    sizes: Sequence[tuple[int, int]]
    rates: Mapping[str, Sequence[tuple[str, float, int]]]


def match_quality(settings: Settings, entity: str) -> MatchQuality | None:
    """The newest figures; None before the first run of matching."""
    from ml.core.matching.quality import newest_figures, newest_rates
    from ml.io.matching import MatchingStore

    table = MatchingStore(settings.paths.matching).read("match_quality", entity)
    if table.is_empty():
        return None
    rows = newest_figures(table).to_dicts()
    rates: dict[str, list[tuple[str, float, int]]] = {}
    for row in newest_rates(table).sort("value", "segment").to_dicts():
        if row["segment_kind"] != "all":
            rates.setdefault(row["segment_kind"], []).append((row["segment"], row["value"], row["count"]))
    return MatchQuality(
        {row["measure"]: row for row in rows if row["segment_kind"] == "all"},
        sorted((int(row["segment"]), int(row["value"])) for row in rows if row["segment_kind"] == "size"), rates,
    )  # fmt: skip


@dataclass(frozen=True)
class Why:
    """What speaks for and against a pair.

    Attributes:
        waterfall: Its match weights as SVG.
        beside: Of two products: a field, what each says of it, and `same`, `differs` or `unknown`.
        must_decide: Pack sizes, contents or numbers differ, so that the pair is for a person however likely it is.
    """

    waterfall: str
    beside: Sequence[tuple[str, str | None, str | None, str]]
    must_decide: bool


def explained(settings: Settings, entity: str, pair: Waiting, title: str, words: Mapping[str, str]) -> Why | None:
    """Why the pair is one or not; None where nothing was compared yet or the records are gone."""
    from ml.core.matching.charts import waterfall_svg
    from ml.core.matching.identities import UnknownId
    from ml.jobs.explain import explain_pair
    from ml.jobs.explanation import NotExplained

    try:
        found = explain_pair(settings, entity, pair.left, pair.right)
    except (NotExplained, UnknownId):
        return None
    # The steps are of the pair in the order of its ids.
    turned = (found.left, found.right) != (pair.left, pair.right)
    beside = [
        (row.field, *((row.right, row.left) if turned else (row.left, row.right)), row.says) for row in found.beside
    ]
    chart = waterfall_svg(found.prior, found.steps, title, lambda word: words.get(word, word))
    return Why(chart, beside, bool(found.doubts))


def weights_chart(settings: Settings, entity: str, title: str, words: Mapping[str, str]) -> str:
    """What every level of agreement weighs in the newest linkage model, as SVG; empty where there is none."""
    from ml.core.matching.charts import weights_svg
    from ml.core.matching.weights import level_weights
    from ml.io.matching import MatchingStore

    model = MatchingStore(settings.paths.matching).facts(entity).get("model")
    if not model or "comparisons" not in model:
        return ""
    return weights_svg(level_weights(model), title, lambda word: words.get(word, word))


def golden_values(settings: Settings, entity: str, record: str) -> Mapping[str, Any]:
    """The published golden values of a record `system|code`; empty where none are."""
    from ml.core.matching.identities import UnknownId
    from ml.jobs.steward import look_up

    try:
        golden = look_up(settings, entity, record).golden
    except UnknownId:
        return {}
    return golden[0].values if golden else {}


def decide(settings: Settings, entity: str, pair: Waiting, verdict: str, person: Signer, reason: str) -> Event:
    """Enter a verdict on a pair: `linked` or `apart`, as `oi master` does.

    Raises:
        VerdictNotTaken: it contradicts other verdicts, a record is gone, or the person is no steward any more.
    """
    from ml.core.matching.verdicts import VerdictRefused
    from ml.jobs.steward import decide_pair

    try:
        return decide_pair(settings, entity, verdict, pair.left, pair.right, person, reason)
    except VerdictRefused as error:
        raise VerdictNotTaken(str(error)) from error
