"""The newest link of a ledger, kept in a file beside it: a witness of what the end was.

Belongs here: the file, and the lock at which writers of this machine queue. Does not belong here: when a link may take
another's place (workspace/ledger).
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from workspace.files import canonical_json
from workspace.keys import is_signed

HEAD_BYTES = 512


@dataclass(frozen=True)
class Head:
    """The newest link: enough to tell later that nothing up to it was cut off or replaced."""

    sequence: int
    hash: str
    public: str
    signature: str


class KeptHead:
    """The file that keeps the newest link."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def queue(self) -> Iterator[None]:
        """Let writers of this machine wait for each other in a queue of the kernel's, instead of by retrying."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self) -> Head | None:
        """The kept link; None if there is none. To be called from the queue."""
        try:
            return read_head(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def keep(self, head: Head) -> None:
        """Overwrite the file in place, in one block of the disk and without waiting for it: the ledger is what lasts.

        Losing the power may bring back an older head, which still holds; it can't leave half of one.
        """
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(descriptor, canonical_json(asdict(head)).encode().ljust(HEAD_BYTES), 0)
        finally:
            os.close(descriptor)


def read_head(text: str) -> Head:
    """A head from its JSON; one that is damaged or not signed stands for nothing that the ledger could hold."""
    try:
        head = Head(**json.loads(text))
        is_sound = isinstance(head.sequence, int) and is_signed(head.public, head.signature, head.hash.encode())
    except (ValueError, TypeError, AttributeError):
        is_sound = False
    return head if is_sound else Head(1, "damaged", "", "")
