"""The overview: four key figures with their change, their trend by day, regions, and open orders at risk."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from dashboards import charts
from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import Console, console_of
from dashboards.figures import median_ranks, proportion
from dashboards.pages import tiles
from dashboards.pages.period import DEFAULT_LENGTH, LENGTHS, Period, as_of, period_of
from dashboards.queries import overview as queries
from dashboards.store import Reader, Row
from dashboards.texts.loader import Language, Texts

router = APIRouter(dependencies=[require(Role.VIEWER)])

Metric = Literal["on_time", "handling", "touched", "satisfaction"]

#: Share of a day's orders, less the cancelled, whose outcome must be known before its figure counts as settled.
SETTLED_SHARE = 0.9

#: Fewest cases of a point in the trend; rates of fewer jump too far to be read.
FEWEST_A_DAY, FEWEST_A_WEEK = 5, 20


@router.get("/")
def overview(request: Request, days: int | None = None, region: str = "", metric: Metric = "on_time") -> Response:
    """Key figures of the last `days` days, of one region or all; 0: all days, none named: enough to hold outcomes."""
    console = console_of(request)

    def build(reader: Reader) -> dict[str, Any]:
        return _values(console, console.texts(request), reader, days, region, metric)

    return console.page(request, "overview.html", "overview", build)


def _values(
    console: Console, t: Language, reader: Reader, days: int | None, region: str, metric: Metric
) -> dict[str, Any]:  # fmt: skip
    span = reader.row(queries.SPAN)
    regions = reader.rows(queries.REGIONS)
    length = days if days in LENGTHS else _length(reader, span, console.settings.minimum_support)
    chosen = {"days": length, "region": region, "metric": metric, "lengths": LENGTHS, "regions": regions}
    if span["first_date"] is None:
        return {"chosen": chosen, "period": None}
    period = period_of(length, span["first_date"], span["last_date"])
    moment = as_of(reader.snapshot.notes, span["latest"])
    values: dict[str, Any] = {
        "region": region or None, "first": period.first, "last": period.last,
        "previous_first": period.previous_first, "as_of": moment,
    }  # fmt: skip
    ever = reader.row(queries.EVER)
    found = {row["is_current"]: row for row in reader.rows(queries.FIGURES, **values)}
    now = _with_bounds(reader, found.get(True, {}), values, period.first, period.last)
    before: Row = {}
    if period.has_previous:
        before = _with_bounds(reader, found.get(False, {}), values, period.previous_first, period.previous_last)
    figures = tiles.tiles(t.overview, now, before, ever)
    chart = _chart(t.overview.trend, reader, metric, period, values, figures)
    return {
        "chosen": chosen,
        "period": period,
        "is_widened": days not in LENGTHS and length != DEFAULT_LENGTH,
        "support": console.settings.minimum_support,
        "fewest": (FEWEST_A_DAY, FEWEST_A_WEEK),
        "as_of": moment,
        "figures": figures,
        "unsettled": bool(chart and chart["unsettled"]),
        "chart": chart,
        "by_region": _by_region(console, reader, values),
        "risk": _risk(reader, values),
    }


def _length(reader: Reader, span: Row, enough: int) -> int:
    """The shortest length from the default on whose days hold enough orders with an outcome, else all days."""
    if span["last_date"] is None:
        return DEFAULT_LENGTH
    for length in LENGTHS[LENGTHS.index(DEFAULT_LENGTH) :]:
        period = period_of(length, span["first_date"], span["last_date"])
        found = reader.row(queries.OUTCOMES, first=period.first, last=period.last)
        if length == 0 or found["count_judged"] >= enough:
            return length
    return 0


def _with_bounds(reader: Reader, row: Row, values: dict[str, Any], first: date, last: date) -> Row:
    """The row with the interval of its median added."""
    if not row or not row["count_handled"]:
        return row
    low, high = median_ranks(row["count_handled"])
    return {**row, **reader.row(queries.HANDLING_BOUNDS, **values, low=low, high=high, from_day=first, to_day=last)}


def _chart(
    t: Texts, reader: Reader, metric: Metric, period: Period, values: dict[str, Any], figures: list[tiles.Tile]
) -> dict[str, Any] | None:
    """Payload of the trend, or None where the tile of the same figure has nothing to show."""
    if any(tile.key == metric and tile.reason for tile in figures):
        return None
    all_days = [period.first + timedelta(days=i) for i in range((period.last - period.first).days + 1)]
    if metric == "handling":
        rows = {row["day"]: row for row in reader.rows(queries.HANDLING_TREND, **values)}
        lines = [
            (t.p90, [_get(rows, day, "p90") for day in all_days], "second"),
            (t.median, [_get(rows, day, "median") for day in all_days], "main"),
        ]
        volume = (t.volume.handling, [_get(rows, day, "count_handled") or 0 for day in all_days])
        unsettled = _unsettled(rows, all_days, "count_handled")
        return charts.trend(all_days, lines, volume, "hours", t.titles.handling, unsettled, t.unsettled)
    rows = {row["day"]: row for row in reader.rows(queries.TREND, **values)}
    upper, lower, factor, unit = _PARTS[metric]
    parts = [(_get(rows, day, upper) or 0, _get(rows, day, lower) or 0) for day in _with_lead(all_days)]
    daily = [_rate(parts[i : i + 1], factor, FEWEST_A_DAY) for i in range(6, len(parts))]
    weekly = [_rate(parts[i - 6 : i + 1], factor, FEWEST_A_WEEK) for i in range(6, len(parts))]
    counts = [n for _, n in parts[6:]]
    unsettled = None if metric == "touched" else _unsettled(rows, all_days, "count_judged")
    return charts.trend(
        all_days, [(t.daily, daily, "faint"), (t.weekly, weekly, "main")], (t.volume[metric], counts), unit,
        t.titles[metric], unsettled, t.unsettled,
    )  # fmt: skip


#: Figure → columns of numerator and denominator of a day, factor for display, unit.
_PARTS = {
    "on_time": ("count_on_time", "count_judged", 100.0, "pct"),
    "touched": ("count_touched", "count_followed", 100.0, "pct"),
    "satisfaction": ("review_points", "count_reviews", 1.0, "score"),
}


def _get(rows: dict[date, Row], day: date, column: str) -> Any:
    return rows[day][column] if day in rows else None


def _with_lead(days: list[date]) -> list[date]:
    return [days[0] - timedelta(days=i) for i in range(6, 0, -1)] + days


def _rate(days: Sequence[tuple[float, int]], factor: float, fewest: int) -> float | None:
    total = sum(n for _, n in days)
    return factor * sum(u for u, _ in days) / total if total >= fewest else None


def _unsettled(rows: dict[date, Row], days: list[date], known: str) -> int | None:
    """Index from which on every day still misses what its figure counts; None when the last day is settled."""
    index = len(days)
    while index and _is_open(rows, days[index - 1], known):
        index -= 1
    return index if index < len(days) else None


def _is_open(rows: dict[date, Row], day: date, known: str) -> bool:
    return day not in rows or rows[day][known] < SETTLED_SHARE * (rows[day]["count_orders"] - rows[day]["count_void"])


def _by_region(console: Console, reader: Reader, values: dict[str, Any]) -> dict[str, Any]:
    support = console.settings.minimum_support
    rows = []
    for row in reader.rows(queries.BY_REGION, **values):
        estimate = proportion(row["count_on_time"], row["count_judged"])
        rows.append({**row, "estimate": estimate, "is_supported": row["count_judged"] >= support})
    rows.sort(key=lambda r: (not r["is_supported"], r["estimate"].value if r["estimate"] else 2, r["region_code"]))
    judged, on_time = sum(r["count_judged"] for r in rows), sum(r["count_on_time"] for r in rows)
    shown = [r["estimate"] for r in rows if r["estimate"] and r["is_supported"]] or [
        r["estimate"] for r in rows if r["estimate"]
    ]
    low = min((e.low for e in shown), default=0.0)
    return {
        "rows": rows,
        "overall": proportion(on_time, judged),
        "support": support,
        "scale_low": max(0.0, (int(low * 20) - 1) / 20),
        "count_unknown": sum(r["count_orders"] for r in rows if r["region_code"] == "unknown"),
        "count_orders": sum(r["count_orders"] for r in rows),
    }


def _risk(reader: Reader, values: dict[str, Any]) -> dict[str, Any] | None:
    if not reader.has("predictions"):
        return None
    return {"rows": reader.rows(queries.AT_RISK, **values), **reader.row(queries.OPEN_ORDERS, **values)}
