"""The period and region that a page is filtered by.

Belongs here: reading the choice from the address and turning it into dates. Does not belong here: figures.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

#: Lengths on offer, in days; 0 stands for all days.
LENGTHS = (7, 28, 90, 365, 0)
DEFAULT_LENGTH = 28


@dataclass(frozen=True)
class Period:
    """Days `first` to `last`, both included, and the equally long period before them.

    Attributes:
        length: Days asked for; 0 for all.
        first, last: The period.
        previous_first: First day of the period before; equals `first` when there is none to compare with.
        has_previous: Whether the data reach back over the whole period before.
    """

    length: int
    first: date
    last: date
    previous_first: date
    has_previous: bool

    @property
    def previous_last(self) -> date:
        """Last day of the period before."""
        return self.first - timedelta(days=1)


def period_of(length: int, earliest: date, latest: date) -> Period:
    """The period of `length` days that ends with the newest data, never reaching before the oldest."""
    if length <= 0:
        return Period(0, earliest, latest, earliest, False)
    first = max(earliest, latest - timedelta(days=length - 1))
    previous_first = first - timedelta(days=length)
    has_previous = previous_first >= earliest
    return Period(length, first, latest, previous_first if has_previous else first, has_previous)


def as_of(notes: object, latest: datetime) -> datetime:
    """The time that the snapshot speaks for: its note `as_of`, else its newest order. UTC without zone, as in marts."""
    given = notes.get("as_of") if isinstance(notes, dict) else None
    if not given:
        return latest
    moment = datetime.fromisoformat(str(given))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
