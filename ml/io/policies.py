"""Routing policies as files of canonical JSON under their digest, and the one that the ledger puts in force.

Belongs here: storing, reading and verifying a policy; which one is certified. Does not belong here: judging one
(ml/jobs/policies), deciding by one (decisions).

A weight means nothing without the predictions that it weighs (docs/adr/0018). A certified policy therefore holds only
beside the very version of order-routing that it was judged with; beside another, that version's own policy holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.core.lifecycle import State
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import BadPolicy, RoutingPolicy, policy_of
from ml.io.promotions import DossierBroken
from ml.io.registry import ArtifactMismatch
from ml.io.stores import ModelStores
from workspace.files import canonical_json, sha256_of_json, write_atomically

POLICY = "routing-policy"
POLICIES_ACTOR = "system:policies"
THRESHOLD = "confidence_threshold"


@dataclass(frozen=True)
class DecisionPolicy:
    """What orders are decided by, and when a decision needs no person.

    Attributes:
        routing: Weights, limits, and what is closed to a region.
        confidence_threshold: Confidence from which on a decision goes out by itself.
        version: In the ledger; empty for what comes with a model.
    """

    routing: RoutingPolicy
    confidence_threshold: float
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `decision_policy_of` reads them."""
        return {**self.routing.to_dict(), THRESHOLD: self.confidence_threshold}


def decision_policy_of(values: Mapping[str, Any], base: DecisionPolicy) -> DecisionPolicy:
    """`base` with what `values` name changed.

    Raises:
        BadPolicy: a key is unknown or a value is out of its range.
    """
    threshold = values.get(THRESHOLD, base.confidence_threshold)
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0.5 <= threshold <= 1:
        raise BadPolicy(f"{THRESHOLD} is a number from 0.5 to 1; got {threshold!r}.")
    rest = {name: value for name, value in values.items() if name != THRESHOLD}
    return DecisionPolicy(policy_of(rest, base.routing), float(threshold))


def store_policy(stores: ModelStores, policy: DecisionPolicy) -> str:
    """Store a policy under its SHA-256; returns it."""
    digest = sha256_of_json(policy.to_dict())
    write_atomically(_file(stores, digest), canonical_json(policy.to_dict()))
    return digest


def read_policy(stores: ModelStores, version: str, digest: str) -> DecisionPolicy:
    """The policy of a version, whose file must have this digest.

    Raises:
        ArtifactMismatch: the file is absent or another.
    """
    path = _file(stores, digest)
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if found is None or sha256_of_json(found) != digest:
        raise ArtifactMismatch(
            f"The file of {POLICY}/{version} must have the digest {digest}; it is absent or another. Restore {path}."
        )
    threshold = float(found.pop(THRESHOLD))
    return DecisionPolicy(policy_of(found, RoutingPolicy(RoutingParameters())), threshold, version)


def stored_digest(stores: ModelStores, version: str) -> str | None:
    """Digest of the file of a version as it lies there now; None if there is none."""
    recorded = stores.promotions.history(POLICY).version(version).evaluated.get("artifact", {}).get("digest")
    path = _file(stores, recorded) if recorded else None
    return sha256_of_json(json.loads(path.read_text(encoding="utf-8"))) if path and path.is_file() else None


def certified_policy(stores: ModelStores, routing_version: str) -> DecisionPolicy | None:
    """The policy in service, if it was judged with this version of order-routing; None if there is none.

    Raises:
        DossierBroken, ArtifactMismatch: the dossier or the file is not what was approved.
    """
    history = stores.promotions.history(POLICY)
    if history.champion is None:
        return None
    known = history.version(history.champion)
    if known.state is not State.CHAMPION or known.dossier is None:
        raise DossierBroken(f"{POLICY}/{history.champion} has no dossier; propose it first.")
    dossier = stores.promotions.dossier(known.dossier)
    if dossier["judged_with"]["version"] != routing_version:
        return None
    return read_policy(stores, history.champion, str(dossier["artifact"]["digest"]))


def _file(stores: ModelStores, digest: str) -> Path:
    return stores.paths.reports / "policies" / f"{digest}.json"
