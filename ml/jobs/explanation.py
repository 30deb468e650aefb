"""What is told of why two records are one or not, whatever scored them.

Belongs here: the explanation and its parts. Does not belong here: finding it (explain, explain_products), how it is
shown (orchestration/cli, dashboards).
"""

from dataclasses import dataclass

from ml.core.matching.verdicts import Pair
from ml.core.matching.weights import LevelWeight, Step
from ml.io.verdicts import open_verdicts
from workspace.settings import Settings


class NotExplained(ValueError):
    """Nothing was matched yet."""


@dataclass(frozen=True)
class Beside:
    """What two records say of one thing.

    Attributes:
        field: What it is.
        left, right: What each says; None where it says nothing.
        says: `same`, `differs`, or `unknown` where one says nothing.
    """

    field: str
    left: str | None
    right: str | None
    says: str


@dataclass(frozen=True)
class Explanation:
    """Two records under the model that scores them.

    Attributes:
        left, right: The records, as `system|code`.
        prior: Bits before anything is compared.
        steps: What each comparison adds.
        probability: What the model makes of it.
        rule: The certain rule that links them whatever the model says; empty where none does.
        verdict: What a person said; empty where nobody did.
        link_at: Probability from which pairs are linked.
        is_candidate: Whether matching compares them at all: they share a blocking key, or are near.
        levels: All levels of a linkage model, for the chart of weights; none of a product matcher.
        beside: What two products say of numbers, brand, packs and contents, in one unit each.
        doubts: Why a person must decide about two products, however likely they are one.
    """

    left: str
    right: str
    prior: float
    steps: tuple[Step, ...]
    probability: float
    rule: str
    verdict: str
    link_at: float
    is_candidate: bool
    levels: tuple[LevelWeight, ...] = ()
    beside: tuple[Beside, ...] = ()
    doubts: tuple[str, ...] = ()


def verdict_on(settings: Settings, entity: str, pair: Pair) -> str:
    """What a person said of a pair; empty where nobody did."""
    ledger = open_verdicts(settings)
    try:
        return ledger.verdicts(entity).of_pair.get(pair, "")
    finally:
        ledger.close()
