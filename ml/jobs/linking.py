"""Scoring pairs of records with Splink: training on a table, scoring all of it, scoring only what changed.

Belongs here: each call of Splink. Does not belong here: comparisons and keys (ml/core/matching), zones and clusters,
reading the warehouse (ml/jobs/match).

Splink's own bulk API is used on whatever database the caller opened (DuckDB, or Spark by `OI_MATCHING_BACKEND`).
"""

import logging
import math
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from splink import Linker, block_on
from splink.blocking_rule_library import CustomRule
from splink.internals.blocking_rule_creator import BlockingRuleCreator
from splink.internals.exceptions import EMTrainingException

from ml.core.matching.frequencies import equal_beyond_chance, frequencies_among_strangers
from ml.core.matching.model import (
    BY_WORDS,
    LARGEST_SHARE,
    LEAST_SHARE,
    RARER,
    ModelDocument,
    SplinkEntity,
    for_splink,
    leaves_some_free,
    posterior,
    share_of_true_pairs,
    tempered,
)
from ml.core.matching.records import NothingToCompare, with_keys

#: Random pairs from which the frequencies of agreement among strangers are estimated.
RANDOM_PAIRS = 1_000_000
#: Share of true pairs that the deterministic rules are taken to find, for the first guess of how many there are.
FOUND_BY_RULES = 0.8
#: Records up to which the share of true pairs and the estimates that depend on it are fitted to each other: among more
#: records strangers are so many that true pairs hardly change what random pairs say of them.
LARGEST_TO_REFINE = 50_000
REFINEMENTS = 4
#: Change of the share, in logarithms, below which it is settled.
SETTLED = 0.05
#: What Splink says when training takes a probability to zero.
NEVER_REACHED = "below the minimum allowed value"
SEED = 20_260_101

logging.getLogger("splink").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Prepared:
    """Records ready for Splink.

    Attributes:
        ids: Record ids; position is the record's number.
        records: Normalised columns and keys, with `record` (its number) and `side` (0, or 1 for the second table).
        usable: Prepared columns that hold any value, in both tables where there are two.
    """

    ids: pl.Series
    records: pl.DataFrame
    usable: tuple[str, ...]
    is_linking: bool = False

    @property
    def count_possible(self) -> int:
        """Number of pairs that could be formed."""
        count = self.records.height
        if not self.is_linking:
            return count * (count - 1) // 2
        second = int(self.records["side"].sum())
        return second * (count - second)


def prepared_for(entity: SplinkEntity, frame: pl.DataFrame, other: pl.DataFrame | None = None) -> Prepared:
    """Records of one table, or of two that are to be linked with each other, made comparable.

    Raises:
        NothingToCompare: there are no records, no column says who they are, or two tables share none that does.
    """
    if not frame.height:
        raise NothingToCompare(f"There are no {entity.name} records to compare. Land some.")
    normal = entity.prepare(frame).with_columns(side=pl.lit(0, pl.Int8))
    if other is not None:
        normal = pl.concat([normal, entity.prepare(other).with_columns(side=pl.lit(1, pl.Int8))])
    keyed = with_keys(normal, entity.keys)
    # What only one of two tables knows compares nothing.
    held = [keyed.filter(pl.col("side") == side) for side in ((0,) if other is None else (0, 1))]
    usable = tuple(column for column in keyed.columns if all(s[column].null_count() < s.height for s in held))
    if not entity.settings(usable).comparisons:
        raise NothingToCompare("The two tables have no column in common by which records are compared.")
    records = keyed.drop("record_id").with_columns(record=pl.int_range(keyed.height, dtype=pl.Int64))
    return Prepared(keyed["record_id"], records, usable, other is not None)


def train(entity: SplinkEntity, prepared: Prepared, database: Any) -> ModelDocument:
    """The linkage model of a table, learnt without labels; the entity's own values where little can be learnt."""
    linker = Linker(database.register(prepared.records.to_arrow()), _settings(entity, prepared), log_level=None)
    if prepared.records.height >= entity.fewest_to_train:
        random.seed(SEED)
        priors: list[str | BlockingRuleCreator] = [block_on(key) for key in entity.priors if key in prepared.usable]
        if priors:
            linker.training.estimate_probability_two_random_records_match(priors, recall=FOUND_BY_RULES)
        linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED)
        untrained = linker.misc.save_model_to_json()
        for columns in entity.training:
            if set(columns) <= set(prepared.usable) and leaves_some_free(untrained, columns):
                _train_on(linker, columns)
    trained = linker.misc.save_model_to_json()
    if entity.knows_only_names(prepared.usable):
        return tempered(trained | {BY_WORDS: list(entity.names)})
    is_refined = entity.fewest_to_train <= prepared.records.height <= LARGEST_TO_REFINE
    return _refined(prepared, trained, database) if is_refined else tempered(trained)


