"""Replays of proposed policies, kept beside the audits: JSON named by the digest of what it says.

Belongs here: keeping and finding them. Does not belong here: making them (ml/jobs/policy_audit), showing them
(ml/core/fairness/report).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.core.fairness.policies import PolicyComparison
from ml.core.fairness.results import digest_of
from workspace.files import write_atomically

REPLAYS = "policy_replays"


def keep_replay(reports: Path, comparison: PolicyComparison, snapshot: str) -> Path:
    """Keep a replay with the version of the data that was published when it was made; the same again changes nothing.

    Args:
        reports: The company's folder of reports.
        comparison: The replay, judged.
        snapshot: Version of the published data, "" where none are.
    """
    record = {**comparison.to_dict(), "snapshot": snapshot}
    path = reports / REPLAYS / f"{digest_of(record)}.json"
    if not path.exists():
        write_atomically(path, json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n")
    return path


def kept_replays(reports: Path, snapshot: str) -> list[Mapping[str, Any]]:
    """Replays that were made while this snapshot was the published one, by digest; one that was edited is left out."""
    found = []
    for path in sorted((reports / REPLAYS).glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["snapshot"] == snapshot and digest_of(record) == path.stem:
            found.append(record)
    return found
