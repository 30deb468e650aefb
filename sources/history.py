"""What a company has landed: days, batches, and the capabilities that its tables switch on.

Belongs here: questions about the landed state. Does not belong here: landing, or looking at refused rows (quarantine).
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from sources.contracts import load_contract
from sources.record import LandingReport, read_reports
from workspace.settings import Settings


@dataclass(frozen=True)
class Capability:
    """Something that the platform can do for a company, and the table that it needs.

    Attributes:
        name: Such as `late_delivery`; `core` for a required table.
        table: The contract table that it needs.
        is_on: The table has landed rows.
        reason: Why it is on or off.
    """

    name: str
    table: str
    is_on: bool
    reason: str


def landed_days(settings: Settings) -> tuple[date, date] | None:
    """First and last day of the landed facts (tables with a day column); None before the first landing."""
    days = [
        folder.name.removeprefix("day=")
        for table in load_contract().values() if table.day_column
        for folder in (settings.paths.landing / table.name).glob("day=*")
    ]  # fmt: skip
    return (date.fromisoformat(min(days)), date.fromisoformat(max(days))) if days else None


def landed_orders(settings: Settings) -> dict[date, int]:
    """Landed orders by day, in order; every version of an order counts, as each is read when the order is built."""
    files = settings.paths.landing / "orders" / "day=*" / "*.parquet"
    if next(files.parent.parent.glob("day=*/*.parquet"), None) is None:
        return {}
    with duckdb.connect() as connection:
        query = "select day, count(*) from read_parquet($files, hive_partitioning = true) group by day order by day"
        return dict(connection.execute(query, {"files": str(files)}).fetchall())


def landing_history(settings: Settings) -> list[LandingReport]:
    """Every landing and refusal of the company, oldest first."""
    return read_reports(settings.paths.landing_files)


def capabilities(settings: Settings) -> list[Capability]:
    """Which capabilities the company's landed tables switch on, required tables first."""
    found = []
    for table in sorted(load_contract().values(), key=lambda t: (not t.required, t.name)):
        if not table.required and not table.capability:
            continue
        has_rows = next((settings.paths.landing / table.name).glob("day=*/*.parquet"), None) is not None
        need = "is required and" if table.required else "is needed and"
        reason = f"{table.name} has rows" if has_rows else f"{table.name} {need} has no rows"
        found.append(Capability(table.capability or "core", table.name, has_rows, reason))
    return found
