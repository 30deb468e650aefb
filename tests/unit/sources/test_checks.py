"""What each kind of value becomes: the typed value, or the reason for which it is refused."""

from dataclasses import replace

import duckdb
import pytest

from sources.checks import checked_select, explain
from sources.contracts import Column, Reference, Table, load_contract

_NO = None


def _table(**column: object) -> Table:
    made = Column(**{  # type: ignore[arg-type]
        "name": "v", "type": "VARCHAR", "description": "", "required": False, "key_position": None,
        "personal_data": "none", "purpose": "", "retention_days": 1, **column,
    })  # fmt: skip
    return Table("t", "", "", "1", False, None, None, (made,), ())


def _judge(table: Table, value: str | None, regions: str | None = None) -> tuple[object, list[str] | None]:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    mapped = "select ?::varchar as v, 'f' as _source_file, 1 as _source_row"
    row = connection.execute(
        f"select cast(v as varchar), _reasons from ({checked_select(table, mapped, ['v'], regions)})", [value]
    ).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("INTEGER", "3", "3"), ("INTEGER", " 3 ", "3"), ("INTEGER", "-3", "-3"), ("INTEGER", "3.0", "3"),
        ("INTEGER", "1.5", _NO), ("INTEGER", "1_000", _NO), ("INTEGER", "0x1F", _NO), ("INTEGER", "1e3", _NO),
        ("INTEGER", "9999999999", _NO), ("INTEGER", "three", _NO), ("INTEGER", "true", _NO),
        ("DECIMAL(18,2)", "12.34", "12.34"), ("DECIMAL(18,2)", "1e2", "100.00"), ("DECIMAL(18,2)", "R$ 3", _NO),
        ("DECIMAL(18,2)", "1,5", _NO), ("DECIMAL(18,2)", "1_0", _NO), ("DECIMAL(18,2)", "99999999999999999999", _NO),
        ("DOUBLE", "1.5", "1.5"), ("DOUBLE", "abc", _NO),
        ("BOOLEAN", "true", "true"), ("BOOLEAN", "0", "false"), ("BOOLEAN", "maybe", _NO),
        ("DATE", "2026-03-01", "2026-03-01"), ("DATE", "2026-03-01 00:00:00", "2026-03-01"), ("DATE", "2026-02-30",
            _NO),
        ("DATE", "2026-03-01 10:00:00", _NO), ("DATE", "01.03.2026", _NO), ("DATE", "epoch", _NO), ("DATE",
            "1066-10-14", _NO),
        ("TIMESTAMP", "2026-03-01 10:00:00", "2026-03-01 10:00:00"), ("TIMESTAMP", "2026-03-01", "2026-03-01 00:00:00"),
        ("TIMESTAMP", "2026-03-01T10:00:00Z", "2026-03-01 10:00:00"),
        ("TIMESTAMP", "2026-03-01T10:00Z", "2026-03-01 10:00:00"),
        ("TIMESTAMP", "2026-03-01T10:00:00+08:00", "2026-03-01 02:00:00"),
        ("TIMESTAMP", "2026-03-01T10:00+08", "2026-03-01 02:00:00"),
        ("TIMESTAMP", "2026-03-01 10:00:00.123456", "2026-03-01 10:00:00.123456"),
        ("TIMESTAMP", "2026-03-01 25:00:00", _NO), ("TIMESTAMP", "infinity", _NO), ("TIMESTAMP", "1234567890-01-01",
            _NO),
        ("TIMESTAMP", "9999-12-31 00:00:00", _NO), ("TIMESTAMP", "20260301", _NO), ("TIMESTAMP", "46082", _NO),
        ("VARCHAR", "01037", "01037"), ("VARCHAR", " padded ", " padded "),
    ],
)  # fmt: skip
def test_a_value_is_cast_or_named(kind: str, text: str, value: str | None) -> None:
    assert _judge(_table(type=kind), text) == (value, None if value is not None else ["type:v"])


