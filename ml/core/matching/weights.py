"""What each agreement weighs, in bits: the match weights of a linkage model, and the sum of them for one pair.

Belongs here: reading weights out of the model document, the steps from the prior to a probability. Does not belong
here: finding the level of a pair (ml/jobs/explain), drawing (charts).

A weight is log2(m / u): how many times likelier a level of agreement is among true pairs than among strangers. The
weights of a pair and the prior log2(λ / (1 − λ)) add up to the logarithm of its odds (Fellegi and Sunter, 1969).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.core.matching.model import ModelDocument


@dataclass(frozen=True)
class LevelWeight:
    """A level of a comparison: its probability among true pairs (`m`) and strangers (`u`), its weight in bits."""

    comparison: str
    level: str
    m: float
    u: float

    @property
    def weight(self) -> float:
        """log2(m / u)."""
        return math.log2(self.m / self.u)


@dataclass(frozen=True)
class Step:
    """What one comparison adds for a pair.

    Attributes:
        comparison: Its name.
        level: The level that the pair reached; empty where a record lacks the value.
        weight: Bits of that level.
        rarity: Bits added because the value is rarer than others, or taken because it is more frequent.
    """

    comparison: str
    level: str
    weight: float
    rarity: float = 0.0


def level_weights(model: ModelDocument) -> list[LevelWeight]:
    """All levels of all comparisons, in the model's order, without those of unknown values."""
    return [
        LevelWeight(
            comparison["output_column_name"], level["label_for_charts"], level["m_probability"], level["u_probability"]
        )
        for comparison in model["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level")
    ]


def prior_weight(model: ModelDocument) -> float:
    """log2 of the odds that two records taken at random are the same."""
    share = float(model["probability_two_random_records_match"])
    return math.log2(share / (1 - share))


def probability_of(model: ModelDocument, steps: Sequence[Step]) -> float:
    """The model's probability of a pair with these steps."""
    bits = prior_weight(model) + sum(step.weight + step.rarity for step in steps)
    return 1 / (1 + 2.0**-bits)


def level_sql(comparison: Mapping[str, Any]) -> str:
    """SQL that numbers the first level whose condition a pair `pair(<column>_l, <column>_r)` meets."""
    cases = [
        f"when {level['sql_condition']} then {number}"
        for number, level in enumerate(comparison["comparison_levels"])
        if level["sql_condition"].strip().upper() != "ELSE"
    ]
    return f"case {' '.join(cases)} else {len(comparison['comparison_levels']) - 1} end"


def step_of(comparison: Mapping[str, Any], number: int, frequency: Mapping[str, float]) -> Step:
    """The step of a comparison at the level of that number.

    Args:
        comparison: As in the model document.
        number: Position of the level.
        frequency: Column → how frequent the pair's value is among strangers, the greater of both records'.
    """
    level = comparison["comparison_levels"][number]
    name = str(comparison["output_column_name"])
    if level.get("is_null_level"):
        return Step(name, "", 0.0)
    weight = math.log2(level["m_probability"] / level["u_probability"])
    column = level.get("tf_adjustment_column")
    if not column or column not in frequency:
        return Step(name, level["label_for_charts"], weight)
    least = float(level.get("tf_minimum_u_value") or 0.0)
    rarity = math.log2(level["u_probability"] / max(frequency[column], least))
    return Step(name, level["label_for_charts"], weight, float(level.get("tf_adjustment_weight", 1.0)) * rarity)
