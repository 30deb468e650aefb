"""An adapter's own tests: small extracts, and what landing must make of them.

Belongs here: running the `cases/` of an adapter's folder. Does not belong here: tests of landing itself (tests/).
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict

from sources.landing import land
from sources.manifest import Adapter
from sources.raw import literal, quoted
from sources.record import LandingReport
from workspace.settings import load_settings


class ExpectedTable(BaseModel):
    """What a case expects of one table; see docs/adapters.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    landed: int
    quarantined: Mapping[str, int] = {}
    warnings: Mapping[str, int] = {}
    rows: tuple[Mapping[str, Any], ...] = ()


class Expected(BaseModel):
    """What a case expects."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: Mapping[str, ExpectedTable] = {}
    observations: Mapping[str, int] = {}
    refused: tuple[str, ...] = ()


def list_cases(adapter: Adapter) -> list[str]:
    """Names of the adapter's cases."""
    return sorted(path.parent.name for path in adapter.folder.glob("cases/*/expected.yaml"))


def run_case(adapter: Adapter, case: str) -> list[str]:
    """Land a case in a passing home; returns how it differs from what is expected, nothing when it does not."""
    folder = adapter.folder / "cases" / case
    expected = Expected.model_validate(yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=Path(home), company="case")
        report = land(settings, adapter, folder / "extract", settle_seconds=0)
        return _differences(report, expected, settings.paths.landing)


def _differences(report: LandingReport, expected: Expected, landing: Path) -> list[str]:
    refused = sorted({p["rule"] for p in report.problems})
    if refused != sorted(expected.refused):
        return [f"refused for {refused or 'nothing'}, expected {sorted(expected.refused) or 'nothing'}"]
    if expected.refused:
        return []
    found = [f"{name}: not expected, but mapped" for name in report.tables if name not in expected.tables]
    found += _compare("", "observations", {n: w.count for n, w in report.observations.items()}, expected.observations)
    for name, table in expected.tables.items():
        if name not in report.tables:
            found.append(f"{name}: expected, but not mapped")
            continue
        made = report.tables[name]
        found += _compare(name, "landed", made.total.landed, table.landed)
        found += _compare(name, "quarantined", dict(made.reasons), dict(table.quarantined))
        found += _compare(name, "warnings", {n: w.count for n, w in made.warnings.items()}, dict(table.warnings))
        found += [f"{name}: no landed row has {dict(row)}" for row in table.rows if not _has_row(landing / name, row)]
    return found


def _compare(table: str, what: str, made: Any, expected: Any) -> list[str]:
    return [] if made == expected else [f"{table}: {what} {made}, expected {expected}".removeprefix(": ")]


def _has_row(folder: Path, row: Mapping[str, Any]) -> bool:
    conditions = " and ".join(
        f"cast({quoted(name)} as varchar) is not distinct from {'null' if value is None else literal(str(value))}"
        for name, value in row.items()
    )
    files = literal(str(folder / "**" / "*.parquet"))
    query = f"select 1 from read_parquet({files}, hive_partitioning = false) where {conditions} limit 1"
    return duckdb.execute(query).fetchone() is not None
