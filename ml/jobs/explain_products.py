"""Why two products are the same or not, by the matcher of the newest run: what each feature adds, packs and contents.

Belongs here: the features of one pair beside their rivals of then. Does not belong here: the features themselves
(ml/core/matching/products/features), their words (features), drawing (ml/core/matching/charts).

The weight of a feature is what the pair would lose, in bits, if it were not known. For the shipped weights and a
logistic regression these add up to the pair's score from what nothing known would give (the prior). Trees judge
features together: what is left over is a step of its own.
"""

import math

import numpy as np
import polars as pl

from ml.core.matching.decisions import certain_rule
from ml.core.matching.identities import UnknownId
from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.products.features import MEANINGS, Features
from ml.core.matching.products.matcher import Matcher
from ml.core.matching.products.records import SAME_CONTENT
from ml.core.matching.verdicts import ordered
from ml.core.matching.weights import Step
from ml.io.matching import MatchingStore
from ml.jobs.explanation import Beside, Explanation, NotExplained, verdict_on
from ml.jobs.products import probability_of_pairs
from ml.jobs.rescoring_products import matcher_of, table_in
from workspace.settings import Settings

#: Bits below which a feature, or what features say together, is not told.
LEAST_TOLD = 0.05
TOGETHER = "taken together"
#: What is shown beside each other: the column, its name, the unit.
FIELDS = (
    ("gtin", "GTIN", ""), ("mapped_code", "mapped code", ""), ("brand", "brand", ""), ("model", "model code", ""),
    ("pieces", "pieces in a pack", ""), ("content_mass", "one piece holds", " g"),
    ("content_volume", "one piece holds", " ml"), ("price", "price", ""), ("weight_g", "weight", " g"),
)  # fmt: skip
CONTENTS = ("content_mass", "content_volume")


def explain_products(settings: Settings, left: str, right: str) -> Explanation:
    """What each feature of a pair of products `system|code` adds, candidates or not, and what keeps them apart.

    Raises:
        NotExplained: no products were matched yet, or rules or lessons changed since.
        UnknownId: a record was not matched.
        VerdictRefused: both are the same record.
    """
    state = MatchingStore(settings.paths.matching).load(PRODUCT.name)
    matcher = matcher_of(settings, state)
    if state is None or matcher is None:
        raise NotExplained("No products have been compared by today's rules and lessons yet. Run `oi run build`.")
    pair = ordered(left, right)
    is_one = state.records["record_id"].is_in(pair)
    if absent := set(pair) - set(state.records["record_id"].filter(is_one)):
        raise UnknownId(f"No product record {min(absent)!r} has been matched. A record is named system|code.")
    table = table_in(state, is_one.to_numpy())
    place = {str(record): number for number, record in enumerate(table.ids)}
    a, b = (np.array([place[record]]) for record in pair)
    features = table.features(a, b)
    prior, steps = feature_steps(matcher, features)
    two = pl.concat([table.records[place[record]] for record in pair])
    is_candidate = ((table.left == min(a, b)) & (table.right == max(a, b))).any()
    return Explanation(
        *pair, prior, steps, float(probability_of_pairs(matcher, features)[0]),
        certain_rule(PRODUCT, two, pl.DataFrame({"left": [0], "right": [1]}))[0] or "",
        verdict_on(settings, PRODUCT.name, pair), float(state.facts["link_at"]), bool(is_candidate),
        beside=tuple(beside(two)), doubts=tuple(doubts(two, features)),
    )  # fmt: skip


def feature_steps(matcher: Matcher, features: Features) -> tuple[float, tuple[Step, ...]]:
    """Bits where nothing is known, and what each feature of a single pair adds, strongest first."""

    def bits(values: Features) -> float:
        probability = float(np.clip(probability_of_pairs(matcher, values)[0], 1e-15, 1 - 1e-15))
        return math.log2(probability / (1 - probability))

    unknown = {name: np.full(1, np.nan) for name in features}
    prior, total = bits(unknown), bits(features)
    steps = [
        Step(MEANINGS[name], f"{value[0]:.3g}", total - bits({**features, name: unknown[name]}))
        for name, value in features.items()
        if name in matcher.names and not np.isnan(value[0])
    ]
    told = sorted((step for step in steps if abs(step.weight) >= LEAST_TOLD), key=lambda step: -abs(step.weight))
    left_over = total - prior - sum(step.weight for step in told)
    if abs(left_over) >= LEAST_TOLD:
        told.append(Step(TOGETHER, "and what is too little to tell", left_over))
    return prior, tuple(told)


def beside(two: pl.DataFrame) -> list[Beside]:
    """What two prepared records say of each field that either knows."""
    rows = []
    for column, name, unit in FIELDS:
        one, other = two[column]
        if one is None and other is None:
            continue
        is_same = one == other
        if column in CONTENTS and one is not None and other is not None:
            is_same = abs(math.log(one / other)) <= SAME_CONTENT
        says = "unknown" if one is None or other is None else "same" if is_same else "differs"
        rows.append(Beside(name, _spelt(one, unit), _spelt(other, unit), says))
    return rows


def _spelt(value: object, unit: str) -> str | None:
    if value is None:
        return None
    return f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"


def doubts(two: pl.DataFrame, features: Features) -> list[str]:
    """Why a person must decide about the pair; the same that keeps it from being linked (`products.doubts`)."""
    found = []
    numbers, pieces = two["gtin"], two["pieces"]
    if not numbers.null_count() and numbers[0] != numbers[1]:
        found.append(f"two valid GTINs differ: {numbers[0]} and {numbers[1]}")
    if features["pieces_against"][0] == 1:
        said = ["not said" if value is None else str(value) for value in pieces]
        found.append(f"pieces in a pack: {said[0]} and {said[1]}")
    if features["content_against"][0] == 1:
        found.append("one piece does not hold the same")
    return found
