"""Small pieces of HTML, with everything escaped on its way in.

Belongs here: escaping, tables, numbers as text. Does not belong here: what is said (texts, sections).

A piece that is already markup is a `Markup`; every other value is escaped, so that HTML in a region's name stays text.
"""

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

MISSING = "—"
NUMBER = re.compile(r"—|[+−<\[ 0-9.,\]]+( %| pp)?")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def escape(value: Any) -> Markup:
    """`value` as markup: escaped unless it is `Markup`. Control characters that HTML cannot hold are shown as ·."""
    if isinstance(value, Markup):
        return value
    text = "".join(c if c.isprintable() or c in "\n\t" else "·" for c in str(value))
    return Markup(html.escape(text, quote=True))


def tag(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element; `class_` becomes `class`, `a_b` becomes `a-b`, attributes of None are left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in ("br", "meta", "line", "rect", "circle", "path", "polyline"):
        return Markup(f"<{name}{given}/>") if not children else Markup(f"<{name}{given}>{join(children)}</{name}>")
    return Markup(f"<{name}{given}>{join(children)}</{name}>")


def join(children: Iterable[Any], separator: str = "") -> Markup:
    """Pieces put together, each escaped unless it is markup; None is left out."""
    return Markup(separator.join(escape(child) for child in children if child is not None))


def table(header: Sequence[Any], rows: Iterable[Sequence[Any]], class_: str = "", caption: Any = None) -> Markup:
    """A table; cells that look like numbers are set to the right."""
    head = tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in header)))
    body = tag("tbody", *(row if isinstance(row, Markup) else table_row(row) for row in rows))
    title = tag("caption", caption) if caption else None
    return tag("div", tag("table", title, head, body, class_=class_ or None), class_="scroll")


def table_row(cells: Sequence[Any], class_: str | None = None) -> Markup:
    """One row; the first cell names it."""
    rest = (tag("td", cell, class_="number" if _is_number(cell) else None) for cell in cells[1:])
    return tag("tr", tag("th", cells[0], scope="row"), *rest, class_=class_)


def _is_number(cell: Any) -> bool:
    return not isinstance(cell, Markup) and NUMBER.fullmatch(str(cell)) is not None


def count(value: Any) -> str:
    """A whole number with thin groups of three, the same in every language."""
    return MISSING if value is None else f"{int(value):,}".replace(",", " ")


def number(value: Any, kind: str = "rate", signed: bool = False) -> str:
    """A value as text: rates in per cent and hours with one decimal, others to about three digits.

    >>> number(0.5), number(0.23, "mean"), number(12.3456, "mean"), number(-1234.5, "mean")
    ('50.0 %', '0.230', '12.3', '−1 234')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    sign = "+" if signed else ""
    if kind == "rate":
        shown = f"{float(value) * 100:{sign}.1f} %"
    else:
        shown = f"{float(value):{sign}.1f}" if kind == "hours" else _plain(float(value), signed)
    return shown.replace("-", "−")


def _plain(value: float, signed: bool) -> str:
    """Decimals by size, so that the values of a column stand under each other."""
    size, sign = abs(value), "+" if signed else ""
    decimals = 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
    return f"{value:{sign},.{decimals}f}".replace(",", " ")


def points(value: Any, kind: str = "rate") -> str:
    """A difference as text: percentage points for rates."""
    return number(value, kind, signed=True).replace(" %", " pp")


def interval(value: Sequence[float] | None, kind: str = "rate", difference: bool = False) -> str:
    """An interval as text."""
    if value is None:
        return MISSING
    show = points if difference else number
    unit = (" pp" if difference else " %") if kind == "rate" else ""
    low, high = (show(end, kind).removesuffix(unit) for end in value)
    return f"[{low}, {high}]{unit}"


def p_value(value: float | None) -> str:
    """A p-value as text, never 0."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
