"""How values are written on pages: numbers, shares, durations, times.

Belongs here: pure functions from a value to text, used as template filters. Does not belong here: words; those are in
the locale file. None is always an en dash, never a zero.
"""

from datetime import date, datetime
from decimal import Decimal

NONE = "–"
Number = int | float | Decimal


def count(value: Number | None) -> str:
    """A whole number with separators: `12,345`."""
    return NONE if value is None else f"{int(value):,}"


def number(value: Number | None, decimals: int = 1) -> str:
    """A number with a fixed count of decimals: `1,234.5`."""
    return NONE if value is None else _without_negative_zero(f"{float(value):,.{decimals}f}").replace("-", "−")


def share(value: Number | None, decimals: int = 1) -> str:
    """A share of one as percentage: `0.934` → `93.4%`."""
    return NONE if value is None else f"{float(value) * 100:,.{decimals}f}%".replace("-", "−")


def signed(value: Number | None, decimals: int = 1, factor: float = 1.0) -> str:
    """A change with its sign: `+1.2`, `−0.4`, and `±0.0` where it rounds to nothing."""
    if value is None:
        return NONE
    text = f"{float(value) * factor:+,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return text.replace("+", "±").replace("-", "±")
    return text.replace("-", "−")


def hours(value: Number | None) -> str:
    """A duration in hours: `18.4 h`."""
    return NONE if value is None else f"{float(value):,.1f} h".replace("-", "−")


def money(value: Number | None, currency: str | None = None) -> str:
    """An amount with its currency code: `1,234.50 BRL`."""
    if value is None:
        return NONE
    text = f"{float(value):,.2f}".replace("-", "−")
    return f"{text} {currency}" if currency else text


def moment(value: datetime | date | str | None) -> str:
    """A time to the minute, or a date: `2026-05-31 14:03`. Text is read as ISO 8601."""
    if value is None or value == "":
        return NONE
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat()


def day(value: datetime | date | str | None) -> str:
    """The date alone: `2026-05-31`."""
    return moment(value)[:10] if value else NONE


def lag(delta_hours: float | None) -> str:
    """How far something lies behind: minutes, hours or days, whichever reads best."""
    if delta_hours is None:
        return NONE
    if delta_hours < 1:
        return f"{max(0.0, delta_hours) * 60:.0f} min"
    if delta_hours < 72:
        return f"{delta_hours:.1f} h"
    days = delta_hours / 24
    return f"{days:.1f} d" if days < 10 else f"{days:,.0f} d"


def readable(value: object) -> str:
    """A code as words: `late_delivery` → `late delivery`; None as a dash."""
    return NONE if value in (None, "") else str(value).replace("_", " ")


def _without_negative_zero(text: str) -> str:
    return text if any(digit in text for digit in "123456789") else text.lstrip("-")


FILTERS = {
    "count": count,
    "number": number,
    "share": share,
    "signed": signed,
    "hours": hours,
    "money": money,
    "moment": moment,
    "day": day,
    "lag": lag,
}
