"""Other people's tables under our column names: recognised by the usual names, or mapped by hand.

Belongs here: which column is which. Does not belong here: an entity's own names (its `…_ALIASES`), reading files
(ml/io/match_tables).
"""

import re
from collections.abc import Mapping, Sequence

import polars as pl

RECORD_IDS = ("record_id", "rec_id", "id", "unique_id", "uid", "key", "code", "sku", "product_id", "product_code",
              "item_id", "asin", "customer_id", "customer_code", "warehouse_id", "warehouse_code",
              "subject_id")  # fmt: skip

Aliases = Mapping[str, Sequence[str]]


class UnknownColumn(ValueError):
    """A column map names what the table or the entity does not have, or the ids do not tell records apart."""


def recognised(table: pl.DataFrame, aliases: Aliases, given: Mapping[str, str], name: str = "table") -> pl.DataFrame:
    """The table with `record_id` (text) and those canonical columns that it has.

    Args:
        table: As read.
        aliases: Usual names of each canonical column, most telling first.
        given: Canonical column → the table's own, where a person said so; `record_id` may be one.
        name: What to call the table in an error.

    Raises:
        UnknownColumn: `given` names a column that is not there, or ids are empty or occur twice.
    """
    known = {"record_id": RECORD_IDS, **aliases}
    for canonical, own in given.items():
        if canonical not in known:
            raise UnknownColumn(f"A column is mapped to one of {', '.join(known)}; got {canonical!r}.")
        if own not in table.columns:
            raise UnknownColumn(f"{name} has the columns {', '.join(table.columns)}; --columns names {own!r}.")
    plain = {_plain(column): column for column in reversed(table.columns)}
    chosen = dict(given)
    for canonical, usual in known.items():
        free = [plain[alias] for alias in usual if alias in plain and plain[alias] not in chosen.values()]
        if canonical not in chosen and free:
            chosen[canonical] = free[0]
    found = table.select([pl.col(own).alias(canonical) for canonical, own in chosen.items()])
    if "record_id" not in chosen:
        found = found.with_columns(record_id=pl.int_range(pl.len()))
    found = found.with_columns(pl.col("record_id").cast(pl.String))
    if found["record_id"].null_count() or found["record_id"].n_unique() < found.height:
        raise UnknownColumn(
            f"Each record has an id of its own; {chosen['record_id']!r} of {name} has {found['record_id'].n_unique()} "
            f"values in {found.height} rows. Name another column: --columns record_id=…"
        )
    return found


def _plain(column: str) -> str:
    """A column's name in one spelling: `Product Name` and `productName` → `product_name`."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    return re.sub(r"[^\w]+", "_", parted.lower()).strip("_")
