"""Matching product tables: from records to scored pairs, links and clusters; teaching a matcher by labelled pairs.

Belongs here: the order of the steps, for tables of any origin. Does not belong here: each step (ml/core/matching),
where a taught matcher lies (ml/io/matchers), reading files and comparing with a truth (orchestration/cli).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.model_selection import GroupKFold

from ml.core.matching.decisions import decide
from ml.core.matching.model import posterior, share_of_true_pairs
from ml.core.matching.products.candidates import Candidates, Earlier, candidate_pairs, compared_as
from ml.core.matching.products.doubts import against_rivals, doubtful
from ml.core.matching.products.entity import PRODUCT_OF_ANYBODY
from ml.core.matching.products.features import Best, Features, best_of, nearness, pair_features, standing
from ml.core.matching.products.labels import labels_without_people
from ml.core.matching.products.matcher import Matcher, taught_by_codes, taught_by_labels
from ml.core.matching.products.records import prepare_products
from ml.core.matching.products.views import ProductViews, product_views
from ml.core.matching.records import NothingToCompare
from ml.core.matching.zones import Zones

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
FOLDS = 3


@dataclass(frozen=True)
class ProductTable:
    """Product records of one table or two, made comparable.

    Attributes:
        ids: Record ids; position is the record's number.
        records: As `prepare_products` gives them.
        views: Their views.
        source: Number of each record's table, or of its system in a single table; 0 where the systems are too many.
        is_linking: Two tables, each without duplicates of its own.
        candidates: Candidate pairs by position.
        near: How near the two of each candidate pair are.
        best: Each record's nearest ones.
    """

    ids: pl.Series
    records: pl.DataFrame
    views: ProductViews
    source: Ints
    is_linking: bool
    candidates: Candidates
    near: Floats
    best: Best

    @property
    def left(self) -> Ints:
        """One record of each candidate pair."""
        return self.candidates.left

    @property
    def right(self) -> Ints:
        """The other one, of a higher position."""
        return self.candidates.right

    def pairs(self) -> pl.DataFrame:
        """The candidate pairs: `left`, `right`, `left_finds`, `right_finds`, and how far ahead of rivals (`LEADS`)."""
        found = self.candidates
        lead = standing(self.near, found.left, found.right, self.best, self.source)
        return pl.DataFrame({"left": found.left, "right": found.right, "left_finds": found.left_finds,
                             "right_finds": found.right_finds, **lead})  # fmt: skip

    def features(self, left: Ints, right: Ints) -> Features:
        """Features of pairs by position."""
        return pair_features(self.views, left, right, self.best, self.source)


def product_table(table: pl.DataFrame, other: pl.DataFrame | None = None) -> ProductTable:
    """Prepare the records of a table, or of two to be linked, and find their candidate pairs.

    Raises:
        NothingToCompare: no records, or no column says what they are.
    """
    if not table.height or (other is not None and not other.height):
        raise NothingToCompare("There are no product records to compare. Give a table with rows.")
    records = prepare_products(table)
    if other is None:
        return table_of(product_views(records))
    source = np.repeat([0, 1], [table.height, other.height])
    return _with_candidates(product_views(pl.concat([records, prepare_products(other)])), source, True, None)


def table_of(views: ProductViews, earlier: Earlier | None = None) -> ProductTable:
    """The table of one company's records; `earlier` is what was found among them before, by the same weights."""
    return _with_candidates(views, sources_of(views.records), False, earlier)


def sources_of(records: pl.DataFrame) -> Ints:
    """Number of each prepared record's system."""
    return records["source_system"].fill_null("").rank("dense").to_numpy().astype(np.int64) - 1


def _with_candidates(views: ProductViews, source: Ints, is_linking: bool, earlier: Earlier | None) -> ProductTable:
    found = candidate_pairs(views, source, is_linking, earlier)
    source = compared_as(source)
    near = nearness(views, found.left, found.right)
    best = best_of(near, found.left, found.right, source)
    return ProductTable(views.records["record_id"], views.records, views, source, is_linking, found, near, best)


def score_products(table: ProductTable, matcher: Matcher | None = None) -> tuple[pl.DataFrame, Matcher]:
    """Every candidate pair (`ProductTable.pairs`, `probability`, `is_doubtful`), and the matcher that scored it.

    Args:
        table: Records and candidates.
        matcher: One taught by people; None: taught by the table's own codes, or by nobody.
    """
    features = table.features(table.left, table.right)
    if matcher is None:
        labels = labels_without_people(
            table.views, table.left, table.right, features, table.source, table.is_linking
        )  # fmt: skip
        matcher = taught_by_codes(features, labels)
    matcher = fitted(matcher, features)
    probability = probability_of_pairs(matcher, features)
    if table.is_linking:
        probability = against_rivals(probability, table.left, table.right)
    is_doubtful = doubtful(table.views, table.left, table.right)
    return table.pairs().with_columns(probability=probability, is_doubtful=is_doubtful), matcher


