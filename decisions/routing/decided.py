"""Decisions of a plan as tables: one row an order, one row an order and node, so that anybody can ask them with SQL.

Belongs here: `decisions.parquet` and `nodes.parquet` of a plan. Does not belong here: working out an explanation
(ml.core.routing.explain), the arrays of a run (`store`).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from decisions.routing.kept import DECISIONS, NODES
from decisions.routing.problem import Batch
from decisions.routing.store import REASONS
from ml.core.routing.evaluate import evaluate
from ml.core.routing.explain import explain
from ml.core.routing.explanation import Explanation
from ml.core.routing.result import RoutingResult

#: Orders explained in full; any other order's explanation is worked out from the run when it is asked for.
MOST_EXPLAINED = 5_000
_NODE_COLUMNS = {
    "order_id": pa.string(), "warehouse_id": pa.string(), "rank": pa.int64(), "verdict": pa.string(),
    "reasons": pa.string(), "fences": pa.string(), "stock": pa.string(), "service_level": pa.string(),
    "distance_km": pa.float64(), "late_probability": pa.float64(), "components": pa.string(),
    "total_amount": pa.float64(), "priced_total_amount": pa.float64(),
}  # fmt: skip


def write_decisions(
    folder: Path,
    plan: str,
    batch: Batch,
    result: RoutingResult,
    sure: NDArray[np.float64],
    threshold: float,
    *,
    by_rule: bool,
) -> dict[str, Any]:
    """Write both tables; gives how many decisions go by themselves and how many to a person.

    A decision is `automatic` at a confidence of at least `threshold`, else for a `person`; `none` where nothing ships.
    A rule's decision carries no confidence and is for a person.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shipped = result.order_parcels > 0
    certain = shipped & (np.nan_to_num(sure, nan=0.0) >= threshold)
    handling = np.where(shipped, np.where(certain & (not by_rule), "automatic", "person"), "none")
    explained = _worth_explaining(shipped, sure, result)
    told = [explain(batch.problem, result, int(order)) for order in explained]
    pq.write_table(_decisions(plan, batch, result, sure, handling, explained, told), folder / DECISIONS)
    pq.write_table(_nodes(batch, told), folder / NODES)
    return {
        "automatic": int((handling == "automatic").sum()), "person": int((handling == "person").sum()),
        "confidence": _by_region(batch, sure, threshold), "explained": len(explained),
    }  # fmt: skip


def _worth_explaining(
    shipped: NDArray[np.bool_], sure: NDArray[np.float64], result: RoutingResult
) -> NDArray[np.int64]:
    """Positions of orders, in order; the least certain first where there are too many."""
    open_orders = np.flatnonzero(result.order_status != "excluded")
    doubt = np.where(shipped, np.nan_to_num(sure, nan=0.0), 1.0)[open_orders]
    return np.sort(open_orders[np.argsort(doubt, kind="stable")][:MOST_EXPLAINED])


def _decisions(
    plan: str,
    batch: Batch,
    result: RoutingResult,
    sure: NDArray[np.float64],
    handling: NDArray[np.str_],
    explained: NDArray[np.int64],
    told: list[Explanation],
) -> pa.Table:
    """One row an order, excluded ones too."""
    problem = batch.problem
    counted = result.order_status != "excluded"
    valued = evaluate(problem, result.parameters, counted, result.line_node, result.line_service)
    why: dict[int, Explanation] = dict(zip(explained.tolist(), told, strict=True))
    timed = batch.lateness_source != "not available"
    region = [batch.region_ids[at] if at >= 0 else None for at in problem.order_region]
    owner = np.repeat(np.arange(problem.orders), np.diff(problem.order_line_start))
    places: list[dict[str, str]] = [{} for _ in range(problem.orders)]
    for line in np.flatnonzero(result.line_node >= 0):
        node = str(batch.node_ids[result.line_node[line]])
        places[owner[line]][node] = str(batch.service_ids[result.line_service[line]])
    return pa.table(
        {
            "plan": [plan] * problem.orders,
            "order_id": batch.order_ids,
            "region_code": pa.array(region, pa.string()),
            "status": result.order_status,
            "reason": result.order_reason,
            "reason_text": [REASONS.get(str(code), str(code)) for code in result.order_reason],
            "warehouse_ids": pa.array([list(place) for place in places], pa.list_(pa.string())),
            "service_levels": pa.array([list(place.values()) for place in places], pa.list_(pa.string())),
            "count_parcels": result.order_parcels,
            "cost_amount": result.order_cost,
            "shipping_amount": valued.order_shipping,
            "on_time": pa.array(result.order_on_time if timed else [None] * problem.orders, pa.float64()),
            "confidence": pa.array(sure, pa.float64(), from_pandas=True),
            "handling": handling,
            "why_split": [why[at].why_split if at in why else "" for at in range(problem.orders)],
            "why_farther": [why[at].why_farther if at in why else "" for at in range(problem.orders)],
            "flips": [json.dumps(flips_of(why[at])) if at in why else "[]" for at in range(problem.orders)],
        }
    )


def flips_of(told: Explanation) -> list[dict[str, Any]]:
    """The smallest changes that would flip a choice, nearest first."""
    return [
        {"warehouse_id": f.name, "what": f.what.removesuffix(f" from {f.name}"), "now": f.now, "then": f.then}
        for f in told.flips[:3]
    ]


def _nodes(batch: Batch, told: list[Explanation]) -> pa.Table:
    """One row an explained order and node."""
    rows: dict[str, list[Any]] = {name: [] for name in _NODE_COLUMNS}
    for answer in told:
        for node in answer.nodes:
            stock = [
                {"product_id": str(batch.product_ids[seen.product]) if seen.product >= 0 else None,
                 "requested": seen.requested, "on_hand": seen.on_hand, "reserved": seen.reserved,
                 "available": seen.available, "left_after_batch": seen.left_after_batch}
                for seen in node.stock
            ]  # fmt: skip
            parts = [{"name": part.name, "raw": part.raw, "weighted": part.weighted, "unit": part.unit}
                     for part in node.components]  # fmt: skip
            fences = [{"name": name, "kind": kind, "passed": passed} for name, kind, passed in node.fences]
            values = (
                str(batch.order_ids[answer.order]), node.name, node.rank or None, node.verdict,
                json.dumps(node.reasons), json.dumps(fences), json.dumps(stock), node.service_name or None,
                node.distance_km, node.late_probability, json.dumps(parts), node.total, node.priced_total,
            )  # fmt: skip
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
    return pa.table({name: pa.array(rows[name], kind, from_pandas=True) for name, kind in _NODE_COLUMNS.items()})


def _by_region(batch: Batch, sure: NDArray[np.float64], threshold: float) -> dict[str, dict[str, float]]:
    """Recommendations, mean confidence and share that goes by itself, by region."""
    found = {}
    for at, name in enumerate(batch.region_ids):
        own = sure[(batch.problem.order_region == at) & np.isfinite(sure)]
        if len(own):
            found[str(name)] = {
                "orders": len(own), "mean": float(own.mean()), "automatic": float((own >= threshold).mean()),
            }  # fmt: skip
    return found
