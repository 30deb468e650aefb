"""What dbt puts into Jinja's context and sqlfluff does not, or puts otherwise: the linter sees a build of all days.

Belongs here: the names that our macros call. Does not belong here: anything that dbt itself runs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

execute = False


_PROJECT = Path(__file__).parents[1] / "dbt_project.yml"
_VARIABLES = yaml.safe_load(_PROJECT.read_text(encoding="utf-8"))["vars"]


def var(name: str, default: Any = None) -> Any:
    """What the project file sets, else the default, as in a build of all days."""
    return _VARIABLES.get(name, default)


class adapter:  # noqa: N801  # dbt's own name
    """Dispatching to whatever is written for no engine in particular."""

    @staticmethod
    def dispatch(macro_name: str, macro_namespace: str = "") -> Callable[..., str]:
        """A macro that renders as a column: the linter asks for the shape of the SQL, not for its meaning."""
        return lambda *arguments, **named: f"{macro_name}_column"
