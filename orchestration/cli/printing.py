"""What commands share in talking: the console, JSON output, progress.

Belongs here: presentation that several commands use. Does not belong here: what is said.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

#: Progress and messages go to stderr, so that stdout holds results only.
MESSAGES = Console(stderr=True, highlight=False)
RESULTS = Console(highlight=False)


def print_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_table(title: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Print rows as a table; `columns` maps a key of the rows to its heading. Numbers are set to the right."""
    rows = list(rows)
    table = Table(title=title, title_justify="left", title_style="bold", header_style="", expand=False)
    for key, heading in columns.items():
        numeric = bool(rows) and all(isinstance(row.get(key), (int, float)) or row.get(key) is None for row in rows)
        table.add_column(
            heading,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=numeric or key == next(iter(columns)),
        )
    for row in rows:
        table.add_row(*(format_cell(row.get(key)) for key in columns))
    RESULTS.print(table)


def format_cell(value: Any) -> str:
    """A value as a person reads it; markup in data stays text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(format_cell(item) for item in value)
    return str(value).replace("[", "\\[")
