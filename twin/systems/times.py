"""How systems write a time: local in several styles, in milliseconds, or with an offset.

All take a column of UTC seconds, 0 for never.

Belongs here: expressions over a column of UTC seconds. Does not belong here: when something happened.
"""

import polars as pl

from twin.network import UTC_OFFSET_SECONDS

_LOCAL = UTC_OFFSET_SECONDS


def _styled(column: str, form: str) -> pl.Expr:
    seconds = pl.col(column)
    text = pl.from_epoch(seconds + _LOCAL, time_unit="s").dt.strftime(form)
    return pl.when(seconds > 0).then(text)


def iso(column: str) -> pl.Expr:
    """`2026-10-31 14:05:22`, local."""
    return _styled(column, "%Y-%m-%d %H:%M:%S")


def slashed(column: str) -> pl.Expr:
    """`2026/10/31 14:05:22`, local, as tills print it."""
    return _styled(column, "%Y/%m/%d %H:%M:%S")


def dotted(column: str) -> pl.Expr:
    """`31.10.2026 14:05:22`, local, as the ERP prints it."""
    return _styled(column, "%d.%m.%Y %H:%M:%S")


def offset(column: str) -> pl.Expr:
    """`2026-10-31T14:05:22+08:00`."""
    return _styled(column, "%Y-%m-%dT%H:%M:%S+08:00")


def millis(column: str) -> pl.Expr:
    """Milliseconds since 1970-01-01 UTC."""
    return pl.when(pl.col(column) > 0).then(pl.col(column) * 1000)


def stamp(column: str) -> pl.Expr:
    """A local timestamp without zone, for typed formats."""
    return pl.when(pl.col(column) > 0).then(pl.from_epoch(pl.col(column) + _LOCAL, time_unit="s"))
