"""Chart payloads: ECharts options as plain JSON, drawn by `static/console.js`.

Belongs here: which series and axes a chart has. Does not belong here: querying, or drawing. Colours are names of CSS
variables (`--accent`), resolved in the browser so that charts follow the light and the dark theme.
"""

from collections.abc import Sequence
from datetime import date
from math import floor
from typing import Any

Payload = dict[str, Any]
Points = Sequence[float | None]


def trend(
    days: Sequence[date],
    lines: Sequence[tuple[str, Points, str]],
    volume: tuple[str, Sequence[int]],
    unit: str,
    title: str,
    unsettled_from: int | None = None,
    unsettled_label: str = "",
) -> Payload:
    """Lines over days above bars that say how many cases stand behind each day.

    Args:
        days: The days, without gaps.
        lines: Name, values and role of each line: `main`, `second` or `faint`.
        volume: Name and values of the bars.
        unit: `pct` (values 0 to 100), `hours` or `score`: how values are written.
        title: What the chart shows, for screen readers.
        unsettled_from: Index of the first day whose figure can still change; shaded from the last point that cannot.
        unsettled_label: Words on the shade.
    """
    series = [_line(name, values, role) for name, values, role in lines]
    if unsettled_from is not None:
        series[-1]["markArea"] = {
            "silent": True,
            "itemStyle": {"color": "--shade"},
            "label": {"show": True, "position": "insideBottomRight", "color": "--muted", "fontSize": 11},
            "data": [[{"name": unsettled_label, "xAxis": max(0, unsettled_from - 1)}, {"xAxis": len(days) - 1}]],
        }
    series.append({
        "name": volume[0], "type": "bar", "data": list(volume[1]), "xAxisIndex": 1, "yAxisIndex": 1,
        "itemStyle": {"color": "--bar"}, "barCategoryGap": "20%", "large": True,
    })  # fmt: skip
    labels = [day.isoformat() for day in days]
    axis_line = {"lineStyle": {"color": "--line"}}
    option: Payload = {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": title}},
        "grid": [
            {"left": 8, "right": 8, "top": 34, "height": "58%", "containLabel": True},
            {"left": 8, "right": 8, "bottom": 4, "height": "18%", "containLabel": True},
        ],
        "legend": {"top": 0, "left": 0, "icon": "roundRect", "itemWidth": 14, "itemHeight": 5,
                   "inactiveColor": "--muted", "textStyle": {"color": "--text"}},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "line", "lineStyle": {"color": "--muted"}}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "xAxis": [
            {"type": "category", "data": labels, "gridIndex": 0, "axisLabel": {"show": False},
             "axisTick": {"show": False}, "axisLine": axis_line, "boundaryGap": True},
            {"type": "category", "data": labels, "gridIndex": 1, "axisTick": {"show": False}, "axisLine": axis_line,
             "boundaryGap": True, "axisLabel": {"color": "--muted", "hideOverlap": True, "alignMinLabel": "left",
                                                "alignMaxLabel": "right"}},
        ],
        "yAxis": [
            {"type": "value", "gridIndex": 0, "scale": True, "splitNumber": 4, **_bounds(unit, lines),
             "axisLabel": {"color": "--muted"}, "splitLine": {"lineStyle": {"color": "--line"}}},
            {"type": "value", "gridIndex": 1, "splitNumber": 1, "axisLabel": {"color": "--muted"},
             "splitLine": {"show": False}},
        ],
        "series": series,
    }  # fmt: skip
    return {"option": option, "unit": unit, "volume": volume[0], "unsettled": unsettled_from is not None}


def _line(name: str, values: Points, role: str) -> Payload:
    colour = {"main": "--accent", "second": "--second", "faint": "--faint"}[role]
    return {
        "name": name, "type": "line", "data": [None if v is None else round(v, 3) for v in values],
        "showSymbol": False, "connectNulls": False, "z": 2 if role == "faint" else 3,
        "lineStyle": {"color": colour, "width": 1 if role == "faint" else 2,
                      "type": "dashed" if role == "second" else "solid"},
        "itemStyle": {"color": colour},
    }  # fmt: skip


def _bounds(unit: str, lines: Sequence[tuple[str, Points, str]]) -> Payload:
    """Ends of the axis: the scale's own where it has some. Scores go by halves, so that no tick is cut off at 5."""
    if unit == "score":
        least = min((v for _, values, _ in lines for v in values if v is not None), default=1.0)
        return {"min": floor(least * 2) / 2 if least < 4.5 else 4, "max": 5, "interval": 0.5}
    return {"max": 100} if unit == "pct" else {"min": 0}
