"""A routing policy as a version: registered, judged by replay on past orders, bound into a dossier.

Belongs here: registering, judging, the dossier, giving the replay again. Does not belong here: the replay itself
(ml/jobs/policy_replay), verdicts (ml/core/policy_gates), people's decisions, which are those of models (ml/jobs/desk).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from ml.core.benefits import Benefit, benefits
from ml.core.gates import Gate, Limits, Verdict, overall
from ml.core.lifecycle import State
from ml.core.policy_gates import judge_policy
from ml.core.replayed import Replayed
from ml.io.kept import NotKept, kept_snapshot, require_as_published
from ml.io.policies import (
    POLICIES_ACTOR,
    POLICY,
    DecisionPolicy,
    decision_policy_of,
    read_policy,
    store_policy,
)  # fmt: skip
from ml.io.provenance import code_state
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import ORDER_ROUTING
from ml.jobs.policy_replay import PolicyReplay, load_router, replay_policy
from workspace.files import sha256_of_file, sha256_of_json
from workspace.keys import Signer
from workspace.published import Snapshot, open_current
from workspace.settings import Settings

AFFECTED = "affected.parquet"
LISTED, REPLICATES, SEED = 50, 300, 20261126
TITLE = "Weights, closures and the threshold by which orders are routed"
NOT_RECORDED = {"error": ("not recorded", "no outcome of a decision that was not taken is known")}
EXPECTED = ("cost", "on_time", "automatic", "regional")
#: What an answer to "which orders would be decided otherwise" consists of.
ANSWER = ("order_id", "node_before", "service_before", "node_after", "service_after")


class PolicyNotReplayable(RuntimeError):
    """A policy's replay cannot be given again: it was never judged, or what it was made from is not kept."""


@dataclass(frozen=True)
class JudgedPolicy:
    """What the gates said of a policy, and the dossier that says so."""

    version: str
    gates: Sequence[Gate]
    dossier: str
    affected: int

    @property
    def verdict(self) -> Verdict:
        """Of all gates together."""
        return overall(self.gates)


@dataclass(frozen=True)
class PolicyAnswer(Replayed):
    """A policy's replay beside the same one made again, by the orders decided otherwise; and how many these are."""

    version: str
    dossier: str
    affected: int


def in_force(stores: ModelStores) -> DecisionPolicy:
    """What orders are decided by now: the certified policy, else the one that comes with the model."""
    router = load_router(stores)
    return router.certified or DecisionPolicy(router.policy, stores.settings.confidence_threshold)


def register_policy(settings: Settings, values: Mapping[str, Any], person: Signer, reason: str) -> str:
    """Register what `values` change about the policy in force as the next version; returns it.

    The platform enters it in the ledger and names the person as its author, who must be able to propose it.

    Raises:
        BadPolicy: the values are no policy.
        MoveRefused: the person holds no role that may propose.
    """
    with open_stores(settings) as stores:
        stores.promotions.require_role(POLICY, State.PROPOSED, person)
        policy = decision_policy_of(values, in_force(stores))
        digest = store_policy(stores, policy)
        versions = stores.promotions.history(POLICY).versions
        version = str(max(map(int, versions), default=0) + 1)
        payload = {"artifact": {"digest": digest}, "made_by": person.name, "policy": policy.to_dict()}
        stores.promotions.move(POLICY, version, State.REGISTERED, POLICIES_ACTOR, reason, payload)
    return version


def judge_and_file(settings: Settings, version: str, limits: Limits) -> JudgedPolicy:
    """Replay the past by a registered policy, put it through its gates, file the dossier.

    Raises:
        NothingToReplay: no past order can be decided anew.
        MoveRefused: the version is unknown, or was decided on.
        ArtifactMismatch, DossierBroken: a file is not the one that was registered or approved.
    """
    snapshot = open_current(settings.paths.published)
    with open_stores(settings) as stores:
        registered = _registration(stores, version)
        proposed = read_policy(stores, version, registered["artifact"]["digest"])
        current = in_force(stores)
        replay = replay_policy(settings, current.routing, proposed.routing, snapshot=snapshot)
        found = changes(replay, current, proposed, limits.minimum_region_rows)
        gates = judge_policy(found, len(replay.orders), replay.left_out, replay.model_version, limits)
        folder = stores.report_folder(POLICY, version)
        folder.mkdir(parents=True, exist_ok=True)
        replay.affected.to_parquet(folder / AFFECTED)
        evidence = {AFFECTED: sha256_of_file(folder / AFFECTED)}
        made_from = {"snapshot": snapshot.version, "snapshot_digest": snapshot.digest, **_code()}
        evaluated = {**registered, "kind": "policy", "made_from": made_from, "evidence": evidence, "metrics": {},
                     "origin": replay.until.isoformat()}  # fmt: skip
        stores.promotions.move(POLICY, version, State.EVALUATED, POLICIES_ACTOR, "judged by replay", evaluated)
        dossier = {
            "kind": "policy", "model": POLICY, "version": version, "title": TITLE, **evaluated,
            "policy_before": current.to_dict(), "judged_with": _judged_with(stores, replay.model_version),
            "replay": _told(replay, found), "gates": [gate.as_dict() for gate in gates], "verdict": overall(gates),
            "limits": limits.model_dump(), "comparison": None, "champion_dossier": _champion_dossier(stores),
            "privacy": "Decided from orders, nodes, lanes and stock. No name, address or contact is read.",
        }  # fmt: skip
        return JudgedPolicy(version, gates, stores.promotions.save_dossier(dossier), len(replay.affected))


