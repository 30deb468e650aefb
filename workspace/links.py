"""Links of the ledger's chain: what an event's hash covers, and why an event is not to be believed.

Belongs here: the event, its header and hash, the check of one event for itself. Does not belong here: storing events,
the chain as a whole (workspace/ledger).
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from typing import Any

from sqlalchemy.engine import Row

from workspace.grants import Identities, Role
from workspace.keys import are_signed, is_signed

GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """One ledger event. `sequence` counts from 1 over all streams; `payload` holds JSON values.

    Attributes:
        public: Public half of the key that signed it.
        flaw: Why it is not to be believed: changed, or not signed by who may; empty if it is sound.
        is_own: Whether the actor signed it themselves; otherwise the platform attests it.
        roles: Roles that the actor held then; empty for programs.
    """

    sequence: int
    stream: str
    kind: str
    subject: str
    actor: str
    at: str
    reason: str
    payload: Mapping[str, Any]
    public: str
    previous_hash: str
    hash: str
    signature: str
    flaw: str = ""
    is_own: bool = False
    roles: frozenset[Role] = field(default=frozenset())


def header_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an event's hash covers: its header, with the digest of the body in place of the body."""
    body = _sha256([row[name] for name in ("kind", "subject", "actor", "reason", "payload")])
    header = {name: row[name] for name in ("sequence", "stream", "at", "public", "previous_hash")}
    return {**header, "body_sha256": body}


def hash_of(header: Mapping[str, Any]) -> str:
    """The hash of an event: SHA-256 of the JSON list of its header's values."""
    return _sha256([header[name] for name in ("sequence", "stream", "at", "public", "previous_hash", "body_sha256")])


def _sha256(values: Sequence[str | int]) -> str:
    """SHA-256 of `json.dumps(values)`, put together here: setting up an encoder takes longer than what it writes."""
    parts = (encode_basestring_ascii(value) if isinstance(value, str) else str(value) for value in values)
    return hashlib.sha256(f"[{', '.join(parts)}]".encode()).hexdigest()


def with_signatures_checked(
    parts: Iterable[Sequence[Row[Any]]], helpers: Executor | None
) -> Iterator[tuple[list[dict[str, Any]], list[bool]]]:
    """Rows part by part, with whether each is signed by the key that it names; helpers work some parts ahead."""
    ahead: deque[tuple[list[dict[str, Any]], Future[list[bool]]]] = deque()
    for part in parts:
        rows = [dict(zip(row._fields, row, strict=True)) for row in part]  # a third of the time of `_asdict`
        signed = [(row["public"], row["signature"], row["hash"].encode()) for row in rows]
        if helpers is None:
            yield rows, are_signed(signed)
            continue
        ahead.append((rows, helpers.submit(are_signed, signed)))
        while len(ahead) > 2 * (os.cpu_count() or 1):
            first, checked = ahead.popleft()
            yield first, checked.result()
    for first, checked in ahead:
        yield first, checked.result()


def flaw_of(row: Mapping[str, Any], identities: Identities, is_sound: bool) -> str:
    """Why a row is not to be believed for itself; empty if it is. `is_sound`: whether its signature holds."""
    if hash_of(header_of(row)) != row["hash"]:
        return "was changed after it was written"
    if not is_sound:
        return "does not carry the signature of the key that it names"
    return identities.key_problem(row["actor"], row["public"], row["at"])


def event_of(row: Mapping[str, Any], identities: Identities, *, is_sound: bool | None = None) -> Event:
    """A row as an event; its signature is checked unless it is known whether it holds."""
    if is_sound is None:
        is_sound = is_signed(row["public"], row["signature"], row["hash"].encode())
    flaw = flaw_of(row, identities, is_sound)
    is_own = not flaw and row["public"] != identities.service
    roles = identities.roles_at(row["actor"], row["at"])
    return Event(**{**row, "payload": json.loads(row["payload"])}, flaw=flaw, is_own=is_own, roles=roles)
