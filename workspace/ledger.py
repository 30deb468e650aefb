"""The append-only ledger store: events chained by hash, in SQLite (WAL) or any SQLAlchemy database.

Belongs here: appending, reading and verifying events of any stream. Does not belong here: what an event means; the
room that writes a stream (promotions in `ml`, decisions in `decisions`) defines its kinds and payloads.

Each event's hash covers its content and the hash before it, so that an edit, a removal or a swap breaks the chain at a
place that `verify` names. Appending is compare-and-swap on the head: two writers never share a parent.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, UniqueConstraint, create_engine, event, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from workspace.files import canonical_json, sha256_of_json

GENESIS = "0" * 64
APPEND_ATTEMPTS = 200

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
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("previous_hash", name="one_successor_each"),
)  # fmt: skip


class LedgerContended(RuntimeError):
    """Other writers moved the head at every attempt."""


@dataclass(frozen=True)
class Event:
    """One ledger event. `sequence` counts from 1 over all streams; `payload` holds JSON values."""

    sequence: int
    stream: str
    kind: str
    subject: str
    actor: str
    at: str
    reason: str
    payload: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Finding:
    """A place where the chain does not hold, and why."""

    sequence: int
    problem: str


class Ledger:
    """An append-only ledger at a SQLAlchemy URL. Safe to share between processes."""

    def __init__(self, url: str) -> None:
        self._engine = _engine_for(url)
        _metadata.create_all(self._engine)

    def append(
        self, stream: str, kind: str, subject: str, actor: str, reason: str, payload: Mapping[str, Any]
    ) -> Event:
        """Append one event after the present head.

        Raises:
            LedgerContended: the head moved under every one of `APPEND_ATTEMPTS` attempts.
        """
        for attempt in range(APPEND_ATTEMPTS):
            try:
                return self._append_once(stream, kind, subject, actor, reason, payload)
            except (IntegrityError, OperationalError):
                time.sleep(min(0.001 * 2**attempt, 0.1))
        raise LedgerContended(f"The ledger's head moved {APPEND_ATTEMPTS} times while appending to {stream!r}; retry.")

    def _append_once(
        self, stream: str, kind: str, subject: str, actor: str, reason: str, payload: Mapping[str, Any]
    ) -> Event:
        with self._engine.begin() as connection:
            head = connection.execute(
                select(_events.c.sequence, _events.c.hash).order_by(_events.c.sequence.desc()).limit(1)
            ).first()
            content = {
                "sequence": (head.sequence if head else 0) + 1, "stream": stream, "kind": kind, "subject": subject,
                "actor": actor, "at": datetime.now(UTC).isoformat(), "reason": reason,
                "payload": canonical_json(payload), "previous_hash": head.hash if head else GENESIS,
            }  # fmt: skip
            row = {**content, "hash": sha256_of_json(content)}
            connection.execute(_events.insert().values(**row))
        return _event(row)

    def events(self, stream: str | None = None, subject: str | None = None) -> list[Event]:
        """Events in order of time, of one stream or subject if named."""
        query = select(_events).order_by(_events.c.sequence)
        if stream is not None:
            query = query.where(_events.c.stream == stream)
        if subject is not None:
            query = query.where(_events.c.subject == subject)
        with self._engine.connect() as connection:
            return [_event(row._asdict()) for row in connection.execute(query)]

    def verify(self) -> list[Finding]:
        """Every place where an event was changed, removed, added or moved; empty when the chain is whole."""
        return list(self._findings())

    def _findings(self) -> Iterator[Finding]:
        expected_hash, expected_sequence = GENESIS, 1
        with self._engine.connect() as connection:
            for row in connection.execute(select(_events).order_by(_events.c.sequence)):
                content = row._asdict()
                stated = content.pop("hash")
                if row.sequence != expected_sequence:
                    yield Finding(row.sequence, f"expected event {expected_sequence}: events are missing before it")
                if row.previous_hash != expected_hash:
                    yield Finding(row.sequence, "does not follow the event before it")
                if sha256_of_json(content) != stated:
                    yield Finding(row.sequence, "was changed after it was written")
                expected_hash, expected_sequence = stated, row.sequence + 1

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def _event(row: Mapping[str, Any]) -> Event:
    return Event(**{**row, "payload": json.loads(row["payload"])})


def _engine_for(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
                connection.execute(f"pragma {pragma}")

        @event.listens_for(engine, "begin")
        def _take_write_lock(connection: Any) -> None:
            connection.exec_driver_sql("begin immediate")

    return engine
