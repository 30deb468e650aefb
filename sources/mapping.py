"""Landing one table: the adapter's SELECT, judged, written to landing and quarantine, and counted.

Belongs here: the order of the checks and the two writes. Does not belong here: the checks (checks, relations), and the
batch as a whole (landing).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from sources.checks import checked_select
from sources.contracts import Table
from sources.manifest import Adapter, AdapterError
from sources.plan import TablePlan
from sources.raw import RawTables, literal, quoted
from sources.record import FileCount, TableReport
from sources.relations import count_warnings, quarantine_duplicates, quarantine_unmapped

META_COLUMNS = {"_source_file": "VARCHAR", "_source_row": "BIGINT", "_batch": "VARCHAR", "_landed_at": "TIMESTAMP"}


@dataclass(frozen=True)
class Batch:
    """What one landing shares over its tables.

    Attributes:
        id: Id of the batch, which opens every file name.
        landed_at: UTC, without zone; later than that of every batch before.
        building: Folder of the next version.
        landed: The company's `landing` folder, with what landed before.
    """

    id: str
    landed_at: datetime
    building: Path
    landed: Path

    def relations(self, table: str) -> list[str]:
        """Relations that hold a table's landed rows: of this batch, then of those before."""
        folders = [self.building / "landing" / table, self.landed / table]
        return [
            f"read_parquet({literal(str(folder / 'day=*' / '*.parquet'))}, "
            f"hive_partitioning = false, union_by_name = true)"
            for folder in folders if next(folder.glob("day=*/*.parquet"), None)
        ]  # fmt: skip


def land_table(raw: RawTables, adapter: Adapter, table: Table, plan: TablePlan, batch: Batch) -> TableReport:
    """Land one table of the adapter.

    Raises:
        AdapterError: its SQL is wrong, or its rows do not follow from one file although the manifest says `by_file`.
        AssertionError: rows read are not rows landed plus rows quarantined; nothing becomes visible.
    """
    connection, mapping = raw.connection, adapter.manifest.tables[table.name]
    _judge(connection, "checked", adapter, table, plan.only, batch)
    try:
        if mapping.by_file:
            _prove_by_file(raw, adapter, table, plan, batch)
        if mapping.from_:
            quarantine_unmapped(connection, table, mapping.from_, plan.only)
        quarantine_duplicates(connection, table)
        # `from` and `derived_from` alike: a broken line of an input is told once for each table that lives on it.
        _add_malformed(connection, mapping.inputs, plan.only)
        known = {c.reference.table: batch.relations(c.reference.table) for c in table.columns if c.reference}
        warnings = count_warnings(connection, table, known)
        report = TableReport(
            files=_count(connection), reasons=_count_reasons(connection), warnings=warnings,
            first_day=None, last_day=None, inputs=plan.inputs, seen=plan.seen, skipped=plan.skipped,
        )  # fmt: skip
        written = _write_landed(connection, table, batch), _write_quarantine(raw, mapping.inputs, table, batch)
        _assert_identity(raw, table, mapping.from_, plan, report, written)
        return _with_days(connection, table, report)
    finally:
        connection.execute("drop table checked")


def _judge(
    connection: duckdb.DuckDBPyConnection, target: str, adapter: Adapter, table: Table, only: Sequence[str] | None,
    batch: Batch,
) -> None:  # fmt: skip
    mapped = f"select * from ({adapter.sql[table.name]}\n)"
    if only is not None:
        mapped += f" where _source_file in ({', '.join(map(literal, only))})"
    try:
        given = [row[0] for row in connection.execute(f"describe {mapped}").fetchall()]
        _check_given(adapter, table, given)
        regions = _known_regions(connection, batch)
        connection.execute(f"create table {target} as {checked_select(table, mapped, given, regions)}")
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        raise AdapterError(f"{adapter.name}/{table.name}.sql: {error}") from error


def _prove_by_file(raw: RawTables, adapter: Adapter, table: Table, plan: TablePlan, batch: Batch) -> None:
    """Compare the rows of one file with those that the SELECT makes of it when the input's other files are hidden."""
    several = [
        (name, files[-1])
        for name in adapter.manifest.tables[table.name].inputs
        if len(files := [f for f in raw.files.get(name, ()) if plan.only is None or f in plan.only]) > 1
    ]
    for name, file in several[:1]:
        columns = ", ".join(quoted(c) for c in (*(c.name for c in table.columns), "_source_row", "_reasons"))
        digest = f"select count(*), sum(hash({columns})) from {{}} where _source_file = {literal(file)}"
        raw.expose(name, file)
        try:
            _judge(raw.connection, "alone", adapter, table, (file,), batch)
            found = [raw.connection.execute(digest.format(t)).fetchone() for t in ("checked", "alone")]
            raw.connection.execute("drop table alone")
        finally:
            raw.expose(name)
        if found[0] != found[1]:
            raise AdapterError(
                f"{adapter.name}/{table.name}.sql: the manifest says that rows follow from one file alone (`by_file`), "
                f"but those of {file} differ when the other files of {name!r} are hidden. Group by _source_file too, "
                f"or drop `by_file`."
            )


def _check_given(adapter: Adapter, table: Table, given: Sequence[str]) -> None:
    unknown = [c for c in given if c not in {*(c.name for c in table.columns), *("_source_file", "_source_row")}]
    lacking = [c for c in ("_source_file", "_source_row") if c not in given]
    if unknown or lacking:
        raise AdapterError(
            f"{adapter.name}/{table.name}.sql: " + " ".join(
                [f"gives {', '.join(unknown)}, which the contract does not have; drop or rename it."] * bool(unknown)
                + [f"does not pass on {', '.join(lacking)}; add it to the SELECT."] * bool(lacking))
        )  # fmt: skip


