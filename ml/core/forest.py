"""Boosted trees as flat arrays: scores of one row or many by one compiled walk, and what each feature adds to a score.

Belongs here: scikit-learn's histogram trees taken apart, the walk, the reasons of a score. Does not belong here:
turning a table's columns into the numbers that the trees were fed, calibration (ml/core/light_model).

The walk adds the trees in their order of fitting, so its scores equal scikit-learn's to the last bit.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.core.intervals import Floats

WORDS = 8
#: Most distinct features on the way to a leaf; deeper trees are refused.
LONGEST_PATH = 64


class Forest(NamedTuple):
    """Trees of a binary classifier. Arrays by node, except where said; node indices count over all trees.

    Attributes:
        base: Score before the first tree, in log-odds.
        first: First node of each tree, and the count of all nodes, shape (trees + 1,).
        feature: Feature that a node splits, −1 at a leaf.
        threshold: A number at most this goes left.
        left, right, parent: Neighbours; −1 where there is none.
        value: Of a leaf, in log-odds.
        cover: Rows of the training that came by.
        missing_left: Whether a missing value goes left.
        bitset: Row of `left_bits` for a split of categories, else −1.
        left_bits: Categories that go left, shape (splits of categories, 8), 256 bits a row.
        known_bits: Categories seen in training, shape (features, 8); others count as missing.
    """

    base: float
    first: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    parent: NDArray[np.int64]
    value: Floats
    cover: Floats
    missing_left: NDArray[np.bool_]
    bitset: NDArray[np.int64]
    left_bits: NDArray[np.uint32]
    known_bits: NDArray[np.uint32]


def flatten(boost: HistGradientBoostingClassifier) -> Forest:
    """Take a fitted binary classifier apart.

    Raises:
        ValueError: it tells more than two classes apart.
    """
    if boost.n_trees_per_iteration_ != 1:
        raise ValueError(f"A forest must tell two classes apart; this one tells {len(boost.classes_)}.")
    trees = [predictors[0] for predictors in boost._predictors]
    nodes = np.concatenate([tree.nodes for tree in trees])
    first = np.cumsum([0, *(len(tree.nodes) for tree in trees)])
    bits = np.concatenate([np.zeros((0, WORDS), np.uint32), *(tree.raw_left_cat_bitsets for tree in trees)])
    bits_before = np.cumsum([0, *(len(tree.raw_left_cat_bitsets) for tree in trees)])
    tree_of = np.repeat(np.arange(len(trees)), np.diff(first))
    is_leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(is_leaf, -1, nodes[side].astype(np.int64) + first[tree_of]) for side in ("left", "right"))
    parent = np.full(len(nodes), -1, np.int64)
    for side in (left, right):
        parent[side[~is_leaf]] = np.flatnonzero(~is_leaf)
    known, position = boost._bin_mapper.make_known_categories_bitsets()
    known_bits = np.zeros((len(position), WORDS), np.uint32)
    categorical = (
        np.flatnonzero(boost._is_categorical_remapped) if boost._preprocessor is not None else np.array([], int)
    )
    known_bits[categorical] = known[position[categorical]]
    return Forest(
        base=float(boost._baseline_prediction.ravel()[0]), first=first,
        feature=np.where(is_leaf, -1, nodes["feature_idx"]).astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64), left=left, right=right, parent=parent,
        value=nodes["value"].astype(np.float64), cover=nodes["count"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        bitset=np.where(nodes["is_categorical"] != 0, nodes["bitset_idx"] + bits_before[tree_of], -1).astype(np.int64),
        left_bits=bits, known_bits=known_bits,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _goes_left(forest, node, x):  # type: ignore[no-untyped-def]
    if np.isnan(x):
        return forest.missing_left[node]
    row = forest.bitset[node]
    if row < 0:
        return x <= forest.threshold[node]
    code = np.int64(x)
    if code < 0 or code >= 256:
        return forest.missing_left[node]
    word, bit = code // 32, np.uint32(1) << np.uint32(code % 32)
    if forest.left_bits[row, word] & bit:
        return True
    if forest.known_bits[forest.feature[node], word] & bit:
        return False
    return forest.missing_left[node]


@njit(nogil=True, cache=True)
def scores(forest, rows):  # type: ignore[no-untyped-def]
    """Log-odds of rows as the trees were fed them, shape (rows, features) → (rows,)."""
    out = np.full(len(rows), forest.base)
    for i in range(len(rows)):
        for tree in range(len(forest.first) - 1):
            node = forest.first[tree]
            while forest.feature[node] >= 0:
                is_left = _goes_left(forest, node, rows[i, forest.feature[node]])
                node = forest.left[node] if is_left else forest.right[node]
            out[i] += forest.value[node]
    return out


@njit(nogil=True, cache=True)
def expected_score(forest):  # type: ignore[no-untyped-def]
    """Mean score over the rows of the training, by the counts in the nodes: where the reasons of a score start."""
    total = forest.base
    for tree in range(len(forest.first) - 1):
        root = forest.first[tree]
        for node in range(root, forest.first[tree + 1]):
            if forest.feature[node] < 0:
                total += forest.value[node] * forest.cover[node] / forest.cover[root]
    return total


@njit(nogil=True, cache=True)
def reasons(forest, rows):  # type: ignore[no-untyped-def]
    """What each feature adds to each score, in log-odds: Shapley values, shape (rows, features).

    The value of a set of features is the mean score when only they are known and every other split is decided by lot,
    in the shares of the training (path-dependent TreeSHAP; Lundberg et al., Nature Machine Intelligence 2, 2020). A
    leaf's part in it is a product over the features on its path (1 or 0 if known, its share if not), and the Shapley
    values of a product follow from the coefficients of a polynomial. A row's values add up to its score less
    `expected_score`.

    Raises:
        ValueError: a path holds more than 64 features.
    """
    out = np.zeros((len(rows), forest.known_bits.shape[0]))
    on_path = np.empty(LONGEST_PATH, np.int64)
    share = np.empty(LONGEST_PATH)
    follows = np.empty(LONGEST_PATH)
    others = np.empty(LONGEST_PATH + 1)
    for i in range(len(rows)):
        for leaf in range(len(forest.feature)):
            if forest.feature[leaf] >= 0:
                continue
            length, node = 0, leaf
            while forest.parent[node] >= 0:
                parent = forest.parent[node]
                feature = forest.feature[parent]
                at = 0
                while at < length and on_path[at] != feature:
                    at += 1
                if at == length:
                    if length == LONGEST_PATH:
                        raise ValueError("A path to a leaf must not hold more than 64 features.")
                    on_path[at], share[at], follows[at] = feature, 1.0, 1.0
                    length += 1
                share[at] *= forest.cover[node] / forest.cover[parent]
                if _goes_left(forest, parent, rows[i, feature]) != (forest.left[parent] == node):
                    follows[at] = 0.0
                node = parent
            for j in range(length):
                out[i, on_path[j]] += (
                    forest.value[leaf] * (follows[j] - share[j]) * _mean_of_others(share, follows, length, j, others)
                )
    return out


@njit(nogil=True, cache=True)
def _mean_of_others(share, follows, length, left_out, others):  # type: ignore[no-untyped-def]
    """Mean of the other factors' product over all orders in which features become known, before `left_out` does."""
    others[0] = 1.0
    size = 0
    for at in range(length):
        if at == left_out:
            continue
        others[size + 1] = 0.0
        for known in range(size, -1, -1):
            others[known + 1] += others[known] * follows[at]
            others[known] *= share[at]
        size += 1
    total, weight = 0.0, 1.0 / length
    for known in range(size + 1):
        total += others[known] * weight
        # k! (d − 1 − k)! / d! for k known of d − 1 others.
        if known < size:
            weight *= (known + 1.0) / (size - known)
    return total
