"""The routing plan: one decision for every open order, made by the champion, kept with what explains it.

Belongs here: the job, its fallback and its checks. Does not belong here: what is open and free (`live`), files of a run
(`store`), when it runs (orchestration).
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decisions.routing.beside import write_pairs
from decisions.routing.decided import write_decisions
from decisions.routing.live import live_batch, moment_of
from decisions.routing.problem import Batch
from decisions.routing.ready import Ready, ranker_of, ready_with, ready_without_model, under
from decisions.routing.store import SUMMARY, read_summary, write_run
from ml.core.routing.confidence import Uncertainty, right_in_draws
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.reliability import Reliability, reliability
from ml.core.routing.result import RoutingResult
from ml.core.routing.rules import routed_by_rule
from ml.core.routing.solve import solve_batch
from ml.io.champion import NoChampion, load_champion
from ml.io.policies import DecisionPolicy, certified_policy
from ml.io.registry import LoadedModel
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import ORDER_ROUTING
from ml.jobs.routing import POLICY
from ml.jobs.score import score_in_shadow
from workspace.files import sha256_of_json
from workspace.published import Snapshot
from workspace.settings import Settings

#: The rule that takes over; named in every report of a plan that it made.
FALLBACK = "nearest"
#: Draws that confidence is the mean over; as many more judge it.
DRAWS = 200


@dataclass(frozen=True)
class PlanLimits:
    """What a plan is held to.

    Attributes:
        gap: Largest share by which a better plan could be cheaper.
        regional_gap: Largest distance between the expected on-time shares of regions.
        regional_orders: Fewest orders at which a region's share is judged.
        tolerance: Regret that still counts as right, as a share of an order's money.
    """

    gap: float = 0.02
    regional_gap: float = 0.35
    regional_orders: int = 10
    tolerance: float = 0.05


@dataclass(frozen=True)
class PlanReport:
    """What a plan came to.

    Attributes:
        status: `planned`, `fallback` (by the rule, `reason` says why), `reused` (same data, model and settings).
        plan: Name of the plan; sorts by moment.
        folder: Where it lies.
        reason: One sentence.
        summary: Figures, as `summary.json`.
        checks: Check → passed and what it met.
        shadow: What the challenger planned beside it, one sentence; empty if there is none.
    """

    status: str
    plan: str
    folder: Path
    reason: str
    summary: Mapping[str, Any]
    checks: Mapping[str, tuple[bool, str]]
    shadow: str = ""


@dataclass(frozen=True)
class PlanJob:
    """Plan the open orders of a published snapshot.

    Attributes:
        window_hours: Release window: hours after a parcel was given to a node in which it may still move.
        time_limit: Seconds after which the solver gives its best answer so far.
        limits: What the plan is held to.
        changes: Fields of `RoutingParameters` that differ from the champion's policy.
    """

    window_hours: float = 12.0
    time_limit: float = 60.0
    limits: PlanLimits = field(default_factory=PlanLimits)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def run(self, settings: Settings, snapshot: Snapshot) -> PlanReport:
        """Plan, keep and check; every order with an open line is routed, unfilled or excluded with its reason.

        Raises:
            ValueError: the snapshot lacks a table, a moment, or prices to learn from.
            ArtifactMismatch, DossierBroken: the champion's files are not those that were approved.
        """
        ready = self.ready(settings, snapshot)
        recipe = {"snapshot": snapshot.digest, "version": ready.version, "window": self.window_hours,
                  "limits": asdict(self.limits), "parameters": asdict(ready.parameters),
                  "policy": ready.policy.to_dict()}  # fmt: skip
        plan = f"{moment_of(snapshot):%Y%m%dT%H%M%S}-{sha256_of_json(recipe)[:8]}"
        folder = settings.paths.plans / plan
        if (folder / SUMMARY).is_file():
            report = read_plan(folder, status="reused")
        else:
            reason = self.make(snapshot, ready, folder, plan)
            report = read_plan(folder, status="fallback" if reason else "planned")
        if report.summary["reason"]:
            return report
        return replace(report, shadow=self._beside(settings, snapshot, folder, ready.version))

    def _beside(self, settings: Settings, snapshot: Snapshot, plan: Path, champion: str) -> str:
        """Let the challenger plan the same orders in a place that nothing reads but its gates and its benefits."""
        shadows = settings.paths.shadow / ORDER_ROUTING.name
        with open_stores(settings) as stores:

            def planned(challenger: LoadedModel) -> str:
                pairs = shadows / f"{plan.name}-{challenger.version}.parquet"
                if pairs.is_file():
                    return f"Version {challenger.version} has planned these very orders; nothing was added."
                ready = ready_with(challenger, policy_of(stores, challenger, settings), self._own)
                folder = shadows / plan.name / challenger.version
                reason = self.make(snapshot, ready, folder, plan.name)
                write_pairs(plan, folder, snapshot, (champion, challenger.version), pairs)
                return reason or f"Version {challenger.version} planned the same orders."

            return score_in_shadow(stores, ORDER_ROUTING.name, planned)

    def make(self, snapshot: Snapshot, ready: Ready, folder: Path, plan: str) -> str:
        """Plan into a folder; gives why a rule decided, "" where the model did."""
        batch, reason = under(ready, live_batch(snapshot, ready.live, self.window_hours))
        result, reason = self._decide(batch, ready, reason)
        threshold = ready.policy.confidence_threshold
        sure, trusted = np.full(batch.problem.orders, np.nan), None
        if ready.uncertainty is not None:
            sure, trusted = self._assured(batch, result, ready.uncertainty, threshold)
        checks = {**self._checks(batch, result), "confidence_certified": _certified(trusted)}
        extra = {
            "plan": plan, "model": ORDER_ROUTING.name, "model_version": ready.version, "snapshot": snapshot.version,
            "policy_version": ready.policy.version, "policy_sha256": sha256_of_json(ready.policy.to_dict()),
            "as_of": moment_of(snapshot).isoformat(), "window_hours": self.window_hours,
            "rule": FALLBACK if reason else None, "reason": reason,
            "confidence_threshold": threshold, "tolerance": self.limits.tolerance,
            "checks": {name: {"passed": passed, "met": met} for name, (passed, met) in checks.items()},
        }  # fmt: skip
        extra["reliability"] = None if trusted is None else trusted.as_dict()
        extra |= write_decisions(folder, plan, batch, result, sure, threshold, by_rule=bool(reason))
        write_run(folder, batch, result, extra)
        return reason

    def ready(self, settings: Settings, snapshot: Snapshot) -> Ready:
        """The champion and the policy in service, or prices alone where there is no champion."""
        with open_stores(settings) as stores:
            try:
                champion = load_champion(stores, ORDER_ROUTING.name)
            except NoChampion as error:
                policy = DecisionPolicy(RoutingPolicy(RoutingParameters(**POLICY)), settings.confidence_threshold)
                return ready_without_model(snapshot, policy, self._own, str(error))
            policy = policy_of(stores, champion, settings)
        return ready_with(champion, policy, self._own)

    @property
    def _own(self) -> dict[str, Any]:
        """Fields of `RoutingParameters` that are the run's, not the policy's."""
        return {"time_limit": self.time_limit, **self.changes}

    def _decide(self, batch: Batch, ready: Ready, reason: str) -> tuple[RoutingResult, str]:
        """The solver's answer; the rule's, with the reason, where there already is one, it fails, or time is short."""
        if reason:
            return routed_by_rule(batch.problem, ready.parameters, FALLBACK), reason
        begin = time.perf_counter()
        try:
            result = solve_batch(batch.problem, ready.parameters)
        except Exception as error:  # orders must go out: the plan names the error, and its gap check fails
            rule = routed_by_rule(batch.problem, ready.parameters, FALLBACK)
            return rule, f"The solver failed with {type(error).__name__}: {error}"
        if result.status == "time_limit" and result.gap > self.limits.gap:
            rule = routed_by_rule(batch.problem, ready.parameters, FALLBACK)
            if rule.objective <= result.objective:
                spent = time.perf_counter() - begin
                return rule, f"After {spent:.0f} s the solver's answer was {result.gap:.1%} above its bound."
        return result, ""

    def _assured(
        self, batch: Batch, result: RoutingResult, uncertainty: Uncertainty, threshold: float
    ) -> tuple[NDArray[np.float64], Reliability]:
        """Confidence from one half of the draws, and how it held in the other."""
        right = right_in_draws(batch.problem, result, uncertainty, self.limits.tolerance, 2 * DRAWS)
        sure = np.where(result.order_parcels > 0, right[:, :DRAWS].mean(axis=1), np.nan)
        chosen = np.flatnonzero(result.order_parcels > 0)
        region = batch.region_ids[batch.problem.order_region[chosen]]
        return sure, reliability(sure[chosen], right[chosen, DRAWS:], region, threshold)

    def _checks(self, batch: Batch, result: RoutingResult) -> dict[str, tuple[bool, str]]:
        oversold, overloaded = oversells(batch, result)
        regions = result.regions
        judged = regions.orders >= self.limits.regional_orders
        spread = float(np.ptp(regions.on_time[judged])) if judged.sum() > 1 else 0.0
        lost = batch.problem.orders - sum(map(result.count, ("filled", "partial", "unfilled", "excluded")))
        proven, timed = np.isfinite(result.gap), batch.lateness_source != "not available"
        return {
            "no_oversell": (
                not oversold and not overloaded,
                f"{oversold} cells sold beyond their stock, {overloaded} nodes beyond their capacity",
            ),
            "no_order_lost": (lost == 0, f"{lost} of {batch.problem.orders} orders without an answer"),
            "gap_within_limit": (
                bool(proven and result.gap <= self.limits.gap),
                f"gap {result.gap:.2%}, limit {self.limits.gap:.2%}" if proven else "a rule proves no gap",
            ),
            "regional_gap_within_limit": (
                timed and spread <= self.limits.regional_gap,
                f"{spread:.1%} between {int(judged.sum())} regions of at least {self.limits.regional_orders} orders, "
                f"limit {self.limits.regional_gap:.1%}" if timed else "nothing predicts lateness",
            ),
        }  # fmt: skip


def policy_of(stores: ModelStores, model: LoadedModel, settings: Settings) -> DecisionPolicy:
    """The policy that was certified with a version, else the one that it brought along."""
    return certified_policy(stores, model.version) or DecisionPolicy(
        RoutingPolicy(ranker_of(model).parameters), settings.confidence_threshold
    )


def _certified(trusted: Reliability | None) -> tuple[bool, str]:
    if trusted is None:
        return False, "nothing states a confidence"
    if not trusted.certain:
        return True, f"no decision reaches {trusted.threshold:.0%}; all go to a person"
    return trusted.is_certified, (
        f"of {trusted.certain} decisions at {trusted.threshold:.0%} or more, {trusted.certain_right:.1%} are right in "
        f"draws that confidence did not see, and at least {trusted.certain_low:.1%} in 19 of 20"
    )


def oversells(batch: Batch, result: RoutingResult) -> tuple[int, int]:
    """Cells sold beyond their stock and nodes beyond their capacity, counted from lines alone."""
    problem = batch.problem
    nodes = problem.shape[0]
    shipped = np.flatnonzero(result.line_node >= 0)
    node = result.line_node[shipped].astype(np.int64)
    owner = np.repeat(np.arange(len(problem.product_weight_kg), dtype=np.int64), np.diff(problem.product_cell_start))
    stock: NDArray[np.int64] = np.zeros(len(problem.product_weight_kg) * nodes, np.int64)
    stock[owner * nodes + problem.cell_node] = problem.available()
    np.subtract.at(stock, problem.line_product[shipped] * nodes + node, problem.line_quantity[shipped])
    order = np.searchsorted(problem.order_line_start, shipped, side="right") - 1
    parcels = np.unique(order * nodes + node)
    load = np.bincount(parcels % nodes, minlength=nodes)
    return int((stock < 0).sum()), int((load > np.maximum(problem.node_capacity, 0)).sum())


def read_plan(folder: Path, status: str = "reused") -> PlanReport:
    """A kept plan.

    Raises:
        FileNotFoundError: the folder holds none.
    """
    summary = read_summary(folder)
    reason = str(summary["reason"])
    said = f"Planned {summary['orders']:,} orders as of {summary['as_of']} by "
    said += f"the rule {summary['rule']}: {reason}" if reason else f"version {summary['model_version']}."
    checks = {name: (bool(check["passed"]), str(check["met"])) for name, check in summary["checks"].items()}
    return PlanReport(status, folder.name, folder, said, summary, checks)
