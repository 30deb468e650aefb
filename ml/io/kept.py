"""Snapshots that are still kept: what a version learned from or a prediction was made from, verified before it is read.

Belongs here: finding a kept snapshot by its version, and its table by its digest. Does not belong here: keeping and
removing snapshots (workspace/published).
"""

from ml.io.data import TableSource, published_table
from workspace.published import Snapshot, read_snapshot, sha256_of_table
from workspace.settings import Settings


class NotKept(RuntimeError):
    """A snapshot is gone, or its files are not those that were published."""


def kept_snapshot(settings: Settings, version: str) -> Snapshot:
    """The snapshot of this version.

    Raises:
        NotKept: it is not kept any more.
    """
    published = settings.paths.published
    kept = {path.name: path for path in published.iterdir() if path.is_dir()} if published.is_dir() else {}
    if version not in kept:
        raise NotKept(
            f"Snapshot {version} is not kept any more, so that its rows cannot be read; {len(kept)} are. Restore it "
            f"from a copy, and raise OI_KEEP_SNAPSHOTS (now {settings.keep_snapshots}) to keep more."
        )
    return read_snapshot(kept[version])


def require_as_published(snapshot: Snapshot, tables: tuple[str, ...]) -> None:
    """Compare the files of tables with what was published; a table that the snapshot lacks is none of its files.

    Raises:
        NotKept: a file was changed.
    """
    for table in tables:
        stated = snapshot.tables.get(table, {}).get("sha256")
        found = sha256_of_table(snapshot.path(table)) if stated else None
        if found != stated:
            raise NotKept(
                f"{table} of snapshot {snapshot.version} must have SHA-256 {stated}, as published; it has {found}. "
                f"Restore the snapshot from a copy."
            )


def kept_table(settings: Settings, version: str, table: str, view: str = "") -> TableSource:
    """A table of a kept snapshot, or a view over it, after its file was verified.

    Raises:
        NotKept: the snapshot is gone, or the table's file was changed.
        UnusableTable: the snapshot lacks the table.
    """
    snapshot = kept_snapshot(settings, version)
    require_as_published(snapshot, (table,))
    return published_table(snapshot, table, view)
