"""Keeping a routing run in a folder, so that any choice in it can be explained later.

Belongs here: assignments, unfilled lines, orders and summary as files, and the arrays of problem and result. Does not
belong here: solving, explaining (ml.core.routing).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from decisions.routing.problem import Batch
from decisions.routing.tables import RoutingInputError
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import Fence, LatenessLanes, LatenessTable, RoutingProblem
from ml.core.routing.reasons import UNFILLED
from ml.core.routing.result import PassReport, Prices, RegionReport, RoutingResult
from ml.core.routing.screen import EXCLUDED
from workspace.files import write_atomically

RUN_FILE, SUMMARY = "run.npz", "summary.json"
REASONS = {
    **EXCLUDED,
    **UNFILLED,
    "duplicate_order": "an earlier row of the orders has the same order_id",
    "missing_order_id": "the order has no order_id",
    "not_approved": "the order has not been approved yet",
    "committed": "its parcel is packed, or was given to its node longer ago than the release window",
    "no_node_now": "no node has the units and the capacity at this moment",
    "several_parcels": "it waits in several parcels already; only whole orders are re-assigned",
}


def write_run(
    folder: Path, batch: Batch, result: RoutingResult, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write `assignments`, `unfilled`, `orders` (Parquet), the run itself and, last, `summary.json`; gives the summary.

    Args:
        folder: Made where it is not.
        batch: The problem and its identifiers.
        result: Its answer.
        extra: What the summary says beside the figures of the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = {**summarise(batch, result), **(extra or {})}
    pq.write_table(_assignments(batch, result), folder / "assignments.parquet")
    pq.write_table(_unfilled(batch, result), folder / "unfilled.parquet")
    pq.write_table(_orders(batch, result), folder / "orders.parquet")
    _save(folder / RUN_FILE, batch, result)
    write_atomically(folder / SUMMARY, json.dumps(summary, indent=2, allow_nan=False) + "\n")
    return summary


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a run.

    Raises:
        FileNotFoundError: the folder holds none.
    """
    return dict(json.loads((folder / SUMMARY).read_text(encoding="utf-8")))


def summarise(batch: Batch, result: RoutingResult) -> dict[str, Any]:
    """Numbers of a run; a figure that cannot be worked out is null, never 0. Counts of orders add up to `orders`."""
    timed = batch.lateness_source != "not available"
    regions = result.regions
    by_region = {
        str(name): {
            "orders": int(regions.orders[i]),
            "on_time": float(regions.on_time[i]) if timed else None,
            "on_time_low": float(regions.low[i]) if timed else None,
            "on_time_high": float(regions.high[i]) if timed else None,
        }
        for i, name in enumerate(batch.region_ids)
        if regions.orders[i]
    }
    reasons, counts = np.unique(result.order_reason[result.order_reason != ""], return_counts=True)
    return {
        "objective": result.objective,
        "lower_bound": _known(result.lower_bound),
        "gap": _known(result.gap),
        "seconds": result.seconds["total"],
        "filled": result.count("filled"),
        "split": int((result.order_parcels > 1).sum()),
        "on_time": result.on_time if timed else None,
        "by_region": by_region,
        "status": result.status,
        "orders": len(batch.order_ids),
        "routed": result.count("filled") + result.count("partial"),
        "partial": result.count("partial"),
        "unfilled": result.count("unfilled"),
        "excluded": result.count("excluded"),
        "parcels": int(result.order_parcels.sum()),
        "regional_gap": regions.gap if timed else None,
        "lateness_source": batch.lateness_source,
        "components": result.components,
        "passes": [
            {**asdict(step), "lower_bound": _known(step.lower_bound), "gap": _known(step.gap)} for step in result.passes
        ],
        "reasons": {str(code): int(count) for code, count in zip(reasons, counts, strict=True)},
        "notes": {**batch.notes, **result.notes},
        "seconds_by_stage": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "parameters": asdict(result.parameters),
    }


def _known(value: float) -> float | None:
    """A figure, or None where there is none: a rule proves no bound."""
    return value if math.isfinite(value) else None


def _line_numbers(batch: Batch) -> np.ndarray:
    starts = batch.problem.order_line_start
    return np.arange(batch.problem.lines) - np.repeat(starts[:-1], np.diff(starts)) + 1


def _assignments(batch: Batch, result: RoutingResult) -> pa.Table:
    """One row per routed line; lines of one order with one node travel in one parcel."""
    line = np.flatnonzero(result.line_node >= 0)
    owner = np.searchsorted(batch.problem.order_line_start, line, side="right") - 1
    return pa.table(
        {
            "order_id": batch.order_ids[owner],
            "line_number": _line_numbers(batch)[line],
            "product_id": batch.line_product_id[line],
            "quantity": batch.problem.line_quantity[line],
            "node_id": batch.node_ids[result.line_node[line]],
            "service": batch.service_ids[result.line_service[line]],
            "order_status": result.order_status[owner],
        }
    )


