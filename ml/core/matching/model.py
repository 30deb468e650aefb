"""The linkage model as a plain document (Splink's JSON), and what is mended in it after training.

Belongs here: the entity's description that training needs, tempering of estimates, the share of true pairs.
Does not belong here: running Splink (ml/jobs/linking), the comparisons of an entity (customers, warehouses).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from splink import SettingsCreator

from ml.core.matching.columns import Aliases
from ml.core.matching.records import Key

Floats = npt.NDArray[np.float64]
ModelDocument = dict[str, Any]

#: Share of a uniform distribution mixed into each trained one: training on some thousand pairs proves no "never".
DOUBT = 0.02
#: The least that remains of an estimate for strangers after true pairs are taken out of it.
LEAST_LEFT = 0.02
ROUNDS = 20
#: Bounds of the share of pairs that are true. A table in which no rule finds a pair is not proof that it holds none.
LEAST_SHARE, LARGEST_SHARE = 1e-12, 0.5
#: Key of the model document that is ours and not Splink's: column → how much rarer its values are among strangers.
RARER = "rarer_among_strangers"
#: Another: columns of whole names, which are as likely among strangers as their words are together.
BY_WORDS = "as_likely_as_their_words"


@dataclass(frozen=True)
class Certain:
    """A deterministic rule: records that agree on all of `columns` are the same, whatever the model says."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Entity:
    """What deciding and naming must know about a kind of records; one value each, in their own module.

    Attributes:
        name: `customer`, `product` or `warehouse`.
        prefix: First letter of its golden ids.
        aliases: Columns that its records may have, each with its usual names in other people's tables.
        certain: Deterministic rules, strongest first.
        evidence: What is told of a pair: a name and the prepared column that agrees or differs.
        told_apart_by: Column by which one system tells its own records apart: two that differ in it are never one.
    """

    name: str
    prefix: str
    aliases: Aliases
    certain: tuple[Certain, ...]
    evidence: tuple[tuple[str, str], ...]
    told_apart_by: str = ""


@dataclass(frozen=True, kw_only=True)
class SplinkEntity(Entity):
    """What Splink must know beside that.

    Attributes:
        prepare: Raw records to normalised ones.
        keys: Blocking keys.
        settings: Splink's settings for the prepared columns that hold anything.
        training: Columns of the pairs that each round of training looks at.
        priors: Keys whose pairs are nearly all true, from which the share of true pairs is first guessed.
        telling: Columns each of which tells people apart without their name.
        names: Columns of whole names; where no telling column is known, they are as rare as their words (`names`).
        fewest_to_train: Records below which nothing can be learnt and the settings' own values stay.
    """

    prepare: Callable[[pl.DataFrame], pl.DataFrame]
    keys: tuple[Key, ...]
    settings: Callable[[Sequence[str]], SettingsCreator]
    training: tuple[tuple[str, ...], ...]
    priors: tuple[str, ...]
    telling: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    fewest_to_train: int = 200

    def knows_only_names(self, usable: Sequence[str]) -> bool:
        """Whether a table with these prepared columns says who a record is by its name alone."""
        return bool(self.names) and not set(self.telling) & set(usable)


def tempered(model: ModelDocument) -> ModelDocument:
    """The model with three errors of its estimates mended.

    Random pairs, from which the frequencies among strangers come, hold true pairs too, and in a small table they are a
    good part of those that agree: they are taken out, u' = (u − λ m) / (1 − λ). The frequency of a value in the table
    counts them as well, so that it is lessened by the same, u' / u of its levels: `RARER` holds it by column. And no
    level among true pairs is left at zero because training saw none.
    """
    share = float(np.clip(model["probability_two_random_records_match"], LEAST_SHARE, LARGEST_SHARE))
    comparisons = [dict(comparison) for comparison in model["comparisons"]]
    mended = dict(model, probability_two_random_records_match=share, comparisons=comparisons)
    before: dict[str, float] = defaultdict(float)
    after: dict[str, float] = defaultdict(float)
    for comparison in mended["comparisons"]:
        levels = [dict(level) for level in comparison["comparison_levels"]]
        comparison["comparison_levels"] = levels
        judged = [level for level in levels if not level.get("is_null_level")]
        m = np.array([level["m_probability"] for level in judged], dtype=float)
        u = np.array([level["u_probability"] for level in judged], dtype=float)
        m = (1 - DOUBT) * m / m.sum() + DOUBT / m.size
        u = np.maximum((u - share * m) / (1 - share), LEAST_LEFT * u)
        for level, true, strange in zip(judged, m, u / u.sum(), strict=True):
            if column := level.get("tf_adjustment_column"):
                before[column] += float(level["u_probability"])
                after[column] += float(strange)
            level["m_probability"], level["u_probability"] = float(true), float(strange)
    return mended | {RARER: {column: min(1.0, after[column] / before[column]) for column in before}}


def leaves_some_free(model: ModelDocument, columns: Sequence[str]) -> bool:
    """Whether a comparison reads none of these columns, so that pairs which agree on them can teach it.

    Splink is not asked to train where there is none: it then forgets all comparisons.
    """
    fixed = re.compile(rf"\b({'|'.join(map(re.escape, columns))})_[lr]\b")
    return any(
        not any(fixed.search(level["sql_condition"]) for level in comparison["comparison_levels"])
        for comparison in model["comparisons"]
    )


def for_splink(model: ModelDocument) -> ModelDocument:
    """The document as Splink reads it."""
    return {key: value for key, value in model.items() if key not in (RARER, BY_WORDS)}


def share_of_true_pairs(weights: Floats, share: float, count_possible: int) -> float:
    """The share of all possible pairs that are true, such that it agrees with what the scores add up to.

    Args:
        weights: Match weights (log2 odds) of the candidate pairs under `share`.
        share: The share assumed when they were scored.
        count_possible: Number of all possible pairs.
    """
    if not weights.size or count_possible < 1:
        return share
    assumed = share
    for _ in range(ROUNDS):
        probability = posterior(weights, share, assumed)
        found = float(np.clip(max(probability.sum(), 1.0) / count_possible, LEAST_SHARE, LARGEST_SHARE))
        if abs(np.log(found / assumed)) < 0.005:
            break
        assumed = found
    return assumed


def posterior(weights: Floats, scored_with: float, share: float) -> Floats:
    """Probability of pairs with these match weights, if `share` of all pairs are true and not `scored_with`."""
    shift = np.log2(share / (1 - share)) - np.log2(scored_with / (1 - scored_with))
    return 1.0 / (1.0 + np.exp2(-(weights + shift)))
