"""Taking corrected rows back: judged like any other row, landed under the file and line that they came from.

Belongs here: the course of a replay. Does not belong here: giving rows out (quarantine), judging them (mapping). Rows
that a corrected *file* or *mapping* mends need no replay: landing the extract again reads them anew.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sources.contracts import Table, contract_digest, load_contract
from sources.landing import after, scratch_folder
from sources.manifest import Adapter, Manifest
from sources.mapping import Batch, land_table
from sources.plan import TablePlan
from sources.quarantine import REPLAY, UnknownTable, open_places
from sources.raw import RawTables, literal, quoted
from sources.record import LandedFile, LandingReport, TableReport, read_reports
from sources.store import landing_lock, next_version
from workspace.files import sha256_of_file, write_atomically
from workspace.settings import Settings
from workspace.warehouse import scratch_connection

_PLACE = ("_source_file", "_source_row")


class ReplayRefused(ValueError):
    """The corrected rows cannot be taken: nothing of them has landed."""


def replay(settings: Settings, table: str, corrected: Path) -> LandingReport:
    """Land corrected rows of a table's quarantine.

    Args:
        settings: Whose quarantine.
        table: Table of the contract.
        corrected: CSV file as `export_open` writes it, in UTF-8; lines may be left out, columns may be too.

    Returns:
        The record of the landing, status `replayed`. Rows that break a rule still are in quarantine again and count
        as such; the others stand in landing under their first file and line.

    Raises:
        ReplayRefused: the file is no such CSV, or a line corrects a row that is not open; names the first.
        LandingBusy: another landing of the company did not end in time.
    """
    contract = load_contract()
    if table not in contract:
        raise UnknownTable(f"The landing contract has no table {table!r}. It has: {', '.join(contract)}.")
    paths = settings.paths
    with landing_lock(paths, settings.writer_wait_seconds), scratch_folder(paths.root):
        started = after(read_reports(paths.landing_files))
        digest = sha256_of_file(corrected) if corrected.is_file() else ""
        connection = scratch_connection(settings)
        try:
            raw = RawTables(connection)
            columns, count = _read(raw, contract[table], corrected)
            _check_open(connection, corrected, open_places(settings, table))
            with next_version(paths) as building:
                batch = Batch(f"{started:%Y%m%dT%H%M%S%fZ}-{REPLAY}-{digest[:8]}", started, building, paths.landing)
                adapter = _adapter(table, columns, digest)
                landed = land_table(raw, adapter, contract[table], TablePlan({}, None, (), {}, {}), batch)
                if landed.total.read != count:
                    raise AssertionError(f"{corrected} holds {count} rows, but {landed.total} was made of them")
                report = _report(settings, corrected, batch, adapter, {table: landed})
                write_atomically(building / "landing_files" / f"{batch.id}.json", report.as_json())
            return report
        finally:
            connection.close()


def _read(raw: RawTables, table: Table, corrected: Path) -> tuple[list[str], int]:
    """Read the corrected rows as the input `corrected`; returns its contract columns and how many rows there are."""
    relation = f"read_csv({literal(str(corrected))}, all_varchar = true, header = true, delim = ',', quote = '\"')"
    try:
        given = [row[0] for row in raw.connection.execute(f"describe from {relation}").fetchall()]
        unknown = [c for c in given if c not in {*(c.name for c in table.columns), *_PLACE, "_reasons"}]
        lacking = [c for c in _PLACE if c not in given]
        if unknown or lacking:
            raise ReplayRefused(
                f"{corrected.name} must have the columns that `oi quarantine export` wrote; "
                + "; ".join([f"not in {table.name}: {', '.join(unknown)}"] * bool(unknown)
                            + [f"missing: {', '.join(lacking)}"] * bool(lacking)) + ". Export it again."
            )  # fmt: skip
        columns = [c for c in given if c not in {*_PLACE, "_reasons"}]
        values = "".join(f"{quoted(c)}, " for c in columns)
        raw.connection.execute(
            f"create table corrected as select {values}_source_file, cast(_source_row as bigint) as _source_row "
            f"from {relation}"
        )
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise ReplayRefused(f"{corrected} cannot be read as a CSV file in UTF-8: {error}. Save it as one.") from error
    raw.columns["corrected"] = columns
    count = raw.connection.execute("select count(*) from corrected").fetchone()
    return columns, int(count[0]) if count else 0


def _check_open(connection: duckdb.DuckDBPyConnection, corrected: Path, places: set[tuple[str, int]]) -> None:
    given = connection.execute("select _source_file, _source_row from corrected").fetchall()
    if not given:
        raise ReplayRefused(f"{corrected.name} holds no row. Correct the rows that `oi quarantine export` wrote.")
    stray = next((place for place in given if place not in places), None)
    if stray is not None:
        raise ReplayRefused(
            f"{corrected.name} corrects {stray[0]}:{stray[1]}, which is not open in quarantine: it was replayed, read "
            f"again, or never refused. Export the open rows again."
        )


def _adapter(table: str, columns: list[str], digest: str) -> Adapter:
    """Maps the corrected rows to the table: they have its columns already."""
    manifest = Manifest.model_validate({
        "name": REPLAY, "description": "Corrected rows of quarantine.",
        "files": {"corrected": {"glob": "*.csv", "columns": list(_PLACE)}},
        "tables": {table: {"derived_from": "corrected"}},
    })  # fmt: skip
    values = "".join(f"{quoted(c)}, " for c in columns)
    return Adapter(manifest, Path(), {table: f"select {values}_source_file, _source_row from corrected"}, digest)


def _report(
    settings: Settings, corrected: Path, batch: Batch, adapter: Adapter, tables: dict[str, TableReport]
) -> LandingReport:
    rows = sum(table.total.read for table in tables.values())
    return LandingReport(
        batch=batch.id, status="replayed", adapter=REPLAY, company=settings.paths.company, extract=str(corrected),
        adapter_digest=adapter.digest, contract_digest=contract_digest(), started_at=batch.landed_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(), tables=tables,
        files=(LandedFile("corrected", corrected.name, adapter.digest, corrected.stat().st_size, rows, 0),),
    )  # fmt: skip
