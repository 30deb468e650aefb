"""How values are written."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from dashboards import formats


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (formats.count(1234567), "1,234,567"),
        (formats.number(-0.25, 2), "−0.25"),
        (formats.number(-0.0004, 2), "0.00"),
        (formats.share(0.9344), "93.4%"),
        (formats.signed(-0.012, 1, 100), "−1.2"),
        (formats.signed(0.0004, 1, 100), "±0.0"),
        (formats.signed(-0.0004, 1, 100), "±0.0"),
        (formats.signed(0.05, 1), "+0.1"),
        (formats.money(Decimal("1234.5"), "BRL"), "1,234.50 BRL"),
        (formats.moment(datetime(2026, 5, 31, 14, 3, 59)), "2026-05-31 14:03"),
        (formats.moment("2026-05-31T14:03:00+00:00"), "2026-05-31 14:03"),
        (formats.moment(date(2026, 5, 31)), "2026-05-31"),
        (formats.moment("soon"), "soon"),
        (formats.lag(0.5), "30 min"),
        (formats.lag(30), "30.0 h"),
        (formats.lag(72), "3.0 d"),
        (formats.lag(24 * 1044), "1,044 d"),
        (formats.readable("in_transit"), "in transit"),
    ],
)
def test_values_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize("name", sorted(formats.FILTERS))
def test_what_is_not_known_is_a_dash_and_never_zero(name: str) -> None:
    assert formats.FILTERS[name](None) == "–"
