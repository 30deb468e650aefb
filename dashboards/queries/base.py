"""What a query of the console is.

Belongs here: the type. Does not belong here: any SQL; that is the page's module beside this one.
"""

import re
from dataclasses import dataclass, field

_PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class Query:
    """One statement over published tables.

    Attributes:
        name: Unique name, used as cache key and in messages.
        reads: Every published table that the statement names.
        sql: The statement; parameters as `$name`.
        parameters: Names of the parameters, taken from the statement.
    """

    name: str
    reads: tuple[str, ...]
    sql: str
    parameters: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", frozenset(_PARAMETER.findall(self.sql)))
