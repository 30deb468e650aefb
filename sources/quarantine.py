"""Looking at refused rows, with personal values masked.

Belongs here: listing quarantine. Does not belong here: filling it (mapping), and what a reason means (checks).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from sources.checks import explain
from sources.contracts import Table, load_contract
from sources.raw import literal
from workspace.settings import Settings

_MASK = "•••"


@dataclass(frozen=True)
class RefusedRow:
    """One refused row.

    Attributes:
        reasons: All reason codes.
        explanations: The reasons in words, with the (masked) value and the remedy.
        values: Mapped values by contract column, personal ones masked; empty for lines that were no records.
        source_file, source_row: Where it came from.
        batch: The landing that refused it.
        quarantined_at: ISO time, UTC.
    """

    table: str
    reasons: tuple[str, ...]
    explanations: tuple[str, ...]
    values: Mapping[str, str | None]
    source_file: str
    source_row: int
    batch: str
    quarantined_at: str


def list_quarantine(settings: Settings, table: str | None = None, limit: int = 1000) -> list[RefusedRow]:
    """Refused rows, newest batch first.

    Args:
        settings: Whose quarantine.
        table: Only this contract table.
        limit: Most rows to give.

    Returns:
        Rows whose direct identifiers are hidden and whose quasi-identifiers keep their first character. The raw
        values of the source, which no contract classifies, are left out.
    """
    pattern = settings.paths.quarantine / (table or "*") / "*.parquet"
    if not any(settings.paths.quarantine.glob(f"{table or '*'}/*.parquet")):
        return []
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            f"select table_name, reasons, mapped_values, _source_file, _source_row, _batch, _quarantined_at "
            f"from read_parquet({literal(str(pattern))}) order by _batch desc, table_name, _source_file, _source_row "
            f"limit {int(limit)}"
        ).fetchall()
    return [_row(*row) for row in rows]


def mask_values(table: Table, values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Values by column with direct identifiers hidden and quasi-identifiers cut to their first character."""
    classes = {c.name: c.personal_data for c in table.columns}
    return {name: _masked(value, classes.get(name, "direct")) for name, value in values.items()}


def _masked(value: str | None, personal_data: str) -> str | None:
    if value is None or personal_data == "none":
        return value
    return _MASK if personal_data == "direct" else str(value)[:1] + _MASK


def _row(
    table: str, reasons: list[str], values: str | None, file: str, line: int, batch: str, at: object
) -> RefusedRow:
    contract = load_contract()[table]
    masked = mask_values(contract, json.loads(values)) if values else {}
    words = tuple(explain(contract, reason, masked.get(reason.partition(":")[2])) for reason in reasons)
    return RefusedRow(table, tuple(reasons), words, masked, file, line, batch, str(at))
