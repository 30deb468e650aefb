"""What changed in an extract's columns, what it means, and what would settle it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sources.manifest import Adapter
from sources.origins import origins_of
from sources.record import LandingReport, SeenColumn, SeenFile, ShapeChange
from sources.shapes import changes_of_shape, merge_seen
from tests.support.shops import ORDER_COLUMNS, ORDERS_SQL, make_adapter

NUMBER, TIME = SeenColumn("integer", "9"), SeenColumn("time", "9-9-9 9:9:9")
CODE, WORD, EMPTY = SeenColumn("text", "a9"), SeenColumn("text", "a"), SeenColumn("empty")
BEFORE = {
    "order_code": CODE, "customer_code": CODE, "ordered_at": TIME, "promised_at": TIME, "region": EMPTY,
    "status": WORD, "total": NUMBER, "changed": TIME,
}  # fmt: skip


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    return make_adapter(tmp_path / "adapter", files={"orders": {
        "glob": "orders*.csv", "columns": [c for c in ORDER_COLUMNS if c != "region"], "optional_columns": ["region"],
    }})  # fmt: skip


def _file(columns: Mapping[str, SeenColumn], name: str = "orders.csv") -> SeenFile:
    return SeenFile("orders", name, columns)


def _landed(columns: Mapping[str, SeenColumn], adapter: str = "shop") -> LandingReport:
    return LandingReport(
        "b", "landed", adapter, "c", "x", "a", "k", "t", "t", columns={"orders": columns} if columns else {}
    )


def _changes(adapter: Adapter, lacks: str = "", **new: SeenColumn) -> list[ShapeChange]:
    now = {**{c: s for c, s in BEFORE.items() if c != lacks}, **new}
    return list(changes_of_shape(adapter, [_file(now)], [_landed(BEFORE)]))


def test_nothing_changed(adapter: Adapter) -> None:
    assert _changes(adapter) == []
    assert _changes(adapter, total=SeenColumn("number", "9.9"), region=WORD, status=EMPTY) == []


def test_a_new_column_is_compatible_and_one_that_the_contract_knows_is_suggested(adapter: Adapter) -> None:
    plain, known = _changes(adapter, gift=WORD, priority=NUMBER)
    assert (plain.verdict, plain.kind, plain.column, plain.suggestion) == ("compatible", "new_column", "gift", "")
    assert "orders.sql should fill it" in known.suggestion


def test_a_missing_optional_column_is_compatible(adapter: Adapter) -> None:
    (change,) = _changes(adapter, lacks="region")
    assert (change.verdict, change.kind, change.column) == ("compatible", "missing_column", "region")


def test_a_missing_column_of_a_required_one_breaks(adapter: Adapter) -> None:
    (change,) = _changes(adapter, lacks="ordered_at")
    assert (change.verdict, change.kind) == ("breaking", "missing_column")
    assert "orders.ordered_at" in change.message
    assert "`required: false` for ordered_at in contract/orders.odcs.yaml as 1.1.0" in change.suggestion
    (change,) = _changes(adapter, lacks="order_code")
    assert "a key cannot become optional" in change.suggestion


def test_a_missing_column_of_optional_ones_needs_a_decision(adapter: Adapter) -> None:
    (change,) = _changes(adapter, lacks="promised_at")
    assert (change.verdict, change.kind) == ("needs_decision", "missing_column")
    assert "orders.promised_at" in change.message
    assert "take promised_at out of files.orders.columns and into files.orders.optional_columns" in change.suggestion


@pytest.mark.parametrize(
    ("lacks", "new", "seen"),
    [
        ("ordered_at", "date", TIME),
        ("order_code", "bestellnummer", CODE),
        ("total", "sum", SeenColumn("number", "9.9")),
    ],
)
def test_a_new_column_of_like_values_is_a_likely_rename(
    adapter: Adapter, lacks: str, new: str, seen: SeenColumn
) -> None:  # fmt: skip
    (change,) = _changes(adapter, lacks=lacks, **{new: seen})
    assert (change.verdict, change.kind, change.column) == ("needs_decision", "renamed_column", lacks)
    assert f"{lacks} → {new}" in change.suggestion
    assert f"orders.sql: read {new} in place of {lacks}" in change.suggestion


def test_of_several_like_columns_the_likest_name_counts_or_none(adapter: Adapter) -> None:
    change, _ = _changes(adapter, lacks="ordered_at", paid=TIME, order_time=TIME)
    assert "ordered_at → order_time" in change.suggestion
    change, *_ = _changes(adapter, lacks="ordered_at", xx=TIME, yy=TIME)
    assert change.verdict == "breaking"


def test_other_values_are_no_rename(adapter: Adapter) -> None:
    assert _changes(adapter, lacks="ordered_at", ordered_on=WORD)[0].verdict == "breaking"


def test_a_retyped_column_needs_a_decision_only_if_it_is_read(adapter: Adapter) -> None:
    (change,) = _changes(adapter, ordered_at=NUMBER)
    assert (change.verdict, change.kind) == ("needs_decision", "retyped_column")
    assert "orders.ordered_at (TIMESTAMP)" in change.suggestion
    history = [_landed({**BEFORE, "gift": WORD})]
    (unread,) = changes_of_shape(adapter, [_file({**BEFORE, "gift": NUMBER})], history)
    assert unread.verdict == "compatible"


def test_the_worst_comes_first_and_each_file_is_looked_at(adapter: Adapter) -> None:
    lacking = {c: s for c, s in BEFORE.items() if c != "ordered_at"}
    changes = changes_of_shape(adapter, [_file({**BEFORE, "gift": WORD}), _file(lacking, "orders2.csv")],
                               [_landed(BEFORE)])  # fmt: skip
    assert [(c.verdict, c.file) for c in changes] == [("breaking", "orders2.csv"), ("compatible", "orders.csv")]


def test_a_first_landing_can_only_lack_columns(adapter: Adapter) -> None:
    assert changes_of_shape(adapter, [_file({**BEFORE, "gift": WORD})], []) == ()
    assert changes_of_shape(adapter, [_file({**BEFORE, "gift": WORD})], [_landed({}), _landed(BEFORE, "other")]) == ()
    now = {**{c: s for c, s in BEFORE.items() if c != "ordered_at"}, "Ordered_At": TIME}
    assert changes_of_shape(adapter, [_file(now)], [])[0].kind == "renamed_column"


def test_types_of_several_files_make_one() -> None:
    seen = [{"a": NUMBER, "b": EMPTY, "c": NUMBER}, {"a": SeenColumn("number"), "b": TIME, "c": WORD}]
    merged = merge_seen([_file(s) for s in seen])
    assert {n: s.type for n, s in merged.items()} == {"a": "number", "b": "time", "c": "text"}


def test_origins_pass_sub_queries_ctes_unions_and_stars() -> None:
    sql = """
        with a as (select upper(x) as y, z from t)
        select y as one, 'k' as two, coalesce(z, w) as three from (select * from a)
        union all by name select v as one from u
    """
    assert origins_of(sql, ["one", "two", "three"]) == {"one": {"y", "x", "v"}, "two": set(), "three": {"z", "w"}}
    assert origins_of("select * from t", ["q"]) == {"q": {"q"}}
    assert origins_of(ORDERS_SQL, ["channel", "city", "currency"]) == {
        "channel": set(),
        "city": set(),
        "currency": set(),
    }
