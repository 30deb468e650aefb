"""The append-only ledger store: events chained by hash and signed, in SQLite (WAL) or PostgreSQL.

Belongs here: appending, reading and verifying events of any stream. Does not belong here: what an event means; the
room that writes a stream (promotions in `ml`, decisions in `decisions`) defines its kinds and payloads.

An event's hash covers its header: place, stream, time, key, the hash before it, and the digest of its body. An edit, a
removal or a swap therefore breaks the chain at a place that `verify` names, and an excerpt can prove its place in the
chain without showing the bodies of others. The signature is of the hash, by the actor's own key or by the platform's,
which attests what somebody did without signing. Appending is compare-and-swap on the head: of two writers who saw the
same one, the primary key refuses the second, who looks again. The newest link is also kept in a file beside the ledger,
so that cutting off the newest events is noticed; it is replaced only by a link that follows it.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, create_engine, event, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from workspace.files import canonical_json
from workspace.kept_head import Head, KeptHead
from workspace.keys import Signer
from workspace.links import GENESIS, Event, event_of, flaw_of, hash_of, header_of, with_signatures_checked
from workspace.settings import Settings
from workspace.users import Users

APPEND_ATTEMPTS = 200
#: Rows that are read together, and rows from which on their signatures are checked by a process a core.
VERIFY_ROWS, VERIFY_ALONE = 5_000, 10_000
#: PostgreSQL's advisory lock that writers queue at, instead of running into the primary key.
POSTGRES_LOCK = 0x01_1ED6E4

_metadata = MetaData()
_events = Table(
    "ledger_events", _metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("stream", String(64), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("subject", String(256), nullable=False, index=True),
    Column("actor", String(128), nullable=False),
    Column("at", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("public", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)  # fmt: skip


class LedgerContended(RuntimeError):
    """Other writers moved the head at every attempt."""


class LedgerOutdated(RuntimeError):
    """The ledger's table is of a version of this software from before events were signed."""


@dataclass(frozen=True)
class Finding:
    """A place where the chain does not hold, and why."""

    sequence: int
    problem: str


