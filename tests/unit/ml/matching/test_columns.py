"""Other people's columns."""

import polars as pl
import pytest

from ml.core.matching.columns import UnknownColumn, recognised
from ml.core.matching.products.records import PRODUCT_ALIASES


def test_columns_are_recognised_by_their_usual_names() -> None:
    table = pl.DataFrame({"id": [7], "Product Name": ["kettle"], "modelNo": ["k1"], "UPC": ["1"], "colour": ["red"]})
    assert recognised(table, PRODUCT_ALIASES, {}).to_dicts() == [
        {"record_id": "7", "gtin": "1", "title": "kettle", "model_code": "k1"}
    ]


def test_what_a_person_said_goes_first_and_rows_without_id_are_numbered() -> None:
    table = pl.DataFrame({"name": ["Miller"], "headline": ["kettle"]})
    assert recognised(table, PRODUCT_ALIASES, {"title": "headline"}).to_dicts() == [
        {"title": "kettle", "record_id": "0"}
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [({"titel": "a"}, "got 'titel'"), ({"title": "b"}, "names 'b'"), ({"record_id": "a"}, "2 rows")],
)
def test_a_wrong_map_says_what_is_there(given: dict[str, str], says: str) -> None:
    with pytest.raises(UnknownColumn, match=says):
        recognised(pl.DataFrame({"a": ["same", "same"]}), PRODUCT_ALIASES, given)