def _unfilled(batch: Batch, result: RoutingResult) -> pa.Table:
    """One row per line that ships from nowhere, and one per excluded order without lines; each with its reason."""
    problem = batch.problem
    line = np.flatnonzero(result.line_node < 0)
    owner = np.searchsorted(problem.order_line_start, line, side="right") - 1
    empty = np.flatnonzero(np.diff(problem.order_line_start) == 0)
    code = np.concatenate((result.line_reason[line], result.order_reason[empty]))
    order = np.concatenate((owner, empty))
    none = [None] * len(empty)
    return pa.table(
        {
            "order_id": batch.order_ids[order],
            "line_number": pa.array([*_line_numbers(batch)[line].tolist(), *none], pa.int64()),
            "product_id": pa.array([*batch.line_product_id[line].tolist(), *none], pa.string()),
            "quantity": pa.array([*batch.line_quantity[line].tolist(), *none], pa.float64(), from_pandas=True),
            "order_status": result.order_status[order],
            "reason": code,
            "reason_text": [REASONS.get(str(item), str(item)) for item in code],
        }
    )


def _orders(batch: Batch, result: RoutingResult) -> pa.Table:
    """One row per row of the orders file."""
    timed = batch.lateness_source != "not available"
    return pa.table(
        {
            "order_id": batch.order_ids,
            "status": result.order_status,
            "reason": result.order_reason,
            "count_parcels": result.order_parcels,
            "cost_amount": result.order_cost,
            "on_time": pa.array(result.order_on_time if timed else [None] * len(batch.order_ids), pa.float64()),
            "is_soft_fence_dropped": result.soft_dropped,
        }
    )


_PLAIN = ("status", "objective", "components", "lower_bound", "notes", "seconds", "cpu_seconds")
_NESTED = ("passes", "prices", "regions", "parameters")


def _save(path: Path, batch: Batch, result: RoutingResult) -> None:
    arrays: dict[str, Any] = {"order_ids": batch.order_ids, "product_ids": batch.product_ids}
    _flatten("problem", batch.problem, arrays)
    for item in fields(result):
        if item.name not in (*_PLAIN, *_NESTED):
            arrays[f"result.{item.name}"] = getattr(result, item.name)
    _flatten("prices", result.prices, arrays)
    _flatten("regions", result.regions, arrays)
    plain = {name: getattr(result, name) for name in _PLAIN}
    plain |= {"parameters": asdict(result.parameters), "passes": [asdict(step) for step in result.passes]}
    plain["fences"] = [(fence.name, fence.over, fence.hard) for fence in batch.problem.fences]
    plain["floor"] = result.regions.floor
    arrays["plain"] = np.array(json.dumps(plain))
    np.savez_compressed(path, **arrays)


def _flatten(prefix: str, thing: Any, arrays: dict[str, Any]) -> None:
    """Put the arrays of a dataclass into `arrays`; absent ones are left out."""
    for item in fields(thing):
        value = getattr(thing, item.name)
        if item.name == "fences":
            arrays |= {f"fence.{number}": fence.blocked for number, fence in enumerate(value)}
        elif is_dataclass(value):
            _flatten(f"{prefix}.{item.name}", value, arrays)
        elif isinstance(value, tuple):
            arrays[f"{prefix}.{item.name}"] = np.array(value, dtype=str)
        elif isinstance(value, np.ndarray):
            arrays[f"{prefix}.{item.name}"] = value


def read_run(folder: Path) -> tuple[RoutingProblem, RoutingResult, np.ndarray]:
    """Problem, result and order ids of a run.

    Raises:
        RoutingInputError: when the folder holds no run.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise RoutingInputError(f"{folder} holds no {RUN_FILE}; name a folder that `oi route solve --out` wrote.")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    plain = json.loads(str(arrays["plain"]))
    problem = _problem(arrays, plain)
    own = {name.removeprefix("result."): value for name, value in arrays.items() if name.startswith("result.")}
    result = RoutingResult(
        **{name: plain[name] for name in _PLAIN},
        **own,
        passes=tuple(PassReport(**step) for step in plain["passes"]),
        prices=Prices(**_part(arrays, "prices.")),
        regions=RegionReport(**_part(arrays, "regions."), floor=plain["floor"]),
        parameters=RoutingParameters(**plain["parameters"]),
    )
    return problem, result, arrays["order_ids"]


def read_products(folder: Path) -> np.ndarray:
    """Identifier of each product of a run's problem.

    Raises:
        RoutingInputError: the run was kept without them.
    """
    with np.load(folder / RUN_FILE, allow_pickle=False) as stored:
        if "product_ids" not in stored.files:
            raise RoutingInputError(f"{folder} was written by an older release; make a new plan with `oi route plan`.")
        return np.asarray(stored["product_ids"])


def _part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _problem(arrays: Mapping[str, Any], plain: Mapping[str, Any]) -> RoutingProblem:
    found = _part(arrays, "problem.")
    table = found.pop("lateness.probability", None)
    lanes = [found.pop(f"lateness.{name}", None) for name in ("lane_logit", "order_logit")]
    names: dict[str, Any] = {
        key: tuple(found.pop(key).tolist()) for key in ("node_names", "region_names", "service_names")
    }
    fences = tuple(
        Fence(name, arrays[f"fence.{number}"], over, hard) for number, (name, over, hard) in enumerate(plain["fences"])
    )
    lateness = LatenessTable(table) if table is not None else LatenessLanes(lanes[0], lanes[1])
    return RoutingProblem(**found, lateness=lateness, fences=fences, **names)
