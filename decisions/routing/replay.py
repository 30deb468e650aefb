"""Giving a decision of a kept plan again: the same orders, stock, model and policy, and whether the same comes out.

Belongs here: rebuilding a plan in a scratch folder, comparing one order's decision. Does not belong here: planning
(`plan`), predictions and policies (ml/jobs/replay, ml/jobs/policies).
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decisions.routing.kept import Plan, newest_plan
from decisions.routing.plan import PlanJob, PlanLimits
from decisions.routing.ready import Ready, ready_with, ready_without_model
from decisions.routing.store import SUMMARY, read_summary
from ml.core.replayed import Replayed
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import RoutingPolicy
from ml.io.champion import signed_digest
from ml.io.kept import NotKept, kept_snapshot, require_as_published
from ml.io.policies import POLICY, DecisionPolicy, read_policy
from ml.io.registry import load
from ml.io.stores import open_stores
from ml.jobs.catalogue import ORDER_ROUTING
from workspace.files import sha256_of_json
from workspace.published import Snapshot
from workspace.settings import Settings


class DecisionNotReplayable(RuntimeError):
    """A decision cannot be given again: there is none, or what it was made from is not kept."""


@dataclass(frozen=True)
class DecisionReplay(Replayed):
    """A decision beside the same one made again.

    Attributes:
        id: `ORDER@PLAN`.
        model_version: Of order-routing; empty where a rule decided.
        policy_version: Of routing-policy; empty where the model's own policy held.
        dossier: SHA-256 of the model version's dossier; empty where a rule decided.
        snapshot: Version of the data, whose files were verified.
        recorded, replayed: The decision, and each node as the order saw it.
    """

    id: str
    model_version: str
    policy_version: str
    dossier: str
    snapshot: str
    recorded: Mapping[str, Any]
    replayed: Mapping[str, Any]


def replay_decision(settings: Settings, decision: str) -> DecisionReplay:
    """Make the plan of a decision again and compare; writes nothing that lasts.

    Args:
        settings: The company's.
        decision: `ORDER`, for the newest plan, or `ORDER@PLAN`.

    Raises:
        DecisionNotReplayable: there is no such decision, its snapshot is gone or changed, or the solver had failed.
        ArtifactMismatch, DossierBroken: files of the model or the policy are not those that were approved.
    """
    order, _, name = decision.partition("@")
    plan = _plan(settings, name)
    recorded = _answer(plan, order)
    told = plan.summary
    snapshot = _snapshot(settings, str(told["snapshot"]))
    ready, dossier = ready_as_kept(settings, snapshot, told)
    job = PlanJob(float(told["window_hours"]), limits=PlanLimits(tolerance=float(told["tolerance"])))
    with tempfile.TemporaryDirectory() as scratch, snapshot.lease():
        reason = job.make(snapshot, ready, Path(scratch), plan.folder.name)
        if reason != told["reason"]:
            raise DecisionNotReplayable(
                f"Plan {plan.folder.name} says {told['reason'] or 'that the model decided'}; made again, "
                f"{reason or 'the model decides'}. What stopped a solver once is not kept."
            )
        replayed = _answer(Plan(Path(scratch), read_summary(Path(scratch))), order)
    return DecisionReplay(
        f"{order}@{plan.folder.name}", ready.version, ready.policy.version, dossier, snapshot.version, recorded,
        replayed, recorded_hash=sha256_of_json(recorded), replayed_hash=sha256_of_json(replayed),
    )  # fmt: skip


def _plan(settings: Settings, name: str) -> Plan:
    if not name:
        newest = newest_plan(settings.paths.plans)
        if newest is None:
            raise DecisionNotReplayable("There is no plan yet; `oi run plan_routing` makes one.")
        return newest
    kept = {path.parent.name: path.parent for path in settings.paths.plans.glob(f"*/{SUMMARY}")}
    if name not in kept:
        raise DecisionNotReplayable(f"There is no plan {name[:80]!r} among the {len(kept)} in {settings.paths.plans}.")
    return Plan(kept[name], read_summary(kept[name]))


def _answer(plan: Plan, order: str) -> dict[str, Any]:
    """The decision on an order and what each node was to it, as JSON values."""
    found = plan.decision(order)
    if found is None:
        raise DecisionNotReplayable(f"Plan {plan.folder.name} has no decision on order {order[:80]!r}.")
    return {"decision": _plain(found), "nodes": _plain(plan.nodes(order))}


def _plain(value: Any) -> Any:
    """JSON values; a number that is none is null."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value


def _snapshot(settings: Settings, version: str) -> Snapshot:
    try:
        snapshot = kept_snapshot(settings, version)
        require_as_published(snapshot, tuple(snapshot.tables))
    except NotKept as error:
        raise DecisionNotReplayable(str(error)) from error
    return snapshot


def ready_as_kept(settings: Settings, snapshot: Snapshot, told: Mapping[str, Any]) -> tuple[Ready, str]:
    """The model and the policy that a plan's summary names, verified, and the model's dossier."""
    own = told["parameters"]
    with open_stores(settings) as stores:
        policy = DecisionPolicy(RoutingPolicy(RoutingParameters(**own)), float(told["confidence_threshold"]))
        if number := str(told["policy_version"]):
            policy = read_policy(stores, number, signed_digest(stores, POLICY, number))
        version = str(told["model_version"])
        if not version:
            return ready_without_model(snapshot, policy, own, str(told["reason"])), ""
        model = load(stores, ORDER_ROUTING.name, version, signed_digest(stores, ORDER_ROUTING.name, version))
        dossier = stores.promotions.history(ORDER_ROUTING.name).version(version).dossier or ""
    return ready_with(model, policy, own), dossier
