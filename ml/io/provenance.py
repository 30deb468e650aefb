"""What a model was made by: code commit, uncommitted changes, locked packages, recipe.

Belongs here: facts about the code on disk. Does not belong here: facts about data (ml/io/data).
"""

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workspace.files import sha256_of_file, sha256_of_json

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
#: Modules whose text decides what a trained model is; a change in them means training anew.
RECIPE_MODULES = (
    "core/baselines.py", "core/calibration.py", "core/features.py", "core/risk_model.py", "core/splits.py",
    "core/stationarity.py", "jobs/catalogue.py", "jobs/learning.py",
)  # fmt: skip


@dataclass(frozen=True)
class CodeState:
    """The code on disk.

    Attributes:
        commit: Commit checked out, `unknown` outside a git checkout.
        is_dirty: Whether tracked files differ from it; None if unknown.
        lock_sha256: SHA-256 of `requirements.lock`, empty if it is absent.
    """

    commit: str
    is_dirty: bool | None
    lock_sha256: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def code_state() -> CodeState:
    """The state of the code that is running."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    lock = sha256_of_file(LOCK) if LOCK.exists() else ""
    return CodeState(commit or "unknown", None if changes is None else bool(changes), lock)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def recipe_digest(configuration: Mapping[str, Any]) -> str:
    """SHA-256 of how a model is made: its configuration, the code that makes it, and the locked packages."""
    code = hashlib.sha256()
    for module in RECIPE_MODULES:
        code.update((ROOT / "ml" / module).read_bytes())
    lock = sha256_of_file(LOCK) if LOCK.exists() else ""
    return sha256_of_json({"configuration": dict(configuration), "code": code.hexdigest(), "lock": lock})
