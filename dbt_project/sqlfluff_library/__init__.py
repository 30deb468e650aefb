"""What dbt puts into Jinja's context and sqlfluff does not, or puts otherwise: the linter sees a build of all days.

Belongs here: the names that our macros call. Does not belong here: anything that dbt itself runs.
"""

from collections.abc import Callable
from typing import Any

execute = False


def var(name: str, default: Any = None) -> Any:
    """No variable is set: the default, as in a build of all days."""
    return default


class adapter:  # noqa: N801  # dbt's own name
    """Dispatching to whatever is written for no engine in particular."""

    @staticmethod
    def dispatch(macro_name: str, macro_namespace: str = "") -> Callable[..., str]:
        """A macro that renders as a column: the linter asks for the shape of the SQL, not for its meaning."""
        return lambda *arguments, **named: f"{macro_name}_column"