def changes(replay: PolicyReplay, before: DecisionPolicy, after: DecisionPolicy, fewest: int) -> list[Benefit]:
    """What the proposed policy would have changed, by expected values, paired by order and resampled by day."""
    pairs = replay.orders.copy()
    for side, policy in (("_before", before), ("_after", after)):
        sure = pairs[f"confidence{side}"]
        pairs[f"automatic{side}"] = (sure >= policy.confidence_threshold).astype(float).where(sure.notna())
        pairs[f"regional{side}"] = pairs[f"on_time{side}"]
    basis = {**NOT_RECORDED, **dict.fromkeys(EXPECTED, ("expected", ""))}
    return benefits(pairs, basis, "day", "region_code", fewest, REPLICATES, SEED)


def replay_again(settings: Settings, version: str) -> PolicyAnswer:
    """The replay that a policy was judged by, from the very snapshot, model and policies that its dossier names.

    Raises:
        PolicyNotReplayable: it was never judged, or its snapshot is gone or was changed.
        ArtifactMismatch, DossierBroken: a file is not the one that was recorded.
    """
    with open_stores(settings) as stores:
        signed = stores.promotions.history(POLICY).version(version).dossier
        if signed is None:
            raise PolicyNotReplayable(f"{POLICY}/{version} has no dossier; propose it first.")
        dossier = stores.promotions.dossier(signed)
        proposed = read_policy(stores, version, dossier["artifact"]["digest"])
        before = decision_policy_of(dossier["policy_before"], proposed)
    told = dossier["replay"]
    snapshot = _kept(settings, str(told["snapshot"]))
    again = replay_policy(
        settings, before.routing, proposed.routing, date.fromisoformat(told["since"]),
        date.fromisoformat(told["until"]), snapshot, dossier["judged_with"]["version"],
    )  # fmt: skip
    return PolicyAnswer(
        version, signed, len(again.affected), recorded_hash=told["affected_sha256"],
        replayed_hash=answer_hash(again.affected),
    )  # fmt: skip


def answer_hash(affected: pd.DataFrame) -> str:
    """SHA-256 of which orders are decided otherwise, and how."""
    rows = affected.sort_values("order_id")[list(ANSWER)].astype(str)
    return sha256_of_json(rows.to_dict("records"))


def _kept(settings: Settings, version: str) -> Snapshot:
    try:
        snapshot = kept_snapshot(settings, version)
        require_as_published(snapshot, tuple(snapshot.tables))
    except NotKept as error:
        raise PolicyNotReplayable(str(error)) from error
    return snapshot


def _told(replay: PolicyReplay, found: Sequence[Benefit]) -> dict[str, Any]:
    affected = replay.affected
    listed = [
        {"order_id": str(row.order_id), "region_code": str(row.region_code),
         "before": f"{row.node_before} {row.service_before}", "after": f"{row.node_after} {row.service_after}"}
        for row in affected.head(LISTED).itertuples()
    ]  # fmt: skip
    return {
        "since": replay.since.isoformat(), "until": replay.until.isoformat(), "snapshot": replay.snapshot,
        "orders": len(replay.orders), "left_out": dict(replay.left_out), "affected": len(affected),
        "affected_sha256": answer_hash(affected), "listed": listed,
        "benefits": [benefit.as_dict() for benefit in found],
    }  # fmt: skip


def _registration(stores: ModelStores, version: str) -> dict[str, Any]:
    events = stores.promotions.events(POLICY, version)
    if not events:
        known = ", ".join(sorted(stores.promotions.history(POLICY).versions, key=int)) or "none"
        raise PolicyNotReplayable(f"{POLICY} has no version {version}; there are: {known}.")
    return dict(events[0].payload)


def _judged_with(stores: ModelStores, version: str) -> dict[str, Any]:
    evaluated = stores.promotions.history(ORDER_ROUTING.name).version(version).evaluated if version else {}
    return {"model": ORDER_ROUTING.name, "version": version, "artifact": evaluated.get("artifact", {}).get("digest")}


def _champion_dossier(stores: ModelStores) -> str | None:
    history = stores.promotions.history(POLICY)
    return history.version(history.champion).dossier if history.champion else None


def _code() -> dict[str, Any]:
    state = code_state()
    return {"code_commit": state.commit, "code_is_dirty": state.is_dirty, "lock_sha256": state.lock_sha256}
