"""What keeps a likely pair from being linked."""

import numpy as np
import polars as pl
import pytest

from ml.core.matching.products.doubts import against_rivals, doubtful
from ml.core.matching.products.records import prepare_products
from ml.core.matching.products.views import product_views

PAIR = (np.array([0]), np.array([1]))


@pytest.mark.parametrize(
    ("one", "other", "is_doubtful"),
    [
        ("cola 6 x 500 ml", "cola 3 l", True),  # as much, but six bottles
        ("cola 6 x 500 ml", "cola 500 ml", True),  # one of the six
        ("cola 6 x 500 ml", "cola 500ml x 6", False),
        ("cola 6 x 500 ml", "cola 0.5 l, pack of 6", False),
        ("cola 500 ml", "cola 330 ml", True),
        ("coffee 16 oz", "coffee 450 g", False),  # rounded
        ("batteries 4-pack", "batteries 8 count", True),
        ("batteries 4-pack", "batteries", False),  # one does not say
    ],
)
def test_pack_sizes_and_units_are_reconciled_and_never_merged_in_silence(
    one: str, other: str, is_doubtful: bool
) -> None:
    records = prepare_products(pl.DataFrame({"record_id": ["a", "b"], "title": [one, other]}))
    assert doubtful(product_views(records), *PAIR).tolist() == [is_doubtful]


def test_two_valid_numbers_are_for_a_person() -> None:
    table = pl.DataFrame({"record_id": ["a", "b"], "title": ["kettle"] * 2, "gtin": ["4006381333931", "73513537"]})
    assert doubtful(product_views(prepare_products(table)), *PAIR).tolist() == [True]


def test_a_likelier_rival_takes_the_partner_and_a_tie_does_not() -> None:
    probability = against_rivals(np.array([0.99, 0.9, 0.6, 0.6]), np.array([0, 0, 1, 1]), np.array([10, 11, 12, 13]))
    assert probability[1] < 0.1  # 9 / (1 + 9 + 99)
    assert probability[[0, 2, 3]].tolist() == [0.99, 0.6, 0.6]