def fitted(matcher: Matcher, features: Features) -> Matcher:
    """The matcher that knows how frequent true pairs are among these candidates, unless it knew of others before.

    What people labelled is no random sample of the candidates. Other matchers need not be told.
    """
    if matcher.taught_by != "labels" or matcher.share is not None:
        return matcher
    share = share_of_true_pairs(_weights(matcher, features), matcher.share_taught, features["near"].size)
    return replace(matcher, share=share)


def probability_of_pairs(matcher: Matcher, features: Features) -> Floats:
    """Probability of candidate pairs, by a matcher that is `fitted`."""
    if matcher.share is None:
        return matcher.probability(features)
    return posterior(_weights(matcher, features), matcher.share_taught, matcher.share)


def _weights(matcher: Matcher, features: Features) -> Floats:
    inside = np.clip(matcher.probability(features), 1e-9, 1 - 1e-9)
    return np.log2(inside / (1 - inside))


@dataclass(frozen=True)
class ProductMatches:
    """What matching product tables found.

    Attributes:
        pairs: Every candidate pair: `left_record`, `right_record` (ids), `probability`, `rule` (`gtin`, `mapped_code`;
            null where the matcher decided), `zone`, `is_doubtful` (for a person, however likely).
        clusters: Every record: `record_id`, `cluster` (id of its first record).
        zones: The thresholds.
        matcher: Who taught it, and by how many pairs.
        refused: Linked pairs that the cluster guard kept apart.
    """

    pairs: pl.DataFrame
    clusters: pl.DataFrame
    zones: Zones
    matcher: Matcher
    refused: int


def match_products(
    table: pl.DataFrame, other: pl.DataFrame | None = None, matcher: Matcher | None = None, floor: float | None = None
) -> ProductMatches:
    """Find the product records of one table that are the same, or those that two tables share.

    A pair of equal numbers is linked whatever its text says, unless pack sizes differ; a doubtful pair that is likely
    goes to the steward's queue.

    Args:
        table: `record_id` and any of `PRODUCT_COLUMNS`.
        other: Second table to link the first with; pairs within a table are then not looked for.
        matcher: One taught by people.
        floor: Least expected precision of the links; None: where expected F1 is greatest.

    Raises:
        NothingToCompare: no column says what the products are.
    """
    products = product_table(table, other)
    scored, matcher = score_products(products, matcher)
    decided = decide(PRODUCT_OF_ANYBODY, products.records, scored, floor=floor)
    ids, pairs = products.ids, decided.pairs
    return ProductMatches(
        pairs=pairs.select(
            left_record=ids.gather(pairs["left"]), right_record=ids.gather(pairs["right"]), probability="probability",
            rule="rule", zone="zone", is_doubtful=scored["is_doubtful"],
        ),
        clusters=pl.DataFrame({"record_id": ids, "cluster": ids.gather(decided.clusters.labels)}),
        zones=decided.zones, matcher=matcher, refused=int(decided.clusters.refused.size),
    )  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """What a matcher learnt from labelled pairs, and how well it does on pairs of them that it had not seen.

    Attributes:
        matcher: Learnt from all of them.
        probability: Of each labelled pair, by a matcher that had not seen the pair's left record.
        same: Its label.
    """

    matcher: Matcher
    probability: Floats
    same: Booleans


def teach(products: ProductTable, left: Ints, right: Ints, same: Booleans) -> Lesson:
    """Teach a matcher by labelled pairs.

    Args:
        products: Their records.
        left: One record of each pair, by position.
        right: The other one.
        same: Whether they are the same product.

    Raises:
        TooFewLabels: too few pairs of either kind.
    """
    features = products.features(left, right)
    labels = same.astype(np.int64)
    matcher = taught_by_labels(features, labels)
    unseen = np.zeros(labels.size)
    for learnt, held in GroupKFold(FOLDS).split(labels, groups=left):
        part = taught_by_labels(_rows(features, learnt), labels[learnt])
        unseen[held] = part.probability(_rows(features, held))
    return Lesson(matcher, unseen, same)


def _rows(features: Features, rows: Ints) -> Features:
    return {name: values[rows] for name, values in features.items()}