def _known_regions(connection: duckdb.DuckDBPyConnection, batch: Batch) -> str | None:
    relations = batch.relations("regions")
    if not relations:
        return None
    union = " union ".join(f"select region_code from {r}" for r in relations)
    connection.execute(f"create or replace table known_regions as {union}")
    return "known_regions"


def _add_malformed(connection: duckdb.DuckDBPyConnection, inputs: Sequence[str], only: Sequence[str] | None) -> None:
    chosen = "" if only is None else f" and _source_file in ({', '.join(map(literal, only))})"
    connection.execute(
        f"insert into checked by name select _source_file, _source_row, ['malformed:' || what] as _reasons "
        f"from raw.malformed where logical in ({', '.join(map(literal, inputs))}){chosen}"
    )


def _count(connection: duckdb.DuckDBPyConnection) -> dict[str, FileCount]:
    query = (
        "select _source_file, count(*), count(*) filter (_reasons is null), count(_reasons) "
        "from checked group by 1 order by 1"
    )
    return {file: FileCount(*counts) for file, *counts in connection.execute(query).fetchall()}


def _count_reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = "select reason, count(*) from (select unnest(_reasons) as reason from checked) group by 1 order by 1"
    return dict(connection.execute(query).fetchall())


def _write_landed(connection: duckdb.DuckDBPyConnection, table: Table, batch: Batch) -> int:
    folder = batch.building / "landing" / table.name
    folder.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(quoted(c.name) for c in table.columns)
    moment = f"timestamp '{batch.landed_at:%Y-%m-%d %H:%M:%S.%f}'"
    day = f"cast({quoted(table.day_column)} as date)" if table.day_column else f"date '{batch.landed_at:%Y-%m-%d}'"
    rows = connection.execute(
        f"copy (select {columns}, _source_file, _source_row, {literal(batch.id)} as _batch, {moment} as _landed_at, "
        f"{day} as day from checked where _reasons is null) to {literal(str(folder))} "
        f"(format parquet, partition_by (day), overwrite_or_ignore, filename_pattern {literal(batch.id + '-{i}')})"
    ).fetchone()
    return int(rows[0]) if rows else 0


def _write_quarantine(raw: RawTables, inputs: Sequence[str], table: Table, batch: Batch) -> int:
    connection = raw.connection
    if not connection.execute("select 1 from checked where _reasons is not null limit 1").fetchone():
        return 0
    folder = batch.building / "quarantine" / table.name
    folder.mkdir(parents=True, exist_ok=True)
    refused = "(select _source_file, _source_row from checked where _reasons is not null)"
    originals = " union all by name ".join(
        f"select _source_file, _source_row, cast(to_json(struct_pack("
        f"{', '.join(f'{quoted(c)} := {quoted(c)}' for c in raw.columns[name])})) as varchar) as raw_values "
        f"from {quoted(name)} semi join {refused} using (_source_file, _source_row)"
        for name in inputs
    )
    broken = (
        "select _source_file, _source_row, cast(to_json({line: content}) as varchar) as raw_values "
        f"from raw.malformed where logical in ({', '.join(map(literal, inputs))})"
    )
    connection.execute(
        f"create temp table originals as select _source_file, _source_row, any_value(raw_values) as raw_values "
        f"from ({originals} union all by name {broken}) group by all"
    )
    rows = connection.execute(
        f"copy (select {literal(table.name)} as table_name, _reasons as reasons, _values as mapped_values, raw_values, "
        f"_source_file, _source_row, {literal(batch.id)} as _batch, timestamp '{batch.landed_at:%Y-%m-%d %H:%M:%S.%f}' "
        f"as _quarantined_at from checked left join originals using (_source_file, _source_row) "
        f"where _reasons is not null order by _source_file, _source_row) "
        f"to {literal(str(folder / (batch.id + '.parquet')))} (format parquet)"
    ).fetchone()
    connection.execute("drop table originals")
    return int(rows[0]) if rows else 0


def _assert_identity(
    raw: RawTables, table: Table, drivers: Sequence[str], plan: TablePlan, report: TableReport, written: tuple[int, int]
) -> None:
    """Rows read = rows landed + rows quarantined, by what was written and, for `from`, by what the files hold."""
    total = report.total
    if (total.landed, total.quarantined) != written:
        raise AssertionError(f"{table.name}: {total} was judged, but {written} rows were written")
    for name in drivers:
        malformed = raw.count_malformed(name)
        for file, rows in raw.count(name).items():
            if plan.only is not None and file not in plan.only:
                continue
            counted = report.files.get(file, FileCount(0, 0, 0))
            if rows + malformed.get(file, 0) != counted.landed + counted.quarantined:
                raise AssertionError(
                    f"{table.name}: {file} holds {rows} rows and {malformed.get(file, 0)} broken lines, "
                    f"but {counted} was made of it"
                )


def _with_days(connection: duckdb.DuckDBPyConnection, table: Table, report: TableReport) -> TableReport:
    if not table.day_column:
        return report
    day = quoted(table.day_column)
    query = f"select cast(min({day}) as date), cast(max({day}) as date) from checked where _reasons is null"
    first, last = connection.execute(query).fetchone() or (None, None)
    days = {"first_day": first.isoformat() if first else None, "last_day": last.isoformat() if last else None}
    return TableReport(**{**report.__dict__, **days})
