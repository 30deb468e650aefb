"""The four key figures of the overview as tiles.

Belongs here: from one row of counts to value, interval, change and reason of absence. Does not belong here: the counts
(a query) or how a tile looks (its template).
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from dashboards import figures, formats
from dashboards.figures import Estimate
from dashboards.store import Row
from dashboards.texts.loader import Texts

Direction = Literal["better", "worse", "unclear"]


@dataclass(frozen=True)
class Tile:
    """One key figure.

    Attributes:
        key: Name in the texts; the figure's trend has the same.
        reason: Why there is nothing to show; empty when there is.
        value: The figure as text.
        interval: Its 95 % interval as text.
        second: Label and text of further figures of the same family.
        n: What the figure rests on, as text.
        change: Change against the period before as text; empty when there is none.
        change_interval: Its interval as text.
        direction: Whether the change is good, bad, or within what chance alone gives.
    """

    key: str
    reason: str = ""
    value: str = ""
    interval: str = ""
    second: list[tuple[str, str]] = field(default_factory=list)
    n: str = ""
    change: str = ""
    change_interval: str = ""
    direction: Direction = "unclear"


def tiles(t: Texts, now: Row, before: Row, ever: Row) -> list[Tile]:
    """The tiles, in reading order.

    Args:
        t: Texts of the overview.
        now: The row of `queries.overview.FIGURES` for the period; empty without orders.
        before: The same for the period before.
        ever: The row of `queries.overview.EVER`: what the company has at all, to say *why* a figure is missing.
    """
    return [_on_time(t, now, before, ever), _handling(t, now, before, ever), _touched(t, now, before, ever),
            _satisfaction(t, now, before, ever)]  # fmt: skip


def _on_time(t: Texts, now: Row, before: Row, ever: Row) -> Tile:
    estimate = _rate(now, "count_on_time", "count_judged")
    if estimate is None:
        return Tile("on_time", t.reasons.no_outcome if not ever["count_judged"] else t.reasons.not_in_period)
    change = figures.difference(estimate, _rate(before, "count_on_time", "count_judged"))
    known = formats.share(now["count_judged"] / now["count_orders"])
    return Tile(
        "on_time", value=formats.share(estimate.value), interval=_share_range(estimate),
        second=[(t.second.known, known)], n=t.n.on_time.format(n=formats.count(estimate.n)),
        **_change(change, 100, t.units.points, good="up"),
    )  # fmt: skip


def _handling(t: Texts, now: Row, before: Row, ever: Row) -> Tile:
    estimate = _median(now)
    if estimate is None:
        return Tile("handling", t.reasons.no_handling if not ever["count_handled"] else t.reasons.not_in_period)
    change = figures.difference(estimate, _median(before))
    return Tile(
        "handling", value=formats.hours(estimate.value),
        interval=f"{formats.number(estimate.low)} – {formats.number(estimate.high)} h",
        second=[(t.second.p90, formats.hours(now["handling_p90"]))], n=t.n.handling.format(n=formats.count(estimate.n)),
        **_change(change, 1, t.units.hours, good="down"),
    )  # fmt: skip


def _touched(t: Texts, now: Row, before: Row, ever: Row) -> Tile:
    if not ever["count_events"]:
        return Tile("touched", t.reasons.no_events)
    if not ever["count_followed"]:
        return Tile("touched", t.reasons.no_person_events)
    estimate = _rate(now, "count_touched", "count_followed")
    if estimate is None:
        return Tile("touched", t.reasons.not_in_period)
    change = figures.difference(estimate, _rate(before, "count_touched", "count_followed"))
    automated = 1 - now["count_person_events"] / now["count_events"]
    return Tile(
        "touched", value=formats.share(estimate.value), interval=_share_range(estimate),
        second=[(t.second.automated, formats.share(automated))], n=t.n.touched.format(
            n=formats.count(estimate.n), steps=formats.count(now["count_events"])),
        **_change(change, 100, t.units.points, good="down"),
    )  # fmt: skip


def _satisfaction(t: Texts, now: Row, before: Row, ever: Row) -> Tile:
    if not ever["count_reviews"]:
        return Tile("satisfaction", t.reasons.no_reviews)
    estimate = _mean(now)
    if estimate is None:
        return Tile("satisfaction", t.reasons.not_in_period)
    change = figures.difference(estimate, _mean(before))
    answered = formats.share(now["count_reviews"] / now["count_orders"])
    return Tile(
        "satisfaction", value=formats.number(estimate.value, 2),
        interval=f"{formats.number(estimate.low, 2)} – {formats.number(estimate.high, 2)}",
        second=[(t.second.answered, answered)], n=t.n.satisfaction.format(n=formats.count(estimate.n)),
        **_change(change, 1, t.units.points_of_five, good="up", decimals=2),
    )  # fmt: skip


def _rate(row: Row, count: str, n: str) -> Estimate | None:
    return figures.proportion(row[count], row[n]) if row else None


def _median(row: Row) -> Estimate | None:
    if not row or not row["count_handled"]:
        return None
    return Estimate(row["handling_median"], row["handling_low"], row["handling_high"], row["count_handled"])


def _mean(row: Row) -> Estimate | None:
    return figures.mean(row["review_mean"], row["review_deviation"], row["count_reviews"]) if row else None


def _share_range(estimate: Estimate) -> str:
    return f"{formats.number(estimate.low * 100)} – {formats.share(estimate.high)}"


def _change(
    change: Estimate | None, factor: float, unit: str, good: Literal["up", "down"], decimals: int = 1
) -> dict[str, Any]:
    if change is None:
        return {}
    low, high = (formats.signed(v, decimals, factor) for v in (change.low, change.high))
    direction: Direction = "unclear"
    if change.excludes_zero:
        direction = "better" if (change.value > 0) == (good == "up") else "worse"
    return {
        "change": f"{formats.signed(change.value, decimals, factor)} {unit}",
        "change_interval": f"{low} … {high}",
        "direction": direction,
    }
