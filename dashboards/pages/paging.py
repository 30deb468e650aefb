"""A long list in parts, each at its own address.

Belongs here: from the count of entries to part and addresses. Does not belong here: the query, which takes `limit` and
`offset`, or the links' look (`m.pager` of `templates/macros.html`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

SIZE = 50


@dataclass(frozen=True)
class Paging:
    """One part of a list.

    Attributes:
        path: Address of the list without a query.
        chosen: The filters in force, by parameter; empty ones are left out of addresses.
        asked: The part that was asked for, from 1.
        count: Entries of the whole list.
        size: Entries of a part.
    """

    path: str
    chosen: Mapping[str, str]
    asked: int
    count: int
    size: int = SIZE

    @property
    def pages(self) -> int:
        """Parts of the list; an empty list has one."""
        return max(1, -(-self.count // self.size))

    @property
    def number(self) -> int:
        """The part shown: the one asked for, or the nearest that there is."""
        return min(max(1, self.asked), self.pages)

    @property
    def first(self) -> int:
        """Place of the part's first entry in the list, from 1; 0 in an empty list."""
        return min(self.count, (self.number - 1) * self.size + 1)

    @property
    def last(self) -> int:
        """Place of its last entry."""
        return min(self.count, self.number * self.size)

    def address(self, number: int) -> str:
        """Where a part is found."""
        wanted = {name: value for name, value in self.chosen.items() if value}
        if number > 1:
            wanted["page"] = str(number)
        return f"{self.path}?{urlencode(wanted)}" if wanted else self.path
