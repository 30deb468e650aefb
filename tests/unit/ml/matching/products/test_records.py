"""Product records made comparable."""

import polars as pl
import pytest

from ml.core.matching.products.records import MOST_SHARING, amount, prepare_products
from ml.core.matching.records import NothingToCompare


def prepared(**columns: list[object]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return prepare_products(pl.DataFrame({"record_id": [str(number) for number in range(count)], **columns}))


@pytest.mark.parametrize(
    ("written", "number"),
    [("$1,234.50", 1234.5), ("1.234,50 €", 1234.5), ("12,5", 12.5), ("1,234", 1234.0), ("free", None), ("1.2.3", None)],
)
def test_an_amount_is_read_whichever_sign_parts_its_decimals(written: str, number: float | None) -> None:
    assert amount(written) == number


def test_a_price_of_nothing_is_unknown_and_a_weight_has_one_unit() -> None:
    found = prepared(title=["a", "b", "c"], price=["0.0", "9", None], weight=["2", "1 lb", "500 g"])
    assert found["price"].to_list() == [None, 9.0, None]
    assert found["weight_g"].to_list() == [2000.0, 454.0, 500.0]


def test_a_stated_pack_size_goes_before_the_text() -> None:
    found = prepared(title=["cola 6 x 500 ml", "cola 500 ml", "cola 3 l"], pack_size=[None, 6, None])
    assert found["pieces"].to_list() == [6, 6, None]
    assert found["content_volume"].to_list() == [500.0, 500.0, 3000.0]


def test_a_brand_has_one_spelling_in_two_scripts() -> None:
    found = prepared(title=["冰箱", "Refrigerator"], brand=["海云", "Haiyun"])
    assert found["brand"][0] == found["brand"][1] == "haiyun"


def test_a_number_that_many_products_have_is_a_filler() -> None:
    many = MOST_SHARING + 1
    found = prepared(gtin=["4006381333931"] * many + ["73513537"], title=[f"thing {n}" for n in range(many + 1)])
    assert found["gtin"].to_list() == [None] * many + ["00000073513537"]


@pytest.mark.parametrize("columns", [{"price": ["1", "2"]}, {"title": [None, ""]}, {"gtin": ["1", "x"]}])
def test_without_a_column_that_says_what_it_is_there_is_nothing_to_compare(columns: dict[str, list[object]]) -> None:
    with pytest.raises(NothingToCompare, match="Map its columns with --columns"):
        prepared(**columns)
