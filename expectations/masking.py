"""What a person may see of a failing row: values masked by the personal-data class of their column.

Belongs here: which class a column has, and the masks. Does not belong here: the classes themselves; they stand in the
landing contract.

`direct` becomes `***`, `quasi` keeps its first character, `none` is shown. A column of a mart takes the class of the
contract column of the same name: of the table that the mart is made from, else the strictest of all tables.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from sources.contracts import PersonalData, Table

HIDDEN = "***"
TEXT_LIMIT = 120
_STRICTNESS: dict[PersonalData, int] = {"none": 0, "quasi": 1, "direct": 2}
_ORIGIN = re.compile(r"(?:stg_|dim_)([a-z_]+)")
_EMAIL = re.compile(r"[^\s'\"<>,;]+@[^\s'\"<>,;]+")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class PersonalDataClasses:
    """Personal-data class of any column of any table, from the landing contract."""

    def __init__(self, contract: Mapping[str, Table]) -> None:
        self._by_table = {
            name: {column.name: column.personal_data for column in table.columns} for name, table in contract.items()
        }
        self._strictest: dict[str, PersonalData] = {}
        for columns in self._by_table.values():
            for name, given in columns.items():
                known = self._strictest.get(name, "none")
                self._strictest[name] = max(known, given, key=_STRICTNESS.__getitem__)

    def of(self, table: str, column: str) -> PersonalData:
        """Class of a column; `none` for a column that the contract does not know, such as a golden id."""
        origin = _ORIGIN.fullmatch(table)
        own = self._by_table.get(origin[1] if origin else table, {})
        return own.get(column) or self._strictest.get(column, "none")

    def mask_row(self, table: str, row: Mapping[str, Any], is_group: bool = False) -> dict[str, str | None]:
        """A row as text, each value masked by its column's class.

        Args:
            table: Table that the row comes from.
            row: Column → value.
            is_group: The row counts a group (a region, a day); quasi-identifying values name the group and are shown.
        """
        masked: dict[str, str | None] = {}
        for column, value in row.items():
            given = self.of(table, column)
            masked[column] = mask(value, "none" if is_group and given == "quasi" else given)
        return masked


def mask(value: Any, given: PersonalData) -> str | None:
    """One value as text under a personal-data class. Empty stays empty, so that a missing value can be seen."""
    if value is None or (isinstance(value, float) and math.isnan(value) and given != "none"):
        return None
    if given == "direct":
        return HIDDEN
    text = str(value)
    if given == "quasi":
        return f"{text[:1]}…"
    shown = _EMAIL.sub(HIDDEN, text)
    return shown if len(shown) <= TEXT_LIMIT else f"{shown[:TEXT_LIMIT]}…"


def scrub(message: str) -> str:
    """The first line of a database's message, without the values that it quotes."""
    first = next((line for line in message.strip().splitlines() if line.strip()), "")
    return _EMAIL.sub(HIDDEN, _QUOTED.sub(HIDDEN, first))[:300]
