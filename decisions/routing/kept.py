"""Reading kept plans: the newest one, its decisions, and what each node was to an order.

Belongs here: questions that the console and the command ask of a plan's tables. Does not belong here: writing them
(`decided`), making a plan (`plan`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from decisions.routing.store import SUMMARY, read_summary

DECISIONS, NODES, OUTCOMES = "decisions.parquet", "nodes.parquet", "outcomes.parquet"
#: How the plan came out, beside the table of orders.
HELD = "outcomes.json"
HANDLINGS = ("automatic", "person", "none")
_IN_JSON = ("reasons", "fences", "stock", "components")


@dataclass(frozen=True)
class Plan:
    """A kept plan: its folder and its figures."""

    folder: Path
    summary: dict[str, Any]

    def decisions(self, handling: str = "", limit: int = 500, offset: int = 0) -> list[dict[str, Any]]:
        """Decisions, the least certain first and those without a choice last; `handling` "" takes all."""
        return self._rows(
            DECISIONS, "where $handling = '' or handling = $handling "
            "order by handling = 'none', confidence nulls first, order_id limit $limit offset $offset",
            handling=handling, limit=limit, offset=offset,
        )  # fmt: skip

    def count(self, handling: str = "") -> int:
        """Decisions of this handling; "" counts all."""
        rows = self._rows(
            DECISIONS, "select count(*) as n where $handling = '' or handling = $handling", handling=handling
        )
        return int(rows[0]["n"])

    def decision(self, order_id: str) -> dict[str, Any] | None:
        """The decision on an order, None where the plan has none."""
        rows = self._rows(DECISIONS, "where order_id = $order_id", order_id=order_id)
        return {**rows[0], "flips": json.loads(rows[0]["flips"])} if rows else None

    def confidences(self) -> dict[str, float]:
        """Order → confidence, of those that have one."""
        rows = self._rows(DECISIONS, "select order_id, confidence where confidence is not null")
        return {str(row["order_id"]): float(row["confidence"]) for row in rows}

    def outcomes(self) -> dict[str, Any] | None:
        """How its decisions came out, None while nothing has judged them."""
        file = self.folder / HELD
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def nodes(self, order_id: str) -> list[dict[str, Any]]:
        """Each node as the order saw it, best first, rejected ones last."""
        rows = self._rows(
            NODES, "where order_id = $order_id order by verdict = 'rejected', rank nulls last, warehouse_id",
            order_id=order_id,
        )  # fmt: skip
        return [{**row, **{name: json.loads(row[name]) for name in _IN_JSON}} for row in rows]

    def _rows(self, file: str, tail: str, **values: Any) -> list[dict[str, Any]]:
        with duckdb.connect(":memory:") as connection:
            found = connection.execute(f"from read_parquet($file) {tail}", {"file": str(self.folder / file), **values})
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def kept_plans(plans: Path) -> list[Plan]:
    """All plans, of the latest moment first; the one written last first where several are of one moment."""
    return [Plan(folder, read_summary(folder)) for folder in _newest_first(plans, SUMMARY)]


def newest_plan(plans: Path) -> Plan | None:
    """The plan of the latest moment; the one written last where several are of it. None where there is none."""
    newest = next(iter(_newest_first(plans, SUMMARY)), None)
    return None if newest is None else Plan(newest, read_summary(newest))


def newest_outcomes(plans: Path) -> tuple[str, dict[str, Any]] | None:
    """Name of the latest plan that outcomes have judged, and how it came out; None where there is none."""
    newest = next(iter(_newest_first(plans, HELD)), None)
    if newest is None:
        return None
    return newest.name, json.loads((newest / HELD).read_text(encoding="utf-8"))


def _newest_first(plans: Path, file: str) -> list[Path]:
    """Folders of plans that hold a file, of the latest moment first, and the one written last of each moment."""
    found = [path.parent for path in plans.glob(f"*/{file}")]
    return sorted(found, key=lambda folder: (folder.name.split("-")[0], folder.stat().st_mtime_ns), reverse=True)
