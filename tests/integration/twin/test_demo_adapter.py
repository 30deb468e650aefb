"""The demo adapter lands every table of the contract, and what it refuses is what the twin spoiled."""

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest

from sources.contracts import load_contract
from sources.landing import land
from sources.manifest import load_adapter
from sources.record import LandingReport
from twin.generate import GenerationReport
from workspace.settings import CompanyPaths, Settings


@pytest.fixture(scope="module")
def landed(company: GenerationReport, tmp_path_factory: pytest.TempPathFactory) -> tuple[LandingReport, CompanyPaths]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), company="demo")
    return land(settings, load_adapter("demo"), company.extracts), settings.paths


@pytest.fixture(scope="module")
def lake(landed: tuple[LandingReport, CompanyPaths]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in load_contract():
            files = landed[1].landing / table / "day=*" / "*.parquet"
            connection.execute(f"create view {table} as select * from read_parquet('{files}', union_by_name = true)")
        yield connection


def one(lake: duckdb.DuckDBPyConnection, query: str) -> tuple:
    row = lake.execute(query).fetchone()
    assert row is not None
    return row


def test_every_table_of_the_contract_is_filled(landed: tuple[LandingReport, CompanyPaths]) -> None:
    report = landed[0]
    assert report.status == "landed"
    assert {name for name, table in report.tables.items() if table.total.landed} == set(load_contract())
    assert report.total.read == report.total.landed + report.total.quarantined


def test_only_spoiled_rows_are_refused(landed: tuple[LandingReport, CompanyPaths], company: GenerationReport) -> None:
    reasons = {name: dict(table.reasons) for name, table in landed[0].tables.items() if table.reasons}
    assert set(reasons) == {"orders", "order_lines", "products"} | (set(reasons) & {"signals"})
    assert set(reasons["orders"]) == {"duplicate_identical", "duplicate_superseded", "rule:promised_not_before_ordered",
                                      "type:ordered_at"}  # fmt: skip
    planted = dict(pl.read_parquet(company.truth / "defects.parquet").group_by("defect").len().iter_rows())
    assert reasons["orders"]["type:ordered_at"] == planted["broken_time"]
    assert reasons["orders"]["duplicate_identical"] == planted["duplicate_row"]
    assert reasons["order_lines"]["range:quantity"] == planted["zero_quantity"]


def test_orders_are_those_that_were_placed(lake: duckdb.DuckDBPyConnection, company: GenerationReport) -> None:
    lake.execute(f"create or replace view truth_orders as select * from '{company.truth}/orders.parquet'")
    true, found, right_time, right_promise = one(lake, """
        select count(*), count(o.order_code), avg((epoch(o.ordered_at) = t.ordered_at)::int),
            avg((epoch(o.promised_at) = t.promised_at)::int)
        from truth_orders as t left join orders as o using (source_system, order_code)
    """)  # fmt: skip
    assert true == company.orders
    assert found > 0.995 * true
    assert right_time == right_promise == 1.0, "local times, milliseconds and offsets all become the same UTC"


def test_money_and_quantities_add_up(lake: duckdb.DuckDBPyConnection) -> None:
    wrong = one(lake, """
        select count(*) from orders
        where abs(total_amount - (goods_amount + shipping_amount + tax_amount - discount_amount)) > 0.011
    """)[0]  # fmt: skip
    assert wrong == 0
    shipped = one(lake, """
        select count(*) filter (where s.quantity > l.quantity) from (
            select p.order_source_system as source_system, p.order_code, s.order_line_number as line_number,
                sum(s.quantity) as quantity
            from shipment_lines as s inner join shipments as p using (source_system, shipment_code)
            group by all
        ) as s inner join order_lines as l using (source_system, order_code, line_number)
    """)[0]  # fmt: skip
    assert shipped == 0, "more was shipped than ordered"


def test_events_tell_persons_from_systems(lake: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(lake.execute("select event_type, count(*) from order_events group by 1").fetchall())
    assert set(kinds) == {"created", "approved", "allocated", "reallocated", "held", "released", "picked", "packed",
                          "shipped", "delivered", "cancelled", "contacted"}  # fmt: skip
    persons = dict(lake.execute("""
        select event_type, avg((actor_kind = 'person')::int) from order_events group by 1
    """).fetchall())  # fmt: skip
    assert persons["reallocated"] == persons["contacted"] == 1.0
    assert persons["created"] == persons["delivered"] == 0.0
    backwards = one(lake, "select count(*) from order_events where recorded_at < occurred_at")[0]
    assert backwards == 0


def test_late_scans_of_region_b_can_be_seen(lake: duckdb.DuckDBPyConnection) -> None:
    lag = dict(lake.execute("""
        select o.ship_to_region_code, avg(epoch(e.recorded_at) - epoch(e.occurred_at)) / 3600
        from order_events as e
        inner join orders as o on e.order_source_system = o.source_system and e.order_code = o.order_code
        where e.event_type = 'delivered' group by 1
    """).fetchall())  # fmt: skip
    assert lag.pop("CN-HB") > 10
    assert max(lag.values()) < 1.5, "orders without a region hold some of region B"


def test_codes_meet_across_systems(lake: duckdb.DuckDBPyConnection, company: GenerationReport) -> None:
    lake.execute(f"create or replace view truth_products as select * from '{company.truth}/products.parquet'")
    known = one(lake, """
        select avg((t.product is not null)::int) from shipment_lines as s
        left join truth_products as t using (source_system, product_code)
    """)[0]  # fmt: skip
    assert known == 1.0
    same = one(lake, """
        select avg((a.product = b.product)::int) from products as x inner join products as y
            on x.gtin = y.gtin and x.source_system = 'shop' and y.source_system = 'wms'
        inner join truth_products as a on x.source_system = a.source_system and x.product_code = a.product_code
        inner join truth_products as b on y.source_system = b.source_system and y.product_code = b.product_code
    """)[0]  # fmt: skip
    assert same > 0.99, "an equal GTIN means the same product"


def test_landing_the_same_again_changes_nothing(
    landed: tuple[LandingReport, CompanyPaths], company: GenerationReport
) -> None:
    settings = Settings(home=landed[1].home, company="demo")
    assert land(settings, load_adapter("demo"), company.extracts).status == "already_landed"
