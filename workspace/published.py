"""Published snapshots: immutable folders of Parquet behind one pointer, so that readers never see half a build.

Belongs here: publishing tables, finding and opening the current snapshot, collecting old ones.
Does not belong here: which tables are published (the caller says).

Layout: `published/<version>/<table>.parquet`, or `published/<version>/<table>/<part>.parquet` for a table that came in
parts; `published/<version>/manifest.json`; and `published/CURRENT`, the only file that ever changes. A table that is
not published anew is carried over from the current snapshot as a hard link.
"""

import fcntl
import json
import os
import shutil
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import duckdb

from workspace.files import sha256_of_file, sha256_of_json, write_atomically
from workspace.locks import Busy, exclusive

POINTER = "CURRENT"
MANIFEST = "manifest.json"
#: Longest wait for another publication, which takes as long as moving files and reading their digests.
WAIT_SECONDS = 60.0


class NothingPublished(RuntimeError):
    """No snapshot has been published for this company yet."""


@dataclass(frozen=True)
class Snapshot:
    """One published state of the marts.

    Attributes:
        folder: Folder that holds a Parquet file, or a folder of parts, a table.
        version: Name of the folder; sorts by time.
        digest: SHA-256 over the digests of all tables; equal content, equal digest.
        published_at: ISO time, UTC.
        tables: Table name → `{"rows": int, "sha256": str}`; with parts, also `"parts"`: file name → the part's own.
        notes: What the publisher wanted readers to know, such as `as_of` and `run_id`.
    """

    folder: Path
    version: str
    digest: str
    published_at: str
    tables: Mapping[str, Mapping[str, Any]]
    notes: Mapping[str, object]

    def connect(self) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB with one view a table. Hold a `lease` where more than one statement is asked.

        What does not fit into memory spills beside the snapshots, not into the folder that the process was started in.
        """
        connection = duckdb.connect(":memory:", config={"temp_directory": str(self.folder.parent / ".spill")})
        for table in self.tables:
            connection.execute(f'create view "{table}" as select * from {parquet_relation(self.path(table))}')
        return connection

    def lease(self) -> "Lease":
        """A claim on the snapshot: collecting passes it over until the lease is closed, forgotten or its process ends.

        Raises:
            FileNotFoundError: the snapshot was collected before; open the current one.
        """
        lease = Lease(self.folder / MANIFEST)
        if not (self.folder / MANIFEST).exists():
            lease.close()
            raise FileNotFoundError(f"Snapshot {self.version} was collected while it was opened. Open the current one.")
        return lease

    def path(self, table: str) -> Path:
        """The Parquet file of `table`, or the folder of its parts."""
        return _place(self.folder, table, "parts" in self.tables.get(table, {}))


def parquet_relation(path: Path) -> str:
    """A Parquet file, or a folder of parts in the order of their names, as a DuckDB table expression."""
    quoted = str(path / "*.parquet" if path.is_dir() else path).replace("'", "''")
    return f"read_parquet('{quoted}')"


def sha256_of_table(path: Path) -> str:
    """Digest of a table's file or parts, as its snapshot states it; empty where there is none."""
    if path.is_dir():
        return sha256_of_json({part.name: sha256_of_file(part) for part in path.glob("*.parquet")})
    return sha256_of_file(path) if path.exists() else ""


