"""How a plan's decisions came out: confidence against what lanes did since, and what was said against what happened.

Belongs here: parcels since a plan, its decisions judged by them, the table that is kept. Does not belong here: errors
of lanes (ml.core.routing.outcomes), confidence by draws alone (`plan`), showing it (dashboards, orchestration).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from decisions.routing.kept import DECISIONS, HELD, NODES, OUTCOMES, Plan, kept_plans
from decisions.routing.live import LiveModel, moment_of
from decisions.routing.replay import ready_as_kept
from decisions.routing.store import read_run
from ml.core.routing.confidence import right_under
from ml.core.routing.outcomes import LaneErrors, lane_errors
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.ranker import NEWS
from ml.core.routing.reliability import Reliability, reliability
from workspace.files import write_atomically
from workspace.published import Snapshot
from workspace.settings import Settings

#: Days after a plan whose parcels judge it, and parcels below which nothing is judged.
DAYS, FEWEST_PARCELS = 14, 200
#: Plans judged by one run, the newest first.
MOST_PLANS = 24
#: Draws of what a lane's parcels leave open.
DRAWS = 200
_PARCELS = f"""
select f.order_id, f.warehouse_id, f.region_code, f.service_level, f.distance_km, f.slack_hours, f.allocated_hour,
    f.allocated_weekday, {", ".join(f"f.{name}" for name in NEWS)}, f.is_late, s.weight_kg,
    cast(s.cost_amount as double) as cost_amount
from feat_parcel_delivery f join fct_shipments s using (shipment_id)
where f.allocated_at >= $since and f.allocated_at < $until and f.is_late is not null order by f.shipment_id
"""


@dataclass(frozen=True)
class Followed:
    """Orders of a region that shipped as decided: what was said of them, and what happened. Money a parcel."""

    name: str
    orders: int
    on_time_said: float
    on_time: float
    price_said: float
    price: float


@dataclass(frozen=True)
class Outcomes:
    """How a plan came out.

    Attributes:
        until: Moment of the data that it was judged by.
        parcels: Parcels since the plan whose end is known.
        lanes: Lanes that they went by.
        held: Confidence against the share of what is still open of the lanes' errors in which the choice is right.
        followed: By region, the whole plan first.
    """

    until: datetime
    parcels: int
    lanes: int
    held: Reliability
    followed: tuple[Followed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "until": self.until.isoformat(), "parcels": self.parcels, "lanes": self.lanes, "days": DAYS,
            "held": self.held.as_dict(), "followed": [asdict(group) for group in self.followed],
        }  # fmt: skip


def judge_plans(settings: Settings, snapshot: Snapshot) -> dict[str, Outcomes]:
    """Judge the newest plans that a model made and that are not judged for good yet; plan → how it came out.

    A plan is judged anew by each newer snapshot until its days are over; one that nothing could judge in twice its days
    is left alone.

    Raises:
        ArtifactMismatch, DossierBroken: files of a plan's model are not those that were approved.
    """
    found: dict[str, Outcomes] = {}
    now = moment_of(snapshot)
    for plan in kept_plans(settings.paths.plans):
        told = plan.summary
        made = datetime.fromisoformat(str(told["as_of"]))
        judged = plan.outcomes()
        until = datetime.fromisoformat(judged["until"]) if judged else None
        is_done = until is not None and until >= min(now, made + timedelta(days=DAYS))
        is_past = now > made + timedelta(days=2 * DAYS)
        if made >= now or is_done or is_past or told["reason"] or not told["model_version"]:
            continue
        came_out = judge_plan(plan, snapshot, ready_as_kept(settings, snapshot, told)[0].live)
        if came_out is not None:
            found[plan.folder.name] = came_out
        if len(found) == MOST_PLANS:
            break
    return found


def judge_plan(plan: Plan, snapshot: Snapshot, model: LiveModel) -> Outcomes | None:
    """Judge a plan by the parcels since, and keep `outcomes.parquet` (a row an order) and `outcomes.json` beside it.

    Args:
        plan: A plan that a model made.
        snapshot: Newer data.
        model: The version that made the plan; its predictions are what the parcels are held against.

    Returns:
        None while too few parcels have come to their end, or where no choice carries a confidence.
    """
    since = datetime.fromisoformat(str(plan.summary["as_of"]))
    problem, result, order_ids = read_run(plan.folder)
    with snapshot.connect() as connection:
        parcels = connection.execute(_PARCELS, {"since": since, "until": since + timedelta(days=DAYS)}).df()
    parcels = _on_lanes(parcels, problem)
    said = plan.confidences()
    chosen = np.flatnonzero([order in said for order in order_ids.tolist()])
    if model.lateness is None or len(parcels) < FEWEST_PARCELS or not len(chosen):
        return None
    errors = _errors(parcels, problem, model)
    right = right_under(problem, result, *errors.drawn(DRAWS, result.parameters.seed), float(plan.summary["tolerance"]))
    confidence = np.array([said[order] for order in order_ids[chosen].tolist()])
    region = np.array(problem.region_names)[problem.order_region[chosen]]
    threshold = float(plan.summary["confidence_threshold"])
    held = reliability(confidence, right[chosen], region, threshold)
    table = pd.DataFrame(
        {"order_id": order_ids[chosen], "confidence": confidence, "right_share": right[chosen].mean(axis=1)}
    )
    orders = _orders(plan, table, parcels)
    orders.to_parquet(plan.folder / OUTCOMES, index=False)
    found = Outcomes(moment_of(snapshot), len(parcels), int((errors.seen > 0).sum()), held, _followed(orders))
    write_atomically(plan.folder / HELD, json.dumps(found.as_dict()) + "\n")
    return found


def _on_lanes(parcels: pd.DataFrame, problem: RoutingProblem) -> pd.DataFrame:
    """Those of known lanes, with the lane's position."""
    place = [
        pd.Index(list(names)).get_indexer(parcels[column])
        for names, column in ((problem.node_names, "warehouse_id"), (problem.region_names, "region_code"),
                              (problem.service_names, "service_level"))
    ]  # fmt: skip
    known = np.all([at >= 0 for at in place], axis=0)
    lane = np.ravel_multi_index([at[known] for at in place], problem.shape) if known.any() else np.zeros(0, np.int64)
    return parcels[known].assign(lane=lane)