@pytest.mark.parametrize("text", [None, "", "   ", "\t"])
@pytest.mark.parametrize("kind", ["VARCHAR", "INTEGER", "TIMESTAMP"])
def test_blank_is_empty_and_empty_may_be_required(kind: str, text: str | None) -> None:
    assert _judge(_table(type=kind), text) == (None, None)
    assert _judge(_table(type=kind, required=True), text) == (None, ["required:v"])


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ({"type": "INTEGER", "minimum": 1, "maximum": 5}, "1", None),
        ({"type": "INTEGER", "minimum": 1, "maximum": 5}, "0", "range:v"),
        ({"type": "INTEGER", "minimum": 1, "maximum": 5}, "6", "range:v"),
        ({"type": "DOUBLE"}, "nan", "range:v"),
        ({"type": "DOUBLE"}, "inf", "range:v"),
        ({"type": "DECIMAL(18,2)", "minimum": 0}, "-0.01", "range:v"),
        ({"pattern": "^[A-Z]{3}$"}, "BRL", None),
        ({"pattern": "^[A-Z]{3}$"}, "brl", "pattern:v"),
        ({"pattern": "^[A-Z]{3}$"}, "R$", "pattern:v"),
        ({"allowed": ("a", "b")}, "a", None),
        ({"allowed": ("a", "b")}, "A", "enum:v"),
        ({"allowed": ("it's",)}, "it's", None),
    ],
)
def test_a_value_obeys_the_contract(column: dict[str, object], text: str, reason: str | None) -> None:
    assert _judge(_table(**column), text)[1] == ([reason] if reason else None)


def test_a_region_is_known_or_the_company_has_none() -> None:
    table = _table(reference=Reference("regions", "region_code", "", "error"))
    known = "(select 'BR-SP' as region_code)"
    assert _judge(table, "BR-SP", known)[1] is None
    assert _judge(table, None, known)[1] is None
    assert _judge(table, "SP", known)[1] == ["reference:v"]
    assert _judge(table, "SP", None)[1] is None


def test_a_row_has_all_its_reasons() -> None:
    table = load_contract()["order_lines"]
    mapped = ("select 'shop' as source_system, 'x' as line_number, '0' as quantity, '-1' as unit_price_amount, "
              "'2026-01-01' as ordered_at, 'p' as product_code, '5' as line_amount, 'eur' as currency, "
              "'f' as _source_file, 7 as _source_row")  # fmt: skip
    given = [c.name for c in table.columns if c.name in mapped]
    connection = duckdb.connect()
    reasons, values = connection.execute(
        f"select _reasons, _values from ({checked_select(table, mapped, set(given) - {'order_code'}, None)})"
    ).fetchone() or (None, None)
    assert sorted(reasons or []) == [
        "pattern:currency", "range:quantity", "range:unit_price_amount", "required:order_code", "type:line_number",
    ]  # fmt: skip
    assert '"quantity":"0"' in str(values)


def test_lost_decimals_are_noticed_and_binary_noise_is_not() -> None:
    table = _table(type="DECIMAL(18,2)")
    connection = duckdb.connect()
    for text, expected in (("1.005", ["v"]), ("12.340000000000002", None), ("12.34", None)):
        mapped = f"select '{text}' as v, 'f' as _source_file, 1 as _source_row"
        assert connection.execute(
            f"select _rounded from ({checked_select(table, mapped, ['v'], None)})"
        ).fetchone() == (expected,)


def test_explanations_name_column_rule_value_and_remedy() -> None:
    orders = load_contract()["orders"]
    assert explain(orders, "enum:status", "paid").startswith("status 'paid' is not one of created, approved")
    assert "Check the time zone of the promise." in explain(orders, "rule:promised_not_before_ordered")
    assert "0 to ∞" in explain(orders, "range:total_amount", "-1")
    assert "regions.region_code" in explain(orders, "reference:ship_to_region_code", "XX")
    for reason in ("required:order_code", "type:ordered_at", "pattern:currency", "unknown_code:customer_code",
                   "rounded:total_amount", "duplicate_identical", "not_mapped", "malformed:json"):  # fmt: skip
        assert len(explain(orders, reason)) > 20
    assert explain(None, "enum:status") == "enum:status"


def test_a_type_that_landing_cannot_cast_is_an_error() -> None:
    with pytest.raises(ValueError, match="BLOB"):
        checked_select(replace(_table(type="BLOB")), "select 1", ["v"], None)
