"""What may be seen of a failing row."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.masking import HIDDEN, PersonalDataClasses, mask, scrub
from sources.contracts import load_contract

CLASSES = PersonalDataClasses(load_contract())


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("customers", "email", "direct"),
        ("customers", "postal_code", "quasi"),
        ("warehouses", "postal_code", "none"),  # a node's address is no person's
        ("dim_customers", "full_name", "direct"),
        ("dim_warehouses", "address_line", "none"),
        ("stg_customers", "customer_code", "quasi"),
        ("some_mart", "email", "direct"),  # unknown origin: the strictest of all tables
        ("some_mart", "address_line", "direct"),
        ("fct_orders", "order_id", "none"),
        ("fct_orders", "total_amount", "none"),
    ],
)
def test_the_class_of_a_column(table: str, column: str, expected: str) -> None:
    assert CLASSES.of(table, column) == expected


def test_every_direct_column_of_the_contract_is_hidden() -> None:
    for table in load_contract().values():
        for column in table.columns:
            if column.personal_data == "direct":
                assert CLASSES.mask_row(table.name, {column.name: "value"}) == {column.name: HIDDEN}


@given(st.text(min_size=2))
def test_direct_values_leave_nothing_and_quasi_values_one_character(value: str) -> None:
    assert mask(value, "direct") == HIDDEN
    assert mask(value, "quasi") == f"{value[0]}…"


def test_empty_values_stay_empty() -> None:
    assert [mask(None, given) for given in ("direct", "quasi", "none")] == [None, None, None]
    assert mask(math.nan, "none") == "nan"


def test_an_address_in_an_unclassified_column_is_hidden() -> None:
    assert mask("call jane.doe@example.com now", "none") == "call *** now"


def test_groups_keep_the_quasi_identifiers_that_name_them() -> None:
    row = {"region_code": "SP", "email": "a@b.de", "count_orders": 3}
    assert CLASSES.mask_row("fct_orders", row, is_group=True) == {
        "region_code": "SP", "email": HIDDEN, "count_orders": "3",
    }  # fmt: skip
    assert CLASSES.mask_row("fct_orders", row)["region_code"] == "S…"


def test_database_messages_lose_the_values_they_quote() -> None:
    message = "Conversion Error: Could not convert string 'jane@example.com' to INT32\n\nLINE 1: select secret"
    assert scrub(message) == "Conversion Error: Could not convert string *** to INT32"
