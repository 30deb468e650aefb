"""Sections on time: disparity by period with its alarm, and what changes of rules and models did.

Belongs here: showing those results, or that they are missing. Does not belong here: computing them (overtime, changes).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ml.core.fairness.report.charts import Formatter, line_chart
from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.report.layers import group_name, missing
from ml.core.fairness.report.markup import MISSING, Markup, interval, join, number, points, table, table_row, tag
from ml.core.fairness.report.texts import Texts

MOST_COURSES = 4


def over_time(weekly: Mapping[str, Any] | None, context: ReportContext, texts: Texts) -> Markup:
    """Disparity per period with its alarm, and the numbers of the changes that fall into it."""
    if weekly is None:
        return missing(texts, "over_time")
    alarmed = [g for g in weekly["groups"] if g["alarm"]]
    rest = sorted((g for g in weekly["groups"] if not g["alarm"]), key=lambda g: -max(g["evidence"], default=0.0))
    shown = (sorted(alarmed, key=lambda g: g["alarm"]) + rest)[:MOST_COURSES]
    said = texts.say(
        "over_time_said", level=number(weekly["alarm_level"], "mean"), alpha=f"{100 * weekly['alpha']:g} %"
    )
    rows = [
        table_row(
            (group_name(g["group"], context), g["alarm"] or MISSING, _evidence(g)),
            "named" if g["alarm"] else None,
        )
        for g in [*alarmed, *rest]
    ]
    charts = [_course(g, weekly["periods"], context, texts) for g in shown]
    header = [texts[k] for k in ("group", "alarm", "evidence")]
    return join([tag("h3", texts["over_time"]), tag("p", said), *charts, table(header, rows)])


def _evidence(group: Mapping[str, Any]) -> str:
    """The largest e-value so far; above a million only its order of magnitude matters."""
    largest = float(max(group["evidence"], default=0.0))
    return f"{largest:,.1f}".replace(",", " ") if largest < 1e6 else f"> 10^{int(math.log10(largest))}"


def _course(group: Mapping[str, Any], periods: Sequence[str], context: ReportContext, texts: Texts) -> Markup:
    name = group_name(group["group"], context)
    said = _marked_changes(context.changes, list(periods))
    if group["alarm"]:
        said.setdefault(list(periods).index(group["alarm"]), []).append(texts["alarm"])
    marks = [(place, " ".join(words)) for place, words in sorted(said.items())]
    drawn = line_chart(
        periods, group["differences"], [tuple(b) if b else None for b in group["intervals"]], marks, name,
        Formatter("rate", difference=True),
    )  # fmt: skip
    return join([tag("p", name, class_="small"), drawn])


def _marked_changes(found: Sequence[Mapping[str, Any]], periods: list[str]) -> dict[int, list[str]]:
    """Place on a course by ISO weeks → numbers of the changes there."""
    at: dict[int, list[str]] = {}
    for number_, change in enumerate(found, start=1):
        week = date.fromisoformat(change["date"]).strftime("%G-W%V")
        if week in periods:
            at.setdefault(periods.index(week), []).append(f"№{number_}")
    return at


def changes(found: Sequence[Mapping[str, Any]], texts: Texts) -> Markup | None:
    """Rule and model changes with what followed: where they acted and elsewhere, and the spread between groups."""
    if not found:
        return None
    keys = ("change_number", "date", "what", "reason", "touched", "elsewhere", "difference", "interval",
            "change_spread", "change_ratio")  # fmt: skip
    header = [texts[k] for k in keys]
    rows = []
    for number_, change in enumerate(found, start=1):
        effect: Mapping[str, Any] = change.get("effect") or {}
        cells = [MISSING] * 4
        if effect:
            courses = [f"{number(effect[k][0])} → {number(effect[k][1])}" for k in ("touched", "others")]
            cells = [*courses, points(effect["difference"], "rate"), interval(effect["interval"], "rate",
                     difference=True)]  # fmt: skip
        stated = [change.get(k, "") for k in ("what", "reason")]
        is_proven = bool(effect) and effect["interval"][0] > 0
        cells += _spread_cells(change.get("disparity"), texts)
        line = (f"№{number_}", tag("span", change.get("date", ""), class_="nowrap"), *stated, *cells)
        rows.append(table_row(line, "named" if is_proven else None))
    return join([tag("h3", texts["changes"]), table(header, rows), tag("p", texts["changes_note"],
                 class_="soft small")])  # fmt: skip


def _spread_cells(disparity: Mapping[str, Any] | None, texts: Texts) -> list[Any]:
    """Spread between the groups on either side of a change, and how many times wider it became."""
    if disparity is None:
        return [tag("span", texts["change_too_new"], class_="missing"), MISSING]
    ratio = MISSING
    if disparity["ratio"] is not None:
        low, high = disparity["interval"]
        ratio = f"× {disparity['ratio']:.2f} [{low:.2f}, {high:.2f}]"
    return [f"{number(disparity['history'])} → {number(disparity['now'])}", ratio]