class Ledger:
    """An append-only ledger at a SQLAlchemy URL. Safe to share between processes.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL.
        users: Whose keys sign, and who may sign for whom.
        head: File that keeps the newest link. Writers of this machine queue at a lock beside it.

    Raises:
        LedgerOutdated: there is a ledger without signatures.
    """

    def __init__(self, url: str, users: Users, head: Path) -> None:
        self._engine = _engine_for(url)
        self._users = users
        self._head = KeptHead(head)
        self._service: Signer | None = None
        try:
            with self._engine.connect() as connection:
                connection.execute(select(_events.c.public).limit(0))
        except (OperationalError, ProgrammingError):
            self._create()

    def append(
        self, stream: str, kind: str, subject: str, actor: str | Signer, reason: str, payload: Mapping[str, Any]
    ) -> Event:
        """Append one event after the present head, signed by the actor, or attested for a plain name.

        Raises:
            LedgerContended: the head moved under every one of `APPEND_ATTEMPTS` attempts.
        """
        signer = actor if isinstance(actor, Signer) else self._platform().acting_as(actor)
        body = {"kind": kind, "subject": subject, "reason": reason, "payload": canonical_json(payload)}
        for attempt in range(APPEND_ATTEMPTS):
            with self._head.queue():
                try:
                    row, is_following = self._append_once(stream, signer, body)
                    if is_following:
                        self._head.keep(Head(row["sequence"], row["hash"], row["public"], row["signature"]))
                    return event_of(row, self._users.identities(), is_sound=True)
                except IntegrityError:
                    pass
                except OperationalError as error:
                    if "locked" not in str(error):
                        raise
            time.sleep(min(0.001 * 2**attempt, 0.05))
        raise LedgerContended(f"The ledger's head moved {APPEND_ATTEMPTS} times while appending to {stream!r}; retry.")

    def _append_once(self, stream: str, signer: Signer, body: Mapping[str, str]) -> tuple[dict[str, Any], bool]:
        with self._engine.connect().execution_options(is_writer=True) as connection, connection.begin():
            last = connection.execute(
                select(_events.c.sequence, _events.c.hash).order_by(_events.c.sequence.desc()).limit(1)
            ).first()
            row = {
                **body, "sequence": (last.sequence if last else 0) + 1, "stream": stream, "actor": signer.name,
                "at": datetime.now(UTC).isoformat(), "public": signer.public,
                "previous_hash": last.hash if last else GENESIS,
            }  # fmt: skip
            row["hash"] = hash_of(header_of(row))
            row["signature"] = signer.sign(str(row["hash"]).encode())
            is_following = self._follows_kept_head(connection, last.sequence if last else 0)
            connection.execute(_events.insert().values(**row))
        return row, is_following

    def events(self, stream: str | None = None, subject: str | None = None) -> list[Event]:
        """Events in order of time, of one stream or subject if named, each checked for itself."""
        query = select(_events).order_by(_events.c.sequence)
        if stream is not None:
            query = query.where(_events.c.stream == stream)
        if subject is not None:
            query = query.where(_events.c.subject == subject)
        identities = self._users.identities()
        with self._engine.connect() as connection:
            return [event_of(row._asdict(), identities) for row in connection.execute(query)]

    def links(self, first: int = 1) -> list[dict[str, Any]]:
        """Headers from an event to the newest, with hash and signature: what proves an excerpt, without bodies."""
        query = select(_events).where(_events.c.sequence >= first).order_by(_events.c.sequence)
        with self._engine.connect() as connection:
            rows = [row._asdict() for row in connection.execute(query)]
        return [{**header_of(row), "hash": row["hash"], "signature": row["signature"]} for row in rows]

    def newest(self) -> Head | None:
        """The newest link by the ledger itself; None while it is empty."""
        columns = (_events.c.sequence, _events.c.hash, _events.c.public, _events.c.signature)
        with self._engine.connect() as connection:
            row = connection.execute(select(*columns).order_by(_events.c.sequence.desc()).limit(1)).first()
        return Head(*row) if row else None

    def verify(self, known: Head | None = None) -> list[Finding]:
        """Every place where an event was changed, removed, added, moved or signed by another; empty when all is whole.

        Args:
            known: A head noted earlier, outside; the one kept beside the ledger is always held against it.
        """
        with self._head.queue():
            kept = self._head.read()
        heads = [head for head in (kept, known) if head is not None]
        findings = list(self._findings({head.sequence: head for head in heads}))
        newest = self.newest()
        last = newest.sequence if newest else 0
        for head in heads:
            if head.sequence > last:
                findings.append(Finding(last + 1, f"events up to {head.sequence} were there; the newest are cut off"))
        if newest is not None and kept is None:
            findings.append(Finding(1, f"the head kept beside the ledger ({self._head.path.name}) is gone"))
        return findings

    def _findings(self, heads: Mapping[int, Head]) -> Iterator[Finding]:
        expected_hash, expected_sequence = GENESIS, 1
        identities = self._users.identities()
        with self._engine.connect() as connection, self._helpers() as helpers:
            found = connection.execution_options(yield_per=VERIFY_ROWS).execute(
                select(_events).order_by(_events.c.sequence)
            )
            for rows, signed in with_signatures_checked(found.partitions(VERIFY_ROWS), helpers):
                for row, is_sound in zip(rows, signed, strict=True):
                    sequence = row["sequence"]
                    if sequence != expected_sequence:
                        yield Finding(sequence, f"expected event {expected_sequence}: events are missing before it")
                    if row["previous_hash"] != expected_hash:
                        yield Finding(sequence, "does not follow the event before it")
                    if sequence in heads and heads[sequence].hash != row["hash"]:
                        yield Finding(sequence, "is not the event that was the newest when its head was kept")
                    flaw = flaw_of(row, identities, is_sound)
                    if flaw:
                        yield Finding(sequence, flaw)
                    expected_hash, expected_sequence = row["hash"], sequence + 1

    @contextmanager
    def _helpers(self) -> Iterator[Executor | None]:
        """Processes that check signatures; none for a short ledger, which is verified before they have started."""
        newest = self.newest()
        if newest is None or newest.sequence < VERIFY_ALONE:
            yield None
            return
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as helpers:
            yield helpers

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def _create(self) -> None:
        with self._head.queue():
            _metadata.create_all(self._engine)
            try:
                with self._engine.connect() as connection:
                    connection.execute(select(_events.c.public).limit(0))
            except (OperationalError, ProgrammingError) as error:
                raise LedgerOutdated(
                    f"The ledger at {self._engine.url!r} was written before events were signed. Keep a copy of it, "
                    f"then remove it: versions are registered and judged anew by `oi run everything`."
                ) from error

    def _platform(self) -> Signer:
        self._service = self._service or self._users.service()
        return self._service

    def accept_head(self) -> Head | None:
        """Take the newest link as it is, after somebody found out why the one kept before did not hold."""
        newest = self.newest()
        if newest is not None:
            with self._head.queue():
                self._head.keep(newest)
        return newest

    def _follows_kept_head(self, connection: Connection, last: int) -> bool:
        """Whether the kept head is still part of the ledger: one that is not stays, to bear witness."""
        kept = self._head.read()
        if kept is None or last == 0:
            return kept is None and last == 0
        found = connection.execute(select(_events.c.hash).where(_events.c.sequence == kept.sequence)).scalar()
        return found == kept.hash


def open_ledger(settings: Settings, users: Users | None = None) -> Ledger:
    """The ledger of the company that `settings` work on."""
    paths = settings.paths
    return Ledger(paths.ledger_url(settings), users or Users(settings.home), paths.ledger_head)


def _engine_for(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
                connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        is_writer = connection.get_execution_options().get("is_writer", False)
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("begin immediate" if is_writer else "begin")
        elif is_writer:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({POSTGRES_LOCK})")

    return engine
