"""Every adapter that ships does what its own cases say; `olist` does it on the real data."""

from pathlib import Path

import duckdb
import pytest

from sources.cases import list_cases, run_case
from sources.history import capabilities, landed_days
from sources.landing import land
from sources.manifest import list_adapters, load_adapter
from tests.support.shops import make_adapter, order, orders_csv, write_files
from workspace.settings import Settings

CASES = [(name, case) for name in list_adapters() for case in list_cases(load_adapter(name))]


@pytest.mark.parametrize(("name", "case"), CASES, ids=lambda v: v)
def test_case(name: str, case: str) -> None:
    assert run_case(load_adapter(name), case) == []


def test_every_adapter_has_a_case() -> None:
    assert {name for name, _ in CASES} == set(list_adapters())


def test_a_case_that_differs_says_how(tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path)
    expected = (
        "tables:\n  orders:\n    landed: 2\n    quarantined: {x: 1}\n    rows: [{order_code: A9}]\n"
        "  customers: {landed: 1}\n"
    )
    write_files(tmp_path / "cases" / "wrong", {"extract/orders.csv": orders_csv(order()), "expected.yaml": expected})
    assert run_case(adapter, "wrong") == [
        "orders: landed 1, expected 2", "orders: quarantined {}, expected {'x': 1}",
        "orders: no landed row has {'order_code': 'A9'}", "customers: expected, but not mapped",
    ]  # fmt: skip
    write_files(tmp_path / "cases" / "wrong", {"expected.yaml": "refused: [missing_file]"})
    assert run_case(adapter, "wrong") == ["refused for nothing, expected ['missing_file']"]


@pytest.fixture(scope="module")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    if not (real_data / "olist").is_dir():
        pytest.skip("the Olist files are not among the public data sets beside this checkout")
    settings = Settings(home=tmp_path_factory.mktemp("olist"), company="olist")
    report = land(settings, load_adapter("olist"), real_data / "olist", settle_seconds=0)
    assert report.status == "landed", report.problems
    return settings


def _ask(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        for table in settings.paths.landing.iterdir():
            files = table / "**" / "*.parquet"
            connection.execute(f"create view {table.name} as from read_parquet('{files}', hive_partitioning = false)")
        return connection.execute(query).fetchall()


@pytest.mark.real_data
def test_olist_lands_whole(olist: Settings) -> None:
    query = " union all ".join(f"select '{t}', count(*) from {t}" for t in (
        "orders", "order_lines", "customers", "warehouses", "products", "reviews", "shipment_lines", "shipments",
        "regions"))  # fmt: skip
    assert dict(_ask(olist, query)) == {
        "orders": 43_538, "order_lines": 48_851, "customers": 43_538, "warehouses": 3_095, "products": 32_951,
        "reviews": 31_737, "shipment_lines": 48_851, "shipments": 43_311, "regions": 32,
    }  # fmt: skip
    assert str(landed_days(olist)) == "(datetime.date(2016, 9, 4), datetime.date(2018, 10, 17))"
    assert {c.name for c in capabilities(olist) if c.is_on} >= {
        "core",
        "late_delivery",
        "satisfaction",
        "regions",
        "routing",
    }
    assert {c.table for c in capabilities(olist) if not c.is_on} >= {"inventory_snapshots", "returns", "carrier_rates"}


@pytest.mark.real_data
def test_olist_keeps_the_late_rates_of_the_source(olist: Settings) -> None:
    late = """
        select {}, round(100 * avg((delivered_at > promised_at)::int), 1)
        from (select order_code, max(delivered_at) as delivered_at from order_events_delivered group by 1)
        join orders using (order_code) join regions on ship_to_region_code = region_code group by 1
    """.replace("order_events_delivered",
    "(select order_code, occurred_at as delivered_at from order_events where event_type = 'delivered')")  # fmt: skip
    assert dict(_ask(olist, late.format("parent_region_code"))) == {
        "BR-Nordeste": 14.5, "BR-Norte": 10.0, "BR-Centro-Oeste": 8.2, "BR-Sudeste": 7.3, "BR-Sul": 7.0,
    }  # fmt: skip
    by_state = dict(_ask(olist, late.format("region_code")))
    assert {s: by_state[f"BR-{s}"] for s in ("AL", "MA", "BA", "RJ", "SP")} == {
        "AL": 23.1, "MA": 18.2, "BA": 15.2, "RJ": 13.5, "SP": 5.8,
    }  # fmt: skip


@pytest.mark.real_data
def test_olist_defects_are_noticed_and_counted(olist: Settings) -> None:
    from sources.history import landing_history

    [report] = landing_history(olist)
    assert {n: w.count for n, w in report.observations.items()} == {
        "order_without_payment": 1, "order_without_items": 775, "carrier_before_approval": 560,
        "delivered_without_time": 8,
        "cancelled_with_delivery": 6, "seller_state_contradicts_post_code": 35, "position_outside_brazil": 11,
        "post_code_without_position": 2121, "product_without_category": 610, "category_without_translation": 13,
    }  # fmt: skip
    assert report.tables["orders"].warnings["rule:total_adds_up"].count == 114
    # 73 orders and 11 orders of the source, counted once for each of their parcels.
    assert report.tables["shipments"].warnings["rule:shipped_not_before_created"].count == 75
    assert report.tables["shipments"].warnings["rule:delivered_not_before_shipped"].count == 21
    assert report.total.read == report.total.landed
    assert report.total.quarantined == 0


@pytest.mark.real_data
def test_olist_details(olist: Settings) -> None:
    assert _ask(olist, "select count(distinct person_code) from customers") == [(42_758,)]
    assert _ask(olist, "select min(length(postal_code)), max(length(postal_code)) from customers") == [(5, 5)]
    odd = "select count(*) from warehouses where regexp_matches(city, '[^a-z ''´.-]')"
    assert _ask(olist, odd) == [(0,)]
    assert _ask(olist, "select city from warehouses where postal_code = '22790' and city <> 'rio de janeiro'") == []
    assert _ask(olist, "select count(*) from customers where latitude not between -34 and 6") == [(0,)]
    # Line numbers hold in the file with line breaks inside fields: the row says what its line says.
    row = _ask(olist, "select review_code, _source_row from reviews order by _source_row desc limit 1")[0]
    assert row[1] == 33_667