def _errors(parcels: pd.DataFrame, problem: RoutingProblem, model: LiveModel) -> LaneErrors:
    assert model.lateness is not None
    lane = parcels["lane"].to_numpy(np.int64)
    price = problem.ship_fixed.ravel()[lane] + problem.ship_per_kg.ravel()[lane] * parcels["weight_kg"].to_numpy(float)
    paid = parcels["cost_amount"].to_numpy(float) / np.where(price > 0, price, np.nan)
    foreseen = np.asarray(model.lateness.probabilities(parcels), np.float64)
    return lane_errors(problem.shape, lane, parcels["is_late"].to_numpy(float), foreseen, paid)


def _orders(plan: Plan, table: pd.DataFrame, parcels: pd.DataFrame) -> pd.DataFrame:
    """One row an order with a confidence; what happened where its one parcel went as decided, else null."""
    with duckdb.connect() as connection:
        connection.register("judged", table)
        connection.register("parcels", parcels)
        return connection.execute(
            """
            with sent as (
                select *, count(*) over (partition by order_id) as parcels_of_order from parcels
            )
            select d.order_id, d.region_code, d.handling, j.confidence, j.right_share,
                sent.order_id is not null as is_followed, d.on_time as on_time_said, not sent.is_late as was_on_time,
                n.price_said, sent.cost_amount as price
            from judged j join read_parquet($decisions) d using (order_id)
            left join sent on sent.order_id = d.order_id and sent.parcels_of_order = 1 and d.count_parcels = 1
                and sent.warehouse_id = d.warehouse_ids[1] and sent.service_level = d.service_levels[1]
            left join (
                select order_id, cast(json_extract(components, '$[0].raw') as double) as price_said
                from read_parquet($nodes) where verdict = 'chosen'
                qualify count(*) over (partition by order_id) = 1
            ) n on n.order_id = d.order_id
            order by d.order_id
            """,
            {"decisions": str(plan.folder / DECISIONS), "nodes": str(plan.folder / NODES)},
        ).df()


def _followed(orders: pd.DataFrame) -> tuple[Followed, ...]:
    went = orders[orders["is_followed"]]
    if went.empty:
        return ()
    groups = [("", went), *went.groupby("region_code")]
    return tuple(
        Followed(
            str(name), len(own), float(own["on_time_said"].mean()), float(own["was_on_time"].astype(float).mean()),
            float(own["price_said"].mean()), float(own["price"].mean()),
        )
        for name, own in groups
    )  # fmt: skip
