"""Matching product records: from prepared records to scored candidate pairs, and teaching a matcher.

Belongs here: the order of the steps, for tables of any origin. Does not belong here: each step (ml/core/matching),
zones and clusters (decisions), files (ml/io/matching).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.core.matching.model import posterior, share_of_true_pairs
from ml.core.matching.products.candidates import candidate_pairs
from ml.core.matching.products.doubts import against_rivals, doubtful
from ml.core.matching.products.features import Best, Features, best_of, nearness, pair_features
from ml.core.matching.products.labels import labels_without_people
from ml.core.matching.products.matcher import Matcher, taught_by_codes
from ml.core.matching.products.records import prepare_products
from ml.core.matching.products.views import ProductViews, product_views
from ml.core.matching.records import NothingToCompare

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class ProductTable:
    """Product records of one table or two, made comparable.

    Attributes:
        ids: Record ids; position is the record's number.
        records: As `prepare_products` gives them.
        views: Their views.
        source: Number of each record's table, or of its system in a single table.
        is_linking: Two tables, each without duplicates of its own.
        left, right: Candidate pairs by position, left < right.
        best: Each record's nearest ones.
    """

    ids: pl.Series
    records: pl.DataFrame
    views: ProductViews
    source: Ints
    is_linking: bool
    left: Ints
    right: Ints
    best: Best

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
        source = records["source_system"].fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
    else:
        source = np.repeat([0, 1], [table.height, other.height])
        records = pl.concat([records, prepare_products(other)])
    views = product_views(records)
    left, right = candidate_pairs(views, source, other is not None)
    best = best_of(nearness(views, left, right), left, right, source)
    return ProductTable(records["record_id"], records, views, source, other is not None, left, right, best)


def score_products(table: ProductTable, matcher: Matcher | None = None) -> tuple[pl.DataFrame, Matcher]:
    """Every candidate pair (`left`, `right`, `probability`, `is_doubtful`), and the matcher that scored it.

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
    probability = matcher.probability(features)
    if matcher.taught_by == "labels":
        probability = _among_candidates(probability, matcher)
    if table.is_linking:
        probability = against_rivals(probability, table.left, table.right)
    pairs = pl.DataFrame({
        "left": table.left, "right": table.right, "probability": probability,
        "is_doubtful": doubtful(table.views, table.left, table.right),
    })  # fmt: skip
    return pairs, matcher


def _among_candidates(probability: Floats, matcher: Matcher) -> Floats:
    """Probabilities where true pairs are as frequent as among these candidates, not as among the labelled pairs."""
    taught = matcher.count_same / (matcher.count_same + matcher.count_other)
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    weights = np.log2(inside / (1 - inside))
    return posterior(weights, taught, share_of_true_pairs(weights, taught, probability.size))