def _refined(prepared: Prepared, trained: ModelDocument, database: Any) -> ModelDocument:
    """The tempered model whose assumed share of true pairs is the one that its own scores add up to."""
    model = tempered(trained)
    for _ in range(REFINEMENTS):
        assumed = float(model["probability_two_random_records_match"])
        share = float(score(prepared, model, database)[1]["probability_two_random_records_match"])
        if abs(math.log(share / assumed)) < SETTLED:
            break
        model = tempered(dict(trained, probability_two_random_records_match=share))
    return model


def _train_on(linker: Linker, columns: tuple[str, ...]) -> None:
    before = deepcopy(linker._settings_obj.core_model_settings)
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    except (EMTrainingException, ValueError) as error:
        # Splink refuses a level that no true pair reaches as a ValueError of its own.
        if not isinstance(error, EMTrainingException) and NEVER_REACHED not in str(error):
            raise
        # Too few pairs agree on these columns, or too one-sided ones: the other rounds teach the rest. A round that
        # fails leaves Splink without the comparisons that it had set aside, and with a share of true pairs of its own.
        linker._settings_obj.core_model_settings = before
        logging.getLogger(__name__).info("nothing to learn from pairs that agree on %s: %s", columns, error)


def _settings(entity: SplinkEntity, prepared: Prepared) -> Any:
    settings = entity.settings(prepared.usable)
    if entity.knows_only_names(prepared.usable) and "name_letters" in prepared.usable:
        equal = equal_beyond_chance(prepared.records, prepared.is_linking)
        settings.probability_two_random_records_match = float(
            np.clip(equal / FOUND_BY_RULES / max(1, prepared.count_possible), LEAST_SHARE, LARGEST_SHARE)
        )
    if prepared.is_linking:
        rules = [CustomRule(f"l.{key.name} = r.{key.name} and l.side <> r.side")
                 for key in entity.keys if key.name in prepared.usable]  # fmt: skip
        settings.blocking_rules_to_generate_predictions = list(rules)
    return settings


def score(prepared: Prepared, model: ModelDocument, database: Any) -> tuple[pl.DataFrame, ModelDocument]:
    """Every candidate pair (`left`, `right`, `probability`; left < right), and the model with its share of true pairs.

    The share is fitted so that it agrees with what the scores add up to (see `share_of_true_pairs`), unless it was
    counted (`equal_beyond_chance`): scores that say little add up to less each time.
    """
    linker = _linker(prepared.records, prepared.records.get_column, model, database)
    pairs = _pairs(linker.inference.predict())
    before = float(model["probability_two_random_records_match"])
    weights = pairs["match_weight"].to_numpy()
    share = before if BY_WORDS in model else share_of_true_pairs(weights, before, prepared.count_possible)
    scored = pairs.with_columns(probability=posterior(weights, before, share)).drop("match_weight")
    return scored, dict(model, probability_two_random_records_match=share)


def _linker(
    records: pl.DataFrame, everybody: Callable[[str], pl.Series], model: ModelDocument, database: Any
) -> Linker:
    """A linker of `records` that knows how frequent their values are among strangers in a column of `everybody`."""
    linker = Linker(database.register(records.to_arrow()), for_splink(model), log_level=None)
    for column in model[RARER]:
        frequencies = frequencies_among_strangers(records, column, everybody, model)
        table = database.register(frequencies.rename({"frequency": f"tf_{column}"}).to_arrow())
        linker.table_management.register_term_frequency_lookup(table, column)
    return linker


def _pairs(predicted: Any) -> pl.DataFrame:
    table = pl.from_arrow(predicted.as_pyarrow_table())
    assert isinstance(table, pl.DataFrame)
    first, second = pl.col("record_l"), pl.col("record_r")
    return table.select(
        left=pl.min_horizontal(first, second), right=pl.max_horizontal(first, second), match_weight="match_weight"
    ).sort("left", "right")


def score_changed(
    entity: SplinkEntity, changed: pl.DataFrame, others: pl.DataFrame, model: ModelDocument, database: Any
) -> pl.DataFrame:
    """Candidate pairs that a changed record is part of: `left`, `right`, `probability`; left < right.

    Args:
        entity: What the records are of.
        changed: New and changed records as in `Prepared.records`.
        others: All other records, the same columns.
        model: As `score` returned it.
        database: Splink's database API.
    """
    linker = _linker(changed, lambda column: pl.concat([changed[column], others[column]]), model, database)
    # Splink joins all it is given, key by key: what shares no key with a changed record need not come along.
    shared = [pl.col(key.name).is_in(changed[key.name].drop_nulls().unique().implode())
              for key in entity.keys if key.name in changed.columns]  # fmt: skip
    met = others.filter(pl.any_horizontal(shared))
    new, rest = database.register(changed.to_arrow()), database.register(met.to_arrow())
    found = [linker.inference.predict_between(new, rest), linker.inference.predict_within(new)]
    pairs = pl.concat([_pairs(table) for table in found]).unique(["left", "right"]).sort("left", "right")
    return pairs.with_columns(probability=1.0 / (1.0 + (-pl.col("match_weight") * math.log(2)).exp())).drop(
        "match_weight"
    )
