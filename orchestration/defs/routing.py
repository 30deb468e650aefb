"""Order routing as assets: its model through audit and promotion, and a plan of the open orders with its checks.

Belongs here: the assets and what of a report a person sees. Does not belong here: jobs (ml/jobs, decisions/routing).
"""

import base64
from collections.abc import Iterator

import dagster as dg

from orchestration.defs.publication import SNAPSHOT
from orchestration.lib.model_assets import leased_snapshot, promoted, trained
from orchestration.lib.workspace_resource import WorkspaceResource
from workspace.published import open_current

OWNERS = ["team:fulfilment"]
CHECKS = {
    "no_oversell": "No cell is sold beyond its free stock and no node beyond its capacity, counted from the lines.",
    "no_order_lost": "Orders in = routed + unfilled + excluded.",
    "gap_within_limit": "No plan could be cheaper by more than the limit; a rule's plan proves nothing.",
    "regional_gap_within_limit": "Expected on-time shares of regions lie within the limit of one another.",
    "confidence_certified": "What goes by itself is right as often as claimed, by draws that confidence did not see.",
}
#: Checks that make a plan unusable when they fail; the others warn.
BLOCKING = ("no_oversell", "no_order_lost")


class PlanConfig(dg.Config):
    """How a plan is made.

    Attributes:
        window_hours: Hours after a parcel was given to a node in which it may still move.
        time_limit: Seconds after which the solver gives its best answer so far.
    """

    window_hours: float = 12.0
    time_limit: float = 60.0


@dg.asset(
    deps=[SNAPSHOT, "feat_parcel_delivery"], group_name="routing", kinds={"scikitlearn", "mlflow"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def order_routing_model(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> Iterator[dg.MaterializeResult[None]]:
    """A version of order routing: lateness of candidate nodes, prices of lanes, the policy; not made from too little.

    Grain: one version a state of data, code and settings.
    """
    from ml.core.features import UnusableTable
    from ml.jobs.routing import RoutingTrainJob

    try:
        with leased_snapshot(workspace.settings) as snapshot:
            report = RoutingTrainJob(dagster_run_id=context.run.run_id).run(workspace.settings, snapshot)
    except UnusableTable as error:
        context.log.warning(f"No order-routing model: {error}")
        return
    yield dg.MaterializeResult(metadata=trained(report))


@dg.asset(deps=[order_routing_model], group_name="routing", kinds={"fairlearn", "mlflow"}, owners=OWNERS)
def order_routing_promotion(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """The newest version's regional audit and trial, then the gates, and as far as policy lets it go.

    Grain: one decision a version; the promotion ledger holds it.
    """
    from ml.jobs.audit import AuditJob
    from ml.jobs.catalogue import ORDER_ROUTING
    from ml.jobs.promote import PromoteJob
    from ml.jobs.routing import RoutingTrainJob
    from ml.jobs.trial import TrialJob
    from orchestration.lib.evidence import data_checks

    settings = workspace.settings
    audit = AuditJob(spec=ORDER_ROUTING).run(settings)
    trial = TrialJob(RoutingTrainJob()).run(settings)
    with leased_snapshot(settings) as snapshot:
        report = PromoteJob(spec=ORDER_ROUTING, data_checks=data_checks(settings)).run(settings, snapshot)
    return dg.MaterializeResult(metadata=promoted(report, audit, trial))


@dg.asset(
    deps=[SNAPSHOT, order_routing_promotion], group_name="routing", kinds={"numba", "parquet"}, owners=OWNERS,
    check_specs=[
        dg.AssetCheckSpec(name, asset="routing_plan", description=told, blocking=name in BLOCKING)
        for name, told in CHECKS.items()
    ],
)  # fmt: skip
def routing_plan(workspace: WorkspaceResource, config: PlanConfig) -> Iterator[dg.MaterializeResult[None]]:
    """Node and service of every open order that may still move, from free stock and the champion's predictions.

    Made by the named rule `nearest` where there is no champion, the solver fails or time is short; the metadata says
    so. Grain: one folder of decisions a plan, one row an order and one an order and node.
    """
    from decisions.routing.plan import PlanJob
    from orchestration.lib.reliability import reliability_report

    settings = workspace.settings
    report = PlanJob(config.window_hours, config.time_limit).run(settings, open_current(settings.paths.published))
    figures = report.summary
    trusted = figures["reliability"]
    yield dg.MaterializeResult(
        metadata={
            "status": report.status, "plan": report.plan, "reason": report.reason,
            "folder": dg.MetadataValue.path(str(report.folder)), "shadow": report.shadow or "no challenger",
            "dagster/row_count": figures["orders"],
            **{name: figures[name] for name in ("routed", "unfilled", "excluded", "automatic", "person")},
            **{name: figures[name] for name in ("objective", "lower_bound", "gap", "on_time")
               if figures[name] is not None},
            **({"confidence": dg.MetadataValue.md(reliability_report(trusted))} if trusted else {}),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=name, passed=passed, description=met,
                severity=dg.AssetCheckSeverity.ERROR if name in BLOCKING else dg.AssetCheckSeverity.WARN,
            )
            for name, (passed, met) in report.checks.items()
        ],
    )  # fmt: skip


@dg.asset(deps=[routing_plan], group_name="routing", kinds={"numba", "parquet"}, owners=OWNERS)
def routing_trade_off(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """What a bounded gap of on-time between regions would cost the newest plan, solved once a plan and kept with it.

    Apart from the plan, because a point of the curve takes as long as the plan. Grain: one curve a plan.
    """
    from decisions.routing.kept import newest_plan
    from orchestration.lib.tradeoff import trade_off

    plan = newest_plan(workspace.settings.paths.plans)
    if plan is None:
        raise dg.Failure("There is no plan; materialize routing_plan first.")
    drawn = trade_off(plan.folder)
    return dg.MaterializeResult(
        metadata={
            "plan": plan.folder.name,
            "trade_off": dg.MetadataValue.md(
                f"![Cost of a bounded regional gap](data:image/png;base64,{base64.b64encode(drawn.image).decode()})"
                f"\n\n{drawn.markdown}"
            ),
        }
    )


@dg.asset(deps=[SNAPSHOT, routing_plan], group_name="routing", kinds={"parquet"}, owners=OWNERS)
def routing_outcomes(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """How earlier plans came out: confidence against what lanes did since, by band and region; none while it is early.

    Grain: one table of orders a plan, kept with the plan.
    """
    from decisions.routing.outcomes import judge_plans
    from orchestration.lib.reliability import reliability_report

    settings = workspace.settings
    with leased_snapshot(settings) as snapshot:
        found = judge_plans(settings, snapshot)
    if not found:
        return dg.MaterializeResult(metadata={"judged": 0})
    plan, newest = next(iter(found.items()))
    report = dg.MetadataValue.md(reliability_report(newest.held.as_dict()))
    return dg.MaterializeResult(metadata={"judged": len(found), "plan": plan, "confidence": report})
