"""Charts as inline SVG: intervals by group, reliability, bars of a decomposition, lines over time, a trade-off curve.

Belongs here: drawing. Does not belong here: choosing what to draw (sections) or the map (tilemap).

Colours are set by class in the page's style, so that print and dark screens get theirs. Positions are rounded to
tenths of a pixel: equal input gives equal bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import east_asian_width

from ml.core.fairness.report.markup import Markup, escape, join, tag

WIDTH = 760
#: Room for the names of groups, in pixels and in letters; a Chinese character takes the room of two.
NAMES, LETTERS = 190, 24


@dataclass(frozen=True)
class IntervalRow:
    """One line of the interval chart; `low`, `value`, `high` are None for a group that is not judged.

    `mark` is `named` or `better` for a group that differs to its harm or to its advantage.
    """

    name: str
    low: float | None
    value: float | None
    high: float | None
    mark: str | None
    note: str
    shrunken: float | None = None


class Scale:
    """A linear scale from values to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        if high <= low:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        """Pixel of `value`, held inside the scale."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside the scale."""
        span = self.high - self.low
        step = next(
            base * 10.0**power
            for power in range(-9, 12)
            for base in (1, 2, 5)
            if span / (base * 10.0**power) <= most
        )  # fmt: skip
        first = int(-(-self.low // step))
        return [i * step for i in range(first, first + most + 2) if self.low - 1e-12 <= i * step <= self.high + 1e-12]


def text(x: float, y: float, said: object, class_: str | None = None, anchor: str | None = None) -> Markup:
    """A text element."""
    return tag("text", said, x=round(x, 1), y=round(y, 1), class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=round(x1, 1), y1=round(y1, 1), x2=round(x2, 1), y2=round(y2, 1), class_=class_)


def svg(width: float, height: float, label: str, *children: object) -> Markup:
    """A drawing that a screen reader announces by `label`."""
    return tag(
        "svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label, class_="chart",
        style=f"max-width:{width:g}px",
    )  # fmt: skip


def interval_chart(
    rows: Sequence[IntervalRow], reference: float | None, label: str, reference_label: str, show: "Formatter"
) -> Markup:
    """Group values with their simultaneous intervals, one line a group, and the reference as a vertical line."""
    known = [v for row in rows for v in (row.low, row.high, row.value) if v is not None]
    known += [reference] if reference is not None else []
    left, right, top, step = NAMES, WIDTH - 120, 26, 19
    height = top + step * len(rows) + 34
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    pad = (high - low) * 0.04 or 0.01
    x = Scale(low - pad if low < 0 else max(0.0, low - pad), high + pad, left, right)
    bottom = top + step * len(rows)
    parts: list[Markup] = []
    for tick in x.ticks():
        parts += [
            line(x(tick), top - 6, x(tick), bottom, "grid"),
            text(x(tick), bottom + 15, show(tick), "tick", "middle"),
        ]
    if reference is not None:
        parts += [line(x(reference), top - 10, x(reference), bottom, "reference"),
                  text(x(reference), top - 13, reference_label, "tick", "middle")]  # fmt: skip
    for i, row in enumerate(rows):
        parts += _interval_row(row, x, top + step * i + step / 2, left, right)
    return svg(WIDTH, height, label, *parts)


def _interval_row(row: IntervalRow, x: Scale, y: float, left: float, right: float) -> list[Markup]:
    class_ = row.mark or "plain"
    parts = [text(left - 10, y + 4, _short(row.name), f"name {class_}", "end"),
             text(right + 10, y + 4, row.note, "tick")]  # fmt: skip
    if row.low is None or row.high is None or row.value is None:
        parts.append(line(left, y, right, y, "absent"))
        if row.shrunken is not None:
            parts.append(tag("circle", cx=x(row.shrunken), cy=round(y, 1), r=3, class_="shrunken"))
        return parts
    parts.append(line(x(row.low), y, x(row.high), y, f"whisker {class_}"))
    if row.shrunken is not None:
        parts.append(tag("circle", cx=x(row.shrunken), cy=round(y, 1), r=3, class_="shrunken"))
    parts.append(tag("circle", cx=x(row.value), cy=round(y, 1), r=4.5, class_=f"dot {class_}"))
    return parts


def reliability_chart(bins: Sequence[tuple[float, float, int]], label: str, x_label: str, y_label: str) -> Markup:
    """Observed rate against mean score per bin; the area of a dot grows with its rows."""
    size, left, bottom = 300.0, 50.0, 270.0
    x, y = Scale(0, 1, left, size), Scale(0, 1, bottom, 20)
    parts = [line(x(0), y(0), x(1), y(1), "reference")]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [line(x(tick), y(0), x(tick), y(1), "grid"), line(x(0), y(tick), x(1), y(tick), "grid"),
                  text(x(tick), bottom + 15, f"{tick:g}", "tick", "middle"),
                  text(left - 6, y(tick) + 4, f"{tick:g}", "tick", "end")]  # fmt: skip
    most = max((rows for _, _, rows in bins), default=1)
    for score, observed, rows in bins:
        radius = round(2 + 8 * (rows / most) ** 0.5, 1)
        parts.append(tag("circle", tag("title", str(rows)), cx=x(score), cy=y(observed), r=radius, class_="dot plain"))
    parts += [text((left + size) / 2, bottom + 30, x_label, "tick", "middle"), text(left - 34, 12, y_label, "tick")]
    return svg(size + 20, bottom + 40, label, *parts)


def stacked_chart(
    names: Sequence[str],
    parts_of: Sequence[Sequence[float]],
    classes: Sequence[str],
    keys: Sequence[str],
    label: str,
    show: "Formatter",
) -> Markup:
    """Bars of signed parts per group, positive to the right of zero and negative to the left, with a legend."""
    left, right, top, step = NAMES, WIDTH - 20, 40, 22
    ends = [sum(v for v in row if v > 0) for row in parts_of] + [sum(v for v in row if v < 0) for row in parts_of] + [0]
    x = Scale(min(ends) * 1.05, max(ends) * 1.05, left, right)
    bottom = top + step * len(names)
    out: list[Markup] = []
    for tick in x.ticks():
        out += [
            line(x(tick), top - 4, x(tick), bottom, "grid"),
            text(x(tick), bottom + 15, show(tick), "tick", "middle"),
        ]
    for i, (name, row) in enumerate(zip(names, parts_of, strict=True)):
        y, plus, minus = top + step * i, 0.0, 0.0
        out.append(text(left - 10, y + 14, _short(name), "name", "end"))
        for value, class_ in zip(row, classes, strict=True):
            start = plus if value >= 0 else minus
            end = start + value
            plus, minus = (end, minus) if value >= 0 else (plus, end)
            a, b = sorted((x(start), x(end)))
            tip, width = tag("title", f"{name}: {show(value)}"), round(b - a, 1)
            out.append(tag("rect", tip, x=a, y=y + 3, width=width, height=step - 7, class_=class_))
    out.append(line(x(0), top - 6, x(0), bottom, "axis"))
    out += _legend(classes, keys, left)
    return svg(WIDTH, bottom + 24, label, *out)


def _legend(classes: Sequence[str], keys: Sequence[str], left: float) -> list[Markup]:
    out, at = [], left
    for class_, key in zip(classes, keys, strict=True):
        out += [tag("rect", x=round(at, 1), y=8, width=11, height=11, class_=class_), text(at + 16, 18, key, "tick")]
        at += 30 + width_of(key)
    return out


def line_chart(
    dates: Sequence[str],
    values: Sequence[float | None],
    band: Sequence[tuple[float, float] | None],
    marks: Sequence[tuple[int, str]],
    label: str,
    show: "Formatter",
) -> Markup:
    """Values over time with a band and vertical marks (alarms, changes) that say what happened."""
    left, right, top, bottom = 60, WIDTH - 20, 36, 220
    known = [v for v in values if v is not None] + [e for b in band if b for e in b] + [0.0]
    y = Scale(min(known), max(known), bottom, top)
    x = Scale(0, max(len(dates) - 1, 1), left, right)
    out: list[Markup] = []
    for tick in y.ticks():
        out += [line(left, y(tick), right, y(tick), "grid"), text(left - 6, y(tick) + 4, show(tick), "tick", "end")]
    upper = [f"{x(i)},{y(b[1])}" for i, b in enumerate(band) if b]
    lower = [f"{x(i)},{y(b[0])}" for i, b in enumerate(band) if b]
    if upper:
        out.append(tag("path", d="M" + " L".join(upper + lower[::-1]) + " Z", class_="band"))
    points = " ".join(f"{x(i)},{y(v)}" for i, v in enumerate(values) if v is not None)
    out += [line(left, y(0), right, y(0), "axis"), tag("polyline", points=points, class_="curve")]
    for i in range(0, len(dates), max(1, -(-len(dates) // 7))):
        # The last label would be cut off by the edge if it stood under its point.
        out.append(text(x(i), bottom + 16, dates[i], "tick", "end" if i and x(i) > right - 30 else "middle"))
    for row, (i, said) in enumerate(marks):
        out += [line(x(i), top - 8, x(i), bottom, "mark"), text(x(i) + 4, 12 + 12 * (row % 2), said, "tick marked")]
    return svg(WIDTH, bottom + 24, label, *out)


def trade_off_chart(
    options: Sequence[tuple[str, float, float, tuple[float, float], tuple[float, float]]],
    label: str,
    x_label: str,
    y_label: str,
    show_x: "Formatter",
    show_y: "Formatter",
) -> Markup:
    """Options as (name, x, y, x interval, y interval), each with both intervals as a cross."""
    left, right, top, bottom = 70, WIDTH - 150, 24, 300
    xs = [v for _, x, _, b, _ in options for v in (x, *b)]
    ys = [v for _, _, y, _, b in options for v in (y, *b)]
    pad_x, pad_y = (max(xs) - min(xs)) * 0.06 or 0.01, (max(ys) - min(ys)) * 0.06 or 0.01
    x = Scale(min(xs) - pad_x, max(xs) + pad_x, left, right)
    y = Scale(min(ys) - pad_y, max(ys) + pad_y, bottom, top)
    out: list[Markup] = []
    for tick in x.ticks():
        out += [line(x(tick), top, x(tick), bottom, "grid"), text(x(tick), bottom + 15, show_x(tick), "tick", "middle")]
    for tick in y.ticks():
        out += [line(left, y(tick), right, y(tick), "grid"), text(left - 6, y(tick) + 4, show_y(tick), "tick", "end")]
    taken: list[tuple[float, float]] = []
    for name, vx, vy, bx, by in sorted(options, key=lambda option: -option[2]):
        start, level = x(vx) + 8, _free_level(taken, x(vx) + 8, y(vy), width_of(name))
        taken += [(at, level) for at in (start, start + width_of(name))]
        out += [
            line(x(bx[0]), y(vy), x(bx[1]), y(vy), "whisker plain"),
            line(x(vx), y(by[0]), x(vx), y(by[1]), "whisker plain"),
            tag("circle", cx=x(vx), cy=y(vy), r=5, class_="dot plain"),
            text(start, level, name, "name"),
        ]
    out += [text((left + right) / 2, bottom + 34, x_label, "tick", "middle"), text(left - 60, top - 8, y_label, "tick")]
    return svg(WIDTH, bottom + 44, label, *out)


def _free_level(taken: Sequence[tuple[float, float]], start: float, near: float, width: float) -> float:
    """Height of a name that begins at `start`, so that it lies over none of the names whose two ends are `taken`."""
    names = list(zip(taken[::2], taken[1::2], strict=True))
    for shift in (-7.0, 16.0, -21.0, 30.0, 44.0):
        level = near + shift
        if all(abs(level - low[1]) > 13 or start > high[0] + 6 or start + width < low[0] - 6 for low, high in names):
            return level
    return near - 7.0


def width_of(said: str) -> float:
    """About how many pixels a name takes."""
    return sum(12.5 if ord(letter) > 0x2E80 else 6.6 for letter in said)


class Formatter:
    """Shows numbers on an axis: rates in per cent or points, others plainly."""

    def __init__(self, kind: str, difference: bool = False) -> None:
        self.kind, self.difference = kind, difference

    def __call__(self, value: float) -> str:
        """`value` as a short text."""
        if self.kind == "rate":
            said = f"{value * 100:{'+' if self.difference and value else ''}.3g}"
            return (said + ("" if self.difference else " %")).replace("-", "−")
        return f"{value:.3g}".replace("-", "−")


def _short(name: str) -> Markup:
    """`name` cut to fit, with the whole of it as a tooltip."""
    ends = list(accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in name))
    if not ends or ends[-1] <= LETTERS:
        return escape(name)
    return join([name[: sum(end < LETTERS for end in ends)] + "…", tag("title", name)])
