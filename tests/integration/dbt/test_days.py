"""Builds of some days: they change those days and nothing else, and come to what a build of all days comes to."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.dbt_company import PROJECT, Company
from tests.support.order_history import CUSTOMERS, GTINS, PRODUCTS, START, Rows, order_history

DAILY = {"int_orders_resolved": "order_date", "fct_orders": "order_date", "fct_order_lines": "order_date",
         "fct_shipments": "order_date", "fct_order_events": "event_date", "fct_inventory_daily": "stock_date",
         "kpi_daily": "kpi_date", "feat_order_delivery": "order_date", "feat_parcel_delivery": "order_date",
         "fct_inbound_deliveries": "created_date", "feat_stock_daily": "stock_date",
         "fct_landed_rows": "landed_day"}  # fmt: skip


def _order(code: str, at: datetime, **more: object) -> dict[str, object]:
    return {"source_system": "shop", "order_code": code, "channel": "web", "ordered_at": at, "status": "processing",
            "currency": "CNY", "promised_at": at + timedelta(days=3), **more}  # fmt: skip


def _line(code: str, at: datetime) -> dict[str, object]:
    return {"source_system": "shop", "order_code": code, "line_number": 1, "ordered_at": at, "product_code": "P1",
            "quantity": 2, "unit_price_amount": 5, "line_amount": 10, "currency": "CNY"}  # fmt: skip


def _parcel(code: str, at: datetime, **more: object) -> dict[str, object]:
    return {"source_system": "wms", "shipment_code": f"S{code}", "order_source_system": "shop", "order_code": code,
            "warehouse_code": "W1", "created_at": at, "currency": "CNY", **more}  # fmt: skip


@pytest.mark.parametrize("slices", [{}, {"slices": ["2026-01-24", "2026-02-01"]}], ids=["in one go", "in slices"])
def test_a_range_of_days_comes_to_what_all_days_come_to(whole: Company, tmp_path: Path, slices: dict[str, Any]) -> None:
    parts = whole.copy(tmp_path / "parts")
    with parts.connect() as connection:
        for table, day in DAILY.items():
            # The rows of half of the days are there still, to be replaced.
            days = f"{day} between date '2026-01-20' and date '2026-02-05'"
            connection.execute(f"delete from {table} where {days} and hash({day}) % 2 = 0")
    parts.build("--select", "tag:daily", from_day="2026-01-20", to_day="2026-02-05", **slices)
    assert {t: parts.digest(t) for t in DAILY} == {t: whole.digest(t) for t in DAILY}


def test_slices_of_days_come_to_what_all_days_in_one_go_come_to(whole: Company, tmp_path: Path) -> None:
    parts = whole.copy(tmp_path / "parts")
    with parts.connect() as connection:
        for table in DAILY:
            connection.execute(f"delete from {table}")
    parts.build("--select", "tag:daily", slices=["2026-01-20", "2026-02-05"])
    assert {t: parts.digest(t) for t in [*DAILY, "landings_built"]} == {
        t: whole.digest(t) for t in [*DAILY, "landings_built"]
    }
    # Models of orders were filled query by query, others in one go.
    ends = {
        model: re.findall(r"slice_last = date '([^']*)'", (PROJECT / node["build_path"]).read_text())
        for model in ("fct_orders", "fct_order_events")
        for node in [parts.manifest["nodes"][f"model.order_intelligence.{model}"]]
    }
    assert ends == {"fct_orders": ["2026-01-19", "2026-02-04", "9999-12-31"], "fct_order_events": []}


def test_a_second_build_changes_nothing(whole: Company, tmp_path: Path) -> None:
    again = whole.copy(tmp_path / "again")
    again.run()
    tables = [*DAILY, "xref_customers", "xref_products", "xref_warehouses", "dim_customers", "dim_products",
              "dim_warehouses", "dim_regions", "unmapped_codes"]  # fmt: skip
    assert {t: again.digest(t) for t in tables} == {t: whole.digest(t) for t in tables}


def test_late_and_moved_records_reopen_the_days_that_they_touch(company: Company) -> None:
    first, second, third = (START + timedelta(days=d, hours=9) for d in (0, 1, 2))
    company.land(
        {
            "orders": [_order("A", first), _order("B", second), _order("C", third)],
            "order_lines": [_line("A", first), _line("B", second), _line("C", third)],
            "shipments": [_parcel("A", first)],
        }
    )
    company.run()
    assert company.rows("select count(*) from fct_orders where delivered_at is not null") == [(0,)]

    arrived = first + timedelta(days=20)
    batch = company.land(
        {
            "orders": [_order("B", third, updated_at=third)],
            "shipments": [_parcel("A", first, shipped_at=first, delivered_at=arrived, updated_at=arrived)],
        }
    )
    touched = company.rows(f"select table_name, day from int_days_touched where batch = '{batch}' order by all")
    assert touched == [
        ("orders", date(2026, 1, 2)),
        ("orders", date(2026, 1, 3)),
        ("shipments", date(2026, 1, 1)),
    ]
    before = company.rows("select * from fct_orders where order_code = 'C'")
    company.build("--select", "tag:daily", from_day="2026-01-01", to_day="2026-01-03")
    assert company.rows("select order_code, order_date, is_late from fct_orders order by 1") == [
        ("A", date(2026, 1, 1), True),
        ("B", date(2026, 1, 3), None),
        ("C", date(2026, 1, 3), None),
    ]
    assert company.rows("select * from fct_orders where order_code = 'C'") == before
    assert company.rows("select order_date from fct_order_lines where order_code = 'B'") == [(date(2026, 1, 3),)]


def test_a_build_that_fails_leaves_the_days_as_they_were(whole: Company, tmp_path: Path) -> None:
    broken = whole.copy(tmp_path / "broken")
    # A constraint that no new row meets stands for whatever may go wrong while the new days are written.
    with broken.connect() as connection:
        connection.execute("create table kept as from kpi_daily")
        connection.execute("drop table kpi_daily")
        columns = connection.execute("select column_name, column_type from (describe kept)").fetchall()
        typed = ", ".join(f"{name} {kind}" for name, kind in columns)
        connection.execute(f"create table kpi_daily ({typed}, check (kpi_date < date '2026-01-10'))")
        connection.execute("insert into kpi_daily from kept where kpi_date < date '2026-01-10'")
    before = broken.digest("kpi_daily")
    said = broken.dbt("run", "--select", "kpi_daily", check=False, from_day="2026-01-05", to_day="2026-01-12")
    assert "CHECK constraint" in said
    assert broken.digest("kpi_daily") == before


def test_a_wrong_range_is_refused_by_name(company: Company) -> None:
    said = company.dbt("compile", "--select", "fct_order_events", check=False, from_day="1.2.2026", to_day="2026-02-01")
    assert "from_day and to_day are days as YYYY-MM-DD; got '1.2.2026'" in said
    said = company.dbt(
        "compile", "--select", "fct_order_events", check=False, from_day="2026-02-02", to_day="2026-02-01"
    )
    assert "to_day must not lie before from_day; got 2026-02-02 to 2026-02-01" in said


def test_linked_records_show_which_days_hold_old_ids(company: Company) -> None:
    at = START + timedelta(days=4)
    history = order_history(orders=0, days=1)
    history["orders"] = [_order("A", START, customer_code="C1"), _order("B", at, customer_code="C2")]
    company.land({name: rows for name, rows in history.items() if rows})
    company.match()
    company.run()
    assert company.rows("from int_days_outdated") == []
    _, one, two = history["customers"][:3]
    told = {"email": one["email"], "full_name": "Li Na", "updated_at": at}
    company.land({"customers": [{**one, **told}, {**two, **told}]})
    company.match()
    company.run("--exclude", "tag:daily")
    assert company.rows("from int_days_outdated") == [("fct_orders", date(2026, 1, 5), 1)]


def test_a_build_of_changes_takes_in_codes_that_were_linked_split_or_mapped(company: Company) -> None:
    history = order_history(orders=300, days=20)
    at = START + timedelta(days=19, hours=23)
    # Orders of a day that is worked on, by customers of whom one will have another's id.
    history["orders"] += [_order("M1", at, customer_code="C1"), _order("M2", at, customer_code="C2")]
    company.land(history)
    company.match()
    company.run()
    customers, products = history["customers"], history["products"]
    said = {"email": "c1@mail.cn", "full_name": "Li Na", "phone": "13812345678", "updated_at": at}
    linked = [{**customers[1], **said}, {**customers[2], **said}]
    missed = {**customers[3], "customer_code": f"C{CUSTOMERS}", "email": "missed@mail.cn"}
    # One system's P1 turns out to be P0, so that it leaves the id it shared with the other system's.
    moved = next(p for p in products if p["source_system"] == "wms" and p["product_code"] == "P1")
    known = [{**moved, "gtin": GTINS[0], "model_code": "M0", "updated_at": at},
             {**products[2], "product_code": f"P{PRODUCTS}", "gtin": None, "model_code": "M99"}]  # fmt: skip
    company.land({"customers": [*linked, missed], "products": known, "orders": [_order("N", at)]})
    company.match()
    facts = ["int_orders_resolved", "fct_orders", "fct_order_lines", "fct_shipments", "fct_inventory_daily",
             "fct_inbound_deliveries", "feat_stock_daily", "codes_built"]  # fmt: skip
    stale = {t: company.digest(t) for t in facts}
    company.build(changes="true")
    changed = {t: company.digest(t) for t in facts}
    assert [t for t in facts if changed[t] == stale[t]] == []
    assert company.rows("from int_days_outdated") == []
    # The days of an order that was only linked are no news: features of all days after it would be built every night.
    assert company.rows("select min(day) from int_days_rebuilt where day_column = 'order_date'") == [(at.date(),)]
    # Nor do they reopen the stock of what was ordered: P2's code means what it meant.
    p2 = "select product_id from xref_products where product_code = 'P2'"
    assert company.rows(f"select count(*) from int_stock_touched where product_id in ({p2})") == [(0,)]

    company.run()
    assert {t: company.digest(t) for t in facts} == changed


#: The time of a record that says on which day its system sent it first.
SENT = {"orders": "ordered_at", "order_lines": "ordered_at", "shipments": "created_at", "shipment_lines": "created_at",
        "order_events": "occurred_at", "inventory_snapshots": "observed_at", "inbound_deliveries": "received_at",
        "reviews": "created_at", "signals": "observed_at"}  # fmt: skip


def _two_nights(history: Rows, moment: datetime) -> tuple[Rows, Rows]:
    """What had landed by `moment`, and what lands after it: the rest, what came late, and corrections of both."""
    luck, day = Random(3), timedelta(days=1)
    before, after = dict(history), Rows()
    for table, sent in SENT.items():
        before[table], after[table] = [], []
        for row in history[table]:
            at = row[sent] or moment
            is_late = at > moment - 14 * day and luck.random() < 0.05
            (after if is_late or at >= moment else before)[table].append(row)
    orders = before["orders"]
    # An order moves to another day, a parcel to another order and node, a line to another product, all as of two weeks.
    moved = next(o for o in orders if o["ordered_at"] > moment - 14 * day)
    after["orders"].append({**moved, "ordered_at": moved["ordered_at"] + 2 * day, "updated_at": moment})
    parcel = next(p for p in before["shipments"] if p["order_code"] == moved["order_code"])
    other = next(o["order_code"] for o in orders[::-1] if o["ordered_at"] < moment - 3 * day)
    node = "W1" if parcel["warehouse_code"] != "W1" else "W2"
    after["shipments"].append({**parcel, "order_code": other, "warehouse_code": node, "updated_at": moment})
    line = next(row for row in before["order_lines"] if row["ordered_at"] > moment - 9 * day)
    after["order_lines"].append({**line, "product_code": "P2", "quantity": 9, "updated_at": moment})
    # A receipt is expected later and at another node, an event happened on another day, a shelf was counted anew.
    due = next(r for r in before["inbound_deliveries"] if r["created_at"] > moment - 15 * day)
    after["inbound_deliveries"].append({**due, "warehouse_code": node, "expected_at": moment})
    event = next(e for e in before["order_events"] if e["occurred_at"] > moment - 5 * day)
    after["order_events"].append({**event, "occurred_at": event["occurred_at"] - day})
    count = next(c for c in before["inventory_snapshots"] if c["observed_at"] > moment - 6 * day)
    after["inventory_snapshots"].append({**count, "on_hand_quantity": 77})
    return before, after


def test_a_build_of_changes_comes_to_what_all_days_come_to(company: Company) -> None:
    before, after = _two_nights(order_history(), START + timedelta(days=57))
    company.land(before)
    company.match()
    company.run()
    stale = {t: company.digest(t) for t in DAILY}
    # Receipts come by themselves, so that no order of the same night reopens the counts that they change.
    receipts = after.pop("inbound_deliveries")
    for night in (after, {"inbound_deliveries": receipts}):
        company.land(night)
        company.run(changes="true")
    changed = {t: company.digest(t) for t in DAILY}
    assert all(changed[t] != stale[t] for t in DAILY)

    company.run()
    assert {t: company.digest(t) for t in DAILY} == changed


def test_changes_are_taken_in_once_and_none_is_left_behind(company: Company) -> None:
    at = START + timedelta(hours=9)
    company.land({"orders": [_order("A", at)], "order_lines": [_line("A", at)]})
    company.run()
    company.land({"orders": [_order("B", at)], "order_lines": [_line("B", at)]})
    # A column that is gone stands for whatever may go wrong on the way: the landing is not built then.
    with company.connect() as connection:
        connection.execute("alter table kpi_daily drop column count_reviews")
    company.dbt("run", check=False, changes="true")
    assert company.rows("from landings_built") == [("batch001",)]
    with company.connect() as connection:
        connection.execute("alter table kpi_daily add column count_reviews integer")
    company.land({"orders": [_order("C", at)], "order_lines": [_line("C", at)]})
    company.run(changes="true")
    assert company.rows("select order_code from fct_orders order by 1") == [("A",), ("B",), ("C",)]
    assert company.rows("select count_orders from kpi_daily") == [(3,)]
    assert company.rows("select batch from landings_built order by 1") == [("batch001",), ("batch002",), ("batch003",)]
    company.run(changes="true")
    assert company.rows("from int_orders_touched") == []