class Lease:
    """A shared lock on a snapshot's manifest."""

    def __init__(self, manifest: Path) -> None:
        descriptor = os.open(manifest, os.O_RDONLY)
        self.close = weakref.finalize(self, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def publish(published: Path, tables: Mapping[str, Path], notes: Mapping[str, object], keep: int) -> Snapshot:
    """Publish Parquet files as the next snapshot, in one atomic step.

    Args:
        published: The company's `published` folder.
        tables: Table name → Parquet file or folder of parts, which is moved into the snapshot. A part that is a hard
            link to the current snapshot's part of that name is taken as described there.
        notes: Free facts for readers; JSON values.
        keep: Older snapshots to keep beside the new one.

    Returns:
        The new current snapshot, or the present one if nothing differs in content.

    Raises:
        Busy: another publication did not end in time.
    """
    published.mkdir(parents=True, exist_ok=True)
    with exclusive(published / ".publishing", "publication", WAIT_SECONDS, Busy, "One publication at a time"):
        return _publish(published, tables, notes, keep)


def _publish(published: Path, tables: Mapping[str, Path], notes: Mapping[str, object], keep: int) -> Snapshot:
    previous = find_current(published)
    published_at = datetime.now(UTC)
    version = published_at.strftime("%Y%m%dT%H%M%S%fZ")
    building = published / f".building-{version}-{os.getpid()}"
    building.mkdir()
    entries: dict[str, dict[str, Any]] = {}
    try:
        for table, source in tables.items():
            path = _place(building, table, source.is_dir())
            shutil.move(str(source), path)
            entries[table] = _describe(path, table, previous)
        for table, entry in (previous.tables if previous else {}).items():
            if table not in entries and previous:
                _link(previous.path(table), _place(building, table, "parts" in entry))
                entries[table] = dict(entry)
        digest = sha256_of_json({table: entry["sha256"] for table, entry in entries.items()})
        if previous and previous.digest == digest:
            shutil.rmtree(building)
            return previous
        manifest = {
            "version": version, "digest": digest, "published_at": published_at.isoformat(),
            "tables": dict(sorted(entries.items())), "notes": {**(previous.notes if previous else {}), **notes},
        }  # fmt: skip
        write_atomically(building / MANIFEST, json.dumps(manifest, indent=1))
        building.rename(published / version)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    write_atomically(published / POINTER, version)
    collect(published, keep)
    return read_snapshot(published / version)


def find_current(published: Path) -> Snapshot | None:
    """The current snapshot, or None before the first publication."""
    pointer = published / POINTER
    while pointer.exists():
        version = pointer.read_text(encoding="utf-8").strip()
        try:
            return read_snapshot(published / version)
        except FileNotFoundError:
            # Collected since the pointer was read; a pointer that still names it is broken.
            if pointer.read_text(encoding="utf-8").strip() == version:
                raise
    return None


def open_current(published: Path) -> Snapshot:
    """The current snapshot.

    Raises:
        NothingPublished: there is none; says what to run.
    """
    snapshot = find_current(published)
    if snapshot is None:
        raise NothingPublished(f"Nothing is published in {published}. Run `oi run everything` first.")
    return snapshot


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in `folder`, as its manifest states it."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Snapshot(folder=folder, **manifest)


def collect(published: Path, keep: int) -> list[str]:
    """Remove snapshots beyond `keep` older ones and leftovers of interrupted publications; returns what went.

    A snapshot under lease stays until a later collection. Who reads without one keeps what it has open: the kernel
    frees it when it lets go.
    """
    current = (published / POINTER).read_text(encoding="utf-8").strip()
    versions = sorted(p.name for p in published.iterdir() if p.is_dir() and not p.name.startswith("."))
    older = [version for version in versions if version < current]
    doomed = older[: max(0, len(older) - keep)] + [version for version in versions if version > current]
    gone = [name for name in doomed if _remove_unless_leased(published / name)]
    for left in published.glob(".building-*"):
        shutil.rmtree(left, ignore_errors=True)
        gone.append(left.name)
    return gone


def _remove_unless_leased(folder: Path) -> bool:
    manifest = folder / MANIFEST
    if manifest.exists():
        with manifest.open("r", encoding="utf-8") as claim:
            try:
                fcntl.flock(claim.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            # First the file that leases are taken on: who waits for it now finds it gone.
            manifest.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _place(folder: Path, table: str, in_parts: bool) -> Path:
    return folder / (table if in_parts else f"{table}.parquet")


def _link(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link)
    else:
        os.link(source, target)


def _describe(path: Path, table: str, previous: Snapshot | None) -> dict[str, Any]:
    if not path.is_dir():
        return _describe_file(path)
    described = previous.tables.get(table, {}).get("parts", {}) if previous else {}
    parts = {}
    for part in sorted(path.glob("*.parquet")):
        is_linked = previous and part.name in described and part.samefile(previous.path(table) / part.name)
        parts[part.name] = described[part.name] if is_linked else _describe_file(part)
    digest = sha256_of_json({name: part["sha256"] for name, part in parts.items()})
    return {"rows": sum(part["rows"] for part in parts.values()), "sha256": digest, "parts": parts}


def _describe_file(parquet: Path) -> dict[str, Any]:
    count = duckdb.execute(f"select count(*) from {parquet_relation(parquet)}").fetchone()
    return {"rows": int(count[0]) if count else 0, "sha256": sha256_of_file(parquet)}
