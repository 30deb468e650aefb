"""Publishing a large table in parts: what did not change is not written again, and readers see one table."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from ml.io.data import published_table
from ml.io.kept import NotKept, require_as_published
from orchestration.lib.export import PublishedTable, export_table
from workspace.published import Snapshot, publish

FACTS = PublishedTable("facts", "day", ("number",))
DAYS = 6
ROWS_OF_DAY = 10


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        f"create table facts as select date '2026-01-01' + cast(number // {ROWS_OF_DAY} as integer) as day, number, "
        f"number * 2 as units from range({DAYS * ROWS_OF_DAY}) as numbers (number) order by hash(number)"
    )
    return connection


class Publisher:
    """Publishes the warehouse's facts in parts of two days."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.warehouse, self.folder, self.runs = warehouse, folder, 0

    def publish(self, previous: Snapshot | None = None) -> Snapshot:
        self.runs += 1
        scratch = self.folder / f"scratch{self.runs}"
        scratch.mkdir()
        before = previous.folder if previous else None
        written = export_table(self.warehouse, FACTS, scratch, before, part_rows=2 * ROWS_OF_DAY - 5)
        return publish(self.folder / "published", {"facts": written}, {}, keep=5)


@pytest.fixture
def publisher(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> Publisher:
    return Publisher(warehouse, tmp_path)


def parts(snapshot: Snapshot) -> dict[str, Path]:
    """Files by the day they begin with."""
    return {path.name[:10]: path for path in sorted(snapshot.path("facts").iterdir())}


def test_readers_see_one_table_in_the_order_of_its_days(publisher: Publisher) -> None:
    snapshot = publisher.publish()
    assert list(parts(snapshot)) == ["2026-01-01", "2026-01-03", "2026-01-05"]
    with snapshot.connect() as connection:
        found = connection.execute("select day, number from facts").fetchall()
    assert [day for day, _ in found] == sorted(day for day, _ in found)
    assert sorted(number for _, number in found) == list(range(DAYS * ROWS_OF_DAY))
    source = published_table(snapshot, "facts")
    assert (source.count, source.file_sha256) == (DAYS * ROWS_OF_DAY, snapshot.tables["facts"]["sha256"])


def test_one_more_day_writes_the_days_that_it_touched(
    publisher: Publisher, warehouse: duckdb.DuckDBPyConnection
) -> None:
    first = publisher.publish()
    warehouse.execute("update facts set units = 0 where number = 33")
    warehouse.execute("insert into facts values (date '2026-01-07', 1000, 1)")
    second = publisher.publish(first)
    before, after = parts(first), parts(second)
    assert list(after) == ["2026-01-01", "2026-01-03", "2026-01-05", "2026-01-07"]
    assert [day for day in before if after[day].samefile(before[day])] == ["2026-01-01", "2026-01-05"]
    with second.connect() as connection:
        found = connection.execute("select count(*), sum(units) from facts").fetchone()
    assert found == warehouse.execute("select count(*), sum(units) from facts").fetchone()
    assert second.tables["facts"]["rows"] == DAYS * ROWS_OF_DAY + 1


def test_equal_rows_are_the_same_snapshot_in_whatever_order_and_wherever_they_were_written(
    publisher: Publisher, warehouse: duckdb.DuckDBPyConnection
) -> None:
    first = publisher.publish()
    warehouse.execute("create table shuffled as from facts order by number desc")
    warehouse.execute("drop table facts; alter table shuffled rename to facts")
    assert publisher.publish(first).version == first.version
    assert publisher.publish(None).version == first.version


def test_a_renamed_column_is_no_unchanged_part(publisher: Publisher, warehouse: duckdb.DuckDBPyConnection) -> None:
    first = publisher.publish()
    warehouse.execute("alter table facts rename column units to pieces")
    second = publisher.publish(first)
    with second.connect() as connection:
        assert (
            connection.execute("select sum(pieces) from facts").fetchone()
            == warehouse.execute("select sum(pieces) from facts").fetchone()
        )
    assert not any(path.samefile(parts(first)[day]) for day, path in parts(second).items())


def test_a_table_of_few_rows_or_without_days_is_one_file(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert export_table(warehouse, FACTS, tmp_path, None) == tmp_path / "facts.parquet"
    without_days = PublishedTable("facts", "", ("number",))
    assert export_table(warehouse, without_days, tmp_path, None, part_rows=1) == tmp_path / "facts.parquet"
    first = duckdb.execute(f"select day, number from '{tmp_path / 'facts.parquet'}' limit 1").fetchone()
    assert first == (date(2026, 1, 1), 0)


def test_a_part_that_was_changed_gone_or_added_is_found(publisher: Publisher) -> None:
    snapshot = publisher.publish()
    require_as_published(snapshot, ("facts",))
    one = parts(snapshot)["2026-01-03"]
    content = one.read_bytes()
    for change in (lambda: one.write_bytes(content[:-1] + b"?"), one.unlink):
        change()
        with pytest.raises(NotKept, match="facts of snapshot"):
            require_as_published(snapshot, ("facts",))
    one.write_bytes(content)
    require_as_published(snapshot, ("facts",))
    (one.parent / "2026-02-01-more.parquet").write_bytes(content)
    with pytest.raises(NotKept, match="facts of snapshot"):
        require_as_published(snapshot, ("facts",))


def test_a_table_in_parts_is_carried_over(publisher: Publisher, tmp_path: Path) -> None:
    first = publisher.publish()
    duckdb.execute(f"copy (select 1 as x) to '{tmp_path / 'more.parquet'}'")
    second = publish(tmp_path / "published", {"more": tmp_path / "more.parquet"}, {}, keep=5)
    assert second.tables["facts"] == first.tables["facts"]
    assert parts(second)["2026-01-01"].samefile(parts(first)["2026-01-01"])
