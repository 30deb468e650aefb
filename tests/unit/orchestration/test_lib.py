import socket
from datetime import date

import duckdb
import pytest

from orchestration.defs.transform import change_variables, day_variables
from orchestration.lib.metadata import markdown_table
from orchestration.lib.partitions import range_tags
from orchestration.lib.servers import ServerFailed, running
from workspace.settings import Settings
from workspace.warehouse import open_warehouse


def test_a_table_cell_cannot_break_the_table() -> None:
    table = markdown_table(
        [{"name": "a|b\nc", "rows": 1234567, "rate": 0.12345, "none": None}], ["name", "rows", "rate", "none"]
    )
    assert table.splitlines()[2] == "| a\\|b c | 1,234,567 | 0.1235 |  |"


def test_days_become_the_tags_of_a_range() -> None:
    assert set(range_tags(date(2026, 1, 1), date(2026, 1, 31)).values()) == {"2026-01-01", "2026-01-31"}


@pytest.mark.parametrize("days", [(date(2026, 2, 1), date(2026, 1, 1)), (date(1999, 1, 1), date(2026, 1, 1))])
def test_days_out_of_order_or_before_the_calendar_are_refused(days: tuple[date, date]) -> None:
    with pytest.raises(ValueError, match="run forward"):
        range_tags(*days)


def test_a_taken_port_is_named_with_its_remedy(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = settings.model_copy(update={"dagster_port": other.getsockname()[1]})
        with pytest.raises(ServerFailed, match="OI_DAGSTER_PORT"), running(taken, lambda _server: None):
            pass


def test_a_range_of_all_landed_days_is_built_in_one_go(settings: Settings) -> None:
    for day in ("2026-01-01", "2026-01-31"):
        (settings.paths.landing / "orders" / f"day={day}").mkdir(parents=True)
    assert day_variables(settings, "2026-01-01", "2026-01-31") == {}
    assert day_variables(settings, "2026-01-05", "2026-01-31") == {"from_day": "2026-01-05", "to_day": "2026-01-31"}


def test_many_orders_are_built_slice_by_slice(settings: Settings) -> None:
    for day, orders in (("2026-01-01", 6), ("2026-01-02", 3), ("2026-01-03", 2), ("2026-01-09", 20), ("2026-01-10", 1)):
        folder = settings.paths.landing / "orders" / f"day={day}"
        folder.mkdir(parents=True)
        duckdb.execute(f"copy (from range({orders})) to '{folder / '1.parquet'}'")
    assert day_variables(settings, "2026-01-01", "2026-01-10") == {}
    sliced = settings.model_copy(update={"slice_orders": 10})
    # A day is never cut, however many its orders.
    assert day_variables(sliced, "2026-01-01", "2026-01-10") == {"slices": ["2026-01-03", "2026-01-09", "2026-01-10"]}
    # A first build of changes is one of all days, whether there is no warehouse yet or one that knows of no landing.
    assert change_variables(sliced) == {"slices": ["2026-01-03", "2026-01-09", "2026-01-10"]}
    with open_warehouse(settings, "test") as connection:
        connection.execute("create table landings_built (batch varchar)")
    assert change_variables(sliced) == {"slices": ["2026-01-03", "2026-01-09", "2026-01-10"]}
    # A backfill of many days is sliced too, by the orders of its days alone.
    backfill = day_variables(sliced, "2026-01-02", "2026-01-09")
    assert backfill == {"from_day": "2026-01-02", "to_day": "2026-01-09", "slices": ["2026-01-09"]}


def test_changes_are_built_where_a_build_says_what_it_took_in_and_all_days_otherwise(settings: Settings) -> None:
    assert change_variables(settings) == {}
    with open_warehouse(settings, "test") as connection:
        connection.execute("create table landings_built (batch varchar)")
    assert change_variables(settings) == {}
    with open_warehouse(settings, "test") as connection:
        connection.execute("insert into landings_built values ('first')")
    # A warehouse from before golden ids were kept is built anew once.
    assert change_variables(settings) == {}
    with open_warehouse(settings, "test") as connection:
        connection.execute("create table codes_built as select 'C1' as code")
    assert change_variables(settings) == {"changes": True}
