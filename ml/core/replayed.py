"""An answer given again beside the one on record.

Belongs here: what every replay has and how it is judged. Does not belong here: giving an answer again (ml/jobs/replay,
ml/jobs/policies, decisions/routing/replay).
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """Two answers by their hashes.

    Attributes:
        recorded_hash, replayed_hash: SHA-256 of the canonical JSON of what was recorded, and of what came out now.
    """

    recorded_hash: str
    replayed_hash: str

    @property
    def is_same(self) -> bool:
        """Whether the answer is the very same."""
        return self.recorded_hash == self.replayed_hash
