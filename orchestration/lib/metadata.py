"""Tables a person can read in Dagster's pages and in a terminal.

Belongs here: rendering rows as markdown. Does not belong here: choosing the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg


def markdown_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """A markdown table of `columns`; absent values are empty cells, pipes and line breaks are escaped."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row.get(column)) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def table_metadata(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> dg.MarkdownMetadataValue:
    """The same table as Dagster metadata."""
    return dg.MetadataValue.md(markdown_table(rows, columns))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
