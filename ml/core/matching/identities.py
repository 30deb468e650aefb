"""Golden ids that stay: who keeps which id when clusters grow, merge and fall apart, and where an old id leads.

Belongs here: pure rules over tables of records and ids. Does not belong here: the clusters (clusters), keeping the
history (ml/io/matching).

A cluster's own id names its founder, the record that landed first. A cluster keeps the id that its records had before:
that of its founder if one of them is, else the one most records had. An id that loses all its records is merged into
the ids that took them; one whose records went to several clusters was split. Both are events.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

#: Between the parts of a record's key in the text whose digest is its id; as in dbt's macro `record_id`.
SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Change:
    """A golden id that was merged into another or split.

    Attributes:
        kind: `merged` or `split`.
        golden_id: The id that lost records.
        into: Ids that hold its records now, most records first; a split id that still stands is among them.
    """

    kind: str
    golden_id: str
    into: tuple[str, ...]


class UnknownId(KeyError):
    """Nothing ever had this golden id."""

    def __str__(self) -> str:
        """The message as written; KeyError would quote it."""
        return str(self.args[0])


def own_id(prefix: str, source_system: str, code: str) -> str:
    """Id that a record founds: a prefix that names the entity, then a digest of its key."""
    return f"{prefix}_{hashlib.md5((source_system + SEPARATOR + code).encode(), usedforsecurity=False).hexdigest()}"


def assign(records: pl.DataFrame, previous: pl.DataFrame) -> tuple[pl.DataFrame, list[Change]]:
    """Golden id of each record, and what changed.

    Args:
        records: One row a record: `record_id`, `own_id`, `cluster` (any label), `first_landed_at`.
        previous: `record_id`, `golden_id` as assigned before; records that are gone may be among them.

    Returns:
        `record_id`, `golden_id` in the order of `records`; and the merges and splits.
    """
    ordered = records.sort("first_landed_at", "record_id", nulls_last=True)
    founders = ordered.group_by("cluster", maintain_order=True).agg(pl.col("own_id").first().alias("proposed_id"))
    held = records.join(previous, on="record_id", how="inner")
    claims = (
        held.group_by("cluster", "golden_id")
        .agg(pl.len().alias("count"), (pl.col("own_id") == pl.col("golden_id")).any().alias("has_founder"))
        .join(founders, on="cluster")
        .with_columns(is_own=pl.col("golden_id") == pl.col("proposed_id"))
    )
    heirs = claims.sort("has_founder", "count", "cluster", descending=[True, True, False]).unique(
        "golden_id", keep="first", maintain_order=True
    )
    kept = heirs.sort("is_own", "count", "golden_id", descending=[True, True, False]).unique(
        "cluster", keep="first", maintain_order=True
    )
    named = founders.join(kept.select("cluster", "golden_id"), on="cluster", how="left")
    taken = set(kept["golden_id"])
    fresh = [_free(proposed, taken) for proposed in named.filter(pl.col("golden_id").is_null())["proposed_id"]]
    named = pl.concat([
        named.filter(pl.col("golden_id").is_not_null()).select("cluster", "golden_id"),
        named.filter(pl.col("golden_id").is_null()).select("cluster", pl.Series("golden_id", fresh, dtype=pl.String)),
    ])  # fmt: skip
    assigned = records.select("record_id", "cluster").join(named, on="cluster", how="left", maintain_order="left")
    result = assigned.select("record_id", "golden_id")
    return result, _changes(held.select("record_id", "golden_id"), result)


def _free(proposed: str, taken: set[str]) -> str:
    """The proposed id, or one derived from it where another cluster holds it."""
    name = proposed
    while name in taken:
        name = name[:2] + hashlib.md5((name + SEPARATOR + "split").encode(), usedforsecurity=False).hexdigest()
    taken.add(name)
    return name


def _changes(before: pl.DataFrame, after: pl.DataFrame) -> list[Change]:
    moved = before.join(after, on="record_id", suffix="_now").group_by("golden_id", "golden_id_now").len()
    touched = moved.filter(pl.col("golden_id") != pl.col("golden_id_now"))["golden_id"].unique()
    if not touched.len():
        return []
    lists = (
        moved.filter(pl.col("golden_id").is_in(touched.implode()))
        .sort("len", "golden_id_now", descending=[True, False])
        .group_by("golden_id", maintain_order=True)
        .agg(pl.col("golden_id_now"))
        .sort("golden_id")
    )
    return [Change("merged" if len(into) == 1 else "split", golden, tuple(into)) for golden, into in lists.iter_rows()]


def resolve(golden_id: str, is_current: Callable[[str], bool], history: Iterable[Mapping[str, object]]) -> list[str]:
    """The current ids that an id leads to, itself if it stands.

    Args:
        golden_id: An id of any age.
        is_current: Whether records have an id now.
        history: All merges and splits so far, oldest first: `golden_id`, `into`.

    Raises:
        UnknownId: nothing ever had it.
    """
    if is_current(golden_id):
        return [golden_id]
    newest: dict[str, tuple[str, ...]] = {str(e["golden_id"]): tuple(e["into"]) for e in history}  # type: ignore[arg-type]
    if golden_id not in newest:
        raise UnknownId(
            f"No record has or ever had the golden id {golden_id!r}. Golden ids are c_…, p_… or w_… and 32 hex digits."
        )
    found: dict[str, None] = {}
    seen, open_ids = {golden_id}, list(newest[golden_id])
    while open_ids:
        one = open_ids.pop(0)
        if is_current(one):
            found[one] = None
        elif one in newest and one not in seen:
            seen.add(one)
            open_ids += newest[one]
    return list(found)
