"""Databases and REST APIs, fetched by dlt into the scratch folder and shown to the SQL like files.

Belongs here: handing dlt its order, and its tables to the raw ones. Does not belong here: dlt itself (fetch), and what
the rows mean (the adapter's SQL).
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sources.fetch import ROW
from sources.manifest import Manifest, RestApi, SqlDatabase
from sources.problems import ExtractRefused, Problem
from sources.raw import RawTables, check_columns, literal, missing_columns, quoted
from sources.record import LandedFile, SeenFile
from workspace.settings import quiet_environment

_SECRET = re.compile(r"\{secret:([A-Za-z0-9_]+)\}")
_PACKAGE_ROOT = Path(__file__).parent.parent


def load_remote(
    raw: RawTables, manifest: Manifest, extract: Path, scratch: Path, secrets: Mapping[str, str]
) -> tuple[dict[str, LandedFile], list[SeenFile]]:  # fmt: skip
    """Fetch every `dlt` source of the manifest into raw tables.

    Returns:
        Logical name → what was fetched, its digest being that of its rows in their order; and the columns of each.

    Raises:
        ExtractRefused: a secret is missing, the source cannot be read, or lacks a table or column.
    """
    fetched: dict[str, LandedFile] = {}
    seen: list[SeenFile] = []
    problems: list[Problem] = []
    for name, source in manifest.dlt.items():
        order = _order(name, source, extract, scratch, secrets)
        columns = _run(name, order, scratch, secrets)
        database = literal(order["database"])
        raw.connection.execute(f"attach {database} as remote (read_only)")
        try:
            for logical, resource in source.resources.items():
                there = columns.get(resource, [])
                fetched[logical] = file = _take(raw, name, source, logical, resource, there)
                problems += missing_columns(file.name, there, source.columns.get(logical, ())) if there else []
                seen.append(SeenFile(logical, file.name, raw.look(logical, file.name, there)))
        finally:
            raw.connection.execute("detach remote")
    if problems:
        raise ExtractRefused(problems, seen)
    return fetched, seen


def _order(
    name: str, source: SqlDatabase | RestApi, extract: Path, scratch: Path, secrets: Mapping[str, str]
) -> dict[str, Any]:  # fmt: skip
    folder = scratch / f"dlt-{name}"
    folder.mkdir()
    order: dict[str, Any] = {"kind": source.kind, "database": str(folder / "remote.duckdb"), "folder": str(folder)}
    if isinstance(source, SqlDatabase):
        wanted: dict[str, Any] = {
            "url": source.url,
            "schema": source.db_schema,
            "tables": sorted(set(source.tables.values())),
        }
    else:
        wanted = {"config": source.config}
    return {**order, **_filled(wanted, name, extract, secrets)}


def _filled(value: Any, name: str, extract: Path, secrets: Mapping[str, str]) -> Any:
    """The value with `{extract}` and `{secret:NAME}` replaced in every text."""
    if isinstance(value, Mapping):
        return {k: _filled(v, name, extract, secrets) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(v, name, extract, secrets) for v in value]
    if not isinstance(value, str):
        return value

    def secret(found: re.Match[str]) -> str:
        if found[1] not in secrets:
            problem = Problem("missing_secret", f"dlt:{name}", f"The manifest asks for the secret {found[1]}.",
                              f"Set OI_SECRET_{found[1]} in the environment.")  # fmt: skip
            raise ExtractRefused([problem])
        return secrets[found[1]]

    return _SECRET.sub(secret, value.replace("{extract}", str(extract.absolute())))


def child_environment(scratch: Path) -> dict[str, str]:
    """Environment of the process that runs dlt: no telemetry, no state and no configuration outside `scratch`."""
    return {
        **quiet_environment(), "PYTHONPATH": str(_PACKAGE_ROOT), "RUNTIME__LOG_LEVEL": "CRITICAL",
        "DLT_DATA_DIR": str(scratch), "DLT_PROJECT_DIR": str(scratch), "DLT_LOCAL_DIR": str(scratch),
    }  # fmt: skip


def _run(name: str, order: Mapping[str, Any], scratch: Path, secrets: Mapping[str, str]) -> dict[str, list[str]]:
    child = subprocess.run(
        [sys.executable, "-m", "sources.fetch"], input=json.dumps(order), capture_output=True, text=True, check=False,
        cwd=scratch, env=child_environment(scratch),
    )  # fmt: skip
    lines = child.stdout.strip().splitlines()
    answer = json.loads(lines[-1]) if child.returncode == 0 and lines else {"problem": {"text": child.stderr[-500:]}}
    if "problem" in answer:
        text = answer["problem"]["text"]
        for value in sorted(filter(None, secrets.values()), key=len, reverse=True):
            text = text.replace(value, "•••")
        problem = Problem("unreachable_source", f"dlt:{name}", f"The source could not be read: {text}",
                          "Check address, credentials and names of tables; then land again.")  # fmt: skip
        raise ExtractRefused([problem])
    columns: dict[str, list[str]] = answer["columns"]
    return columns


def _take(
    raw: RawTables, name: str, source: SqlDatabase | RestApi, logical: str, resource: str, columns: list[str]
) -> LandedFile:  # fmt: skip
    file = f"dlt:{name}/{resource}"
    required = source.columns.get(logical, ())
    if columns:
        check_columns(file, columns)
    elif not source.may_be_empty:
        problem = Problem(
            "no_rows", file, "The source gave no rows.", "Check it, or set `may_be_empty: true`.", value="0 rows"
        )
        raise ExtractRefused([problem])
    raw.create(logical, columns or required or ["nothing"])
    rows, digest = 0, ""
    if columns:
        table = f"remote.fetched.{quoted(resource)}"
        # A column that was never filled is not in dlt's table, yet it is one of the source's.
        present = {row[0] for row in raw.connection.execute(f"describe {table}").fetchall()}
        fields = ", ".join(
            f"nullif({quoted(c)}, '') as {quoted(c)}" if c in present else f"null as {quoted(c)}" for c in columns
        )
        relation = f"(select {fields}, {ROW} from {table} order by {ROW})"
        rows = raw.append(logical, file, relation, columns, first_line=1, line=ROW)
        digest = _digest(raw, relation)
    raw.expose(logical)
    return LandedFile(logical, file, digest, 0, rows, 0, tuple(c for c in columns if c not in required))


def _digest(raw: RawTables, relation: str) -> str:
    query = f"select sha256(string_agg(sha256(cast(t as varchar)), '' order by {ROW})) from {relation} as t"
    row = raw.connection.execute(query).fetchone()
    return str(row[0]) if row else ""
