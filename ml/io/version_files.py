"""The evidence files of a version, read back against the digests that the ledger holds.

Belongs here: reading a version's evidence and the summary of its audit. Does not belong here: making either (ml/jobs),
the reports themselves (ml/io/audit_reports).
"""

import json
from pathlib import Path
from typing import Any

from ml.io.registry import digest_of_text
from ml.io.stores import ModelStores

FAIRNESS = "fairness.json"
#: Folder of all audit reports, below the company's reports.
AUDITS = "audits"


class NothingToAudit(RuntimeError):
    """There is no evaluated version, or its predictions are not those that were recorded."""


def read_evidence(stores: ModelStores, model: str, version: str, name: str) -> bytes:
    """One evidence file of a version, verified against the digest in the ledger.

    Raises:
        NothingToAudit: it is absent or changed.
    """
    found = stores.promotions.history(model).version(version)
    path = stores.report_folder(model, version) / name
    if found.state is None or "evidence" not in found.evaluated:
        raise NothingToAudit(f"{model}/{version} is not evaluated (state {found.state}). Train it first.")
    content = path.read_bytes() if path.is_file() else b""
    if digest_of_text(content) != found.evaluated["evidence"].get(name):
        raise NothingToAudit(
            f"{path} is absent or is not the file whose digest the ledger holds. Restore it from the MLflow run "
            f"{found.evaluated['run_id']}, or train anew."
        )
    return content


def read_fairness(folder: Path) -> dict[str, Any] | None:
    """The audit summary of a version's report folder; None if it was never audited."""
    path = folder / FAIRNESS
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
