"""One order at a time, decided as it comes: by the newest plan's prices, and the stock and capacity that it left.

Belongs here: an order as plain values in, its node and service as plain values out. Does not belong here: the choice
(ml.core.routing.realtime), the plan that is gone on from (`plan`), the pipe and the port that orders come by
(orchestration.cli.route, `endpoint`).

What an answer takes stays taken until the next plan is opened; nothing is written to the company's records.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from decisions.routing.kept import newest_plan
from decisions.routing.live import LiveModel
from decisions.routing.plan import PlanJob
from decisions.routing.store import REASONS, read_products, read_run
from decisions.routing.tables import RoutingInputError
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.ranker import NEWS
from ml.core.routing.realtime import OrderRequest, Router
from ml.core.routing.result import RoutingResult
from workspace.published import Snapshot, open_current
from workspace.settings import Settings

#: Hours to the promise that lateness is worked out for; the last stands for a promise that is not known.
SLACK = np.append(np.arange(-24.0, 241.0), np.nan)
#: Days before the newest order whose news count for a region.
NEWS_DAYS = 3
_NEWS = f"""
select o.region_code, {", ".join(f"avg(f.{name}) as {name}" for name in NEWS)}
from feat_order_delivery f join fct_orders o using (order_id)
where o.approved_at >= (select max(approved_at) from fct_orders) - to_days({NEWS_DAYS}) group by all
"""


class LiveRouter:
    """Answers orders of one plan. Not safe for several threads at once.

    Args:
        problem: The plan's batch: network, lanes, and the stock that it began with.
        result: Its answer.
        product_ids: Identifier of each product of the problem.
        model: Lateness and priorities.
        news: Columns `NEWS` by region code.
        plan: Name of the plan.
        as_of: Its moment.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        result: RoutingResult,
        product_ids: NDArray[np.str_],
        model: LiveModel,
        news: pd.DataFrame,
        plan: str,
        as_of: datetime,
    ) -> None:
        self.problem, self.model, self.news, self.plan, self.as_of = problem, model, news, plan, as_of
        self.router = Router.after(problem, result)
        self.products = {str(name): at for at, name in enumerate(product_ids)}
        self.regions = {name: at for at, name in enumerate(problem.region_names)}
        self._lateness = self._foreseen()

    def route(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Node and service of each line of an order.

        Args:
            order: `region`, `lines` (each `product_id`, `quantity`), and where known `order_id`, `priority`,
                `slack_hours` (hours to the promise).

        Returns:
            `order_id`, `plan`, `status`, `reason`, `reason_text`, `parcels`, `cost`, and `on_time` (null where nothing
            predicts lateness). A faulty order is excluded with its reason; nothing is raised.
        """
        try:
            lines = [(str(line["product_id"]), line["quantity"]) for line in order["lines"]]
            region = str(order["region"])
            slack = float(order.get("slack_hours", "nan"))
            quantities = tuple(int(quantity) if quantity == int(quantity) else 0 for _, quantity in lines)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            return self._answer(order, "excluded", "bad_request", f"it cannot be read: {error!r}")
        at = self.regions.get(region, -1)
        request = OrderRequest(
            at, tuple(self.products.get(product, -1) for product, _ in lines), quantities,
            self._late(at, slack), self.model.priorities.get(str(order.get("priority")), 1.0),
        )  # fmt: skip
        found = self.router.route_one(request)
        places: dict[tuple[int, int], list[str]] = {}
        for (product, _), node, service in zip(lines, found.nodes, found.services, strict=True):
            if node >= 0:
                places.setdefault((node, service), []).append(product)
        parcels = [
            {"warehouse_id": self.problem.name_of("node", node), "service_level": self.problem.name_of("service", by),
             "product_ids": own}
            for (node, by), own in places.items()
        ]  # fmt: skip
        return {
            **self._answer(order, found.status, found.reason, REASONS.get(found.reason, found.reason)),
            "parcels": parcels, "cost": found.cost,
            "on_time": None if self.model.lateness is None else found.on_time,
        }  # fmt: skip

    def _answer(self, order: Mapping[str, Any], status: str, reason: str, text: str) -> dict[str, Any]:
        name = order.get("order_id") if isinstance(order, Mapping) else None
        return {
            "order_id": name, "plan": self.plan, "status": status, "reason": reason, "reason_text": text,
            "parcels": [], "cost": 0.0, "on_time": None,
        }  # fmt: skip

    def _foreseen(self) -> NDArray[np.float32]:
        """P(late) of a parcel given out at the plan's moment, shape (regions, hours to the promise, nodes, services).

        Worked out once, because predicting for one order takes forty times as long as routing it.
        """
        nodes, regions, services = self.problem.shape
        late = np.zeros((regions, len(SLACK), nodes, services), np.float32)
        if self.model.lateness is None or self.problem.distance_km is None:
            return late
        warehouses = np.repeat(np.array(self.problem.node_names), services)
        levels = np.tile(np.array(self.problem.service_names), nodes)
        for at, region in enumerate(self.problem.region_names):
            known = region in self.news.index
            frame = pd.DataFrame(
                {
                    "region_code": region, "warehouse_id": np.tile(warehouses, len(SLACK)),
                    "service_level": np.tile(levels, len(SLACK)),
                    "distance_km": np.tile(np.repeat(self.problem.distance_km[:, at], services), len(SLACK)),
                    "slack_hours": np.repeat(SLACK, nodes * services),
                    "allocated_hour": float(self.as_of.hour), "allocated_weekday": float(self.as_of.isoweekday()),
                    **{name: float(self.news.at[region, name]) if known else np.nan for name in NEWS},
                }
            )  # fmt: skip
            late[at] = self.model.lateness.probabilities(frame).reshape(len(SLACK), nodes, services)
        return late

    def _late(self, region: int, slack: float) -> NDArray[np.float32]:
        """P(late), shape (nodes, services), by the whole hour to the promise."""
        hour = len(SLACK) - 1 if math.isnan(slack) else round(min(max(slack, SLACK[0]), SLACK[-2])) - int(SLACK[0])
        return self._lateness[max(region, 0), hour]


def read_order(text: str | bytes) -> dict[str, Any]:
    """The order of a line of JSON; one without lines where it is no object, so that its answer says so."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def newer_router(settings: Settings, plan: str) -> LiveRouter | None:
    """A router of the newest plan on the published data, None while that is still `plan`."""
    found = newest_plan(settings.paths.plans)
    if found is None or found.folder.name == plan:
        return None
    return open_router(settings, open_current(settings.paths.published))


def open_router(settings: Settings, snapshot: Snapshot) -> LiveRouter:
    """A router that goes on from the newest plan with the champion's predictions.

    Raises:
        RoutingInputError: there is no plan.
        ValueError: the snapshot lacks a table.
    """
    plan = newest_plan(settings.paths.plans)
    if plan is None:
        raise RoutingInputError("There is no plan yet; make one with `oi route plan`.")
    problem, result, _ = read_run(plan.folder)
    with snapshot.connect() as connection:
        news = _news(connection)
    live = PlanJob().ready(settings, snapshot).live
    as_of = datetime.fromisoformat(str(plan.summary["as_of"]))
    return LiveRouter(problem, result, read_products(plan.folder), live, news, plan.folder.name, as_of)


def _news(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute(_NEWS).df().set_index("region_code")
