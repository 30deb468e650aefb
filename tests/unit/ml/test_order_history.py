"""Names in an order's history: a marketplace of thousands of nodes must not stop the audit."""

import pandas as pd

from ml.core.fairness.adjustment import MOST_CATEGORIES, design
from ml.io.order_history import NAMES_KEPT, OTHER, common_names


def test_rare_names_are_one_and_common_names_and_nulls_stay():
    column = pd.Series([f"node{i}" for i in range(200) for _ in range(200 - i)] + [None] * 5)
    named = common_names(column)
    assert named.nunique() == NAMES_KEPT + 1 <= MOST_CATEGORIES
    assert (named[column == "node0"] == "node0").all()
    assert (named[column == "node199"] == OTHER).all()
    assert named.isna().sum() == 5
    assert design(pd.DataFrame({"node": named}), ["node"]).shape[1] == NAMES_KEPT + 1
