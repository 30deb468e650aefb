"""Joining the tables of a routing run into a problem, with every fault named and no order lost.

Belongs here: identifiers to positions, faults of single rows, the assumption on lateness when no probabilities are
given. Does not belong here: reading files (`decisions.routing.tables`), solving (ml.core.routing).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decisions.routing.tables import RoutingInputError, Table, read_table
from ml.core.routing.problem import UNLIMITED, Fence, LatenessLanes, LatenessTable, RoutingProblem, stock_csr

#: Days by which delivery times scatter around the planned days, when lateness is worked out from days alone.
SCATTER_DAYS = 0.7
#: Larger whole numbers are input errors, not stock.
MOST_UNITS = 2**40


@dataclass(frozen=True)
class Batch:
    """A problem and the identifiers of its positions. `lateness_source` says where P(late) came from.

    `line_row` (L,) is the row of the lines file; `notes` counts rows that no order could take.
    """

    problem: RoutingProblem
    order_ids: NDArray[np.str_]
    product_ids: NDArray[np.str_]
    node_ids: NDArray[np.str_]
    region_ids: NDArray[np.str_]
    service_ids: NDArray[np.str_]
    line_row: NDArray[np.int64]
    line_product_id: NDArray[np.str_]
    line_quantity: NDArray[np.float64]
    lateness_source: str
    notes: dict[str, int]


@dataclass(frozen=True)
class BatchFiles:
    """Where the tables of a run lie."""

    orders: Path
    lines: Path
    stock: Path
    rates: Path
    nodes: Path | None = None
    late: Path | None = None
    products: Path | None = None


def read_batch(files: BatchFiles) -> Batch:
    """Read all files of a run and join them.

    Raises:
        RoutingInputError: when a file cannot be read as its table; never for a faulty row.
    """
    given = {name: path for name, path in vars(files).items() if path is not None}
    return join_tables({name: read_table(name, path) for name, path in given.items()})


def join_tables(tables: dict[str, Table]) -> Batch:
    """Join the tables of a run, by the names of `tables.FILES`.

    Raises:
        RoutingInputError: when rates or stock name no node, region or service at all; never for a faulty row.
    """
    return _Join(tables).batch()


class _Index:
    """Identifiers in ascending order and the position of each; −1 for one that is not known or missing."""

    def __init__(self, *sources: NDArray[np.str_]) -> None:
        known = np.unique(np.concatenate([np.asarray(source, str) for source in sources] or [np.zeros(0, str)]))
        self.ids = known[known != ""]

    def of(self, values: NDArray[np.str_]) -> NDArray[np.int64]:
        if not len(self.ids):
            return np.full(len(values), -1, np.int64)
        at = np.minimum(np.searchsorted(self.ids, values), len(self.ids) - 1)
        return np.where(self.ids[at] == values, at, -1).astype(np.int64)


class _Join:
    def __init__(self, tables: dict[str, Table]) -> None:
        self.t = tables
        rates, stock = tables["rates"], tables["stock"]
        nodes = tables.get("nodes")
        if not rates.given & {"node_id", "origin_region"}:
            raise RoutingInputError("rates: needs a column node_id, or origin_region together with --nodes.")
        by_region = "node_id" not in rates.given
        if by_region and (nodes is None or "region" not in nodes.given):
            raise RoutingInputError("rates: are by origin_region; give --nodes with the region of each node.")
        self.node = _Index(stock["node_id"], rates["node_id"], *([nodes["node_id"]] if nodes else []))
        self.region = _Index(rates["region"])
        self.service = _Index(rates["service"])
        extra = [tables["products"]["product_id"]] if "products" in tables else []
        self.product = _Index(stock["product_id"], *extra)
        self.by_region = by_region
        self.notes: dict[str, int] = {}
        if not len(self.node.ids) or not len(self.service.ids) or not len(self.region.ids):
            raise RoutingInputError("rates and stock: name no node, region or service at all; nothing could ship.")

    def batch(self) -> Batch:
        """All arrays of the problem."""
        orders, lines = self.t["orders"], self.t["lines"]
        excluded = self._duplicates(orders["order_id"])
        row, start = self._lines(orders, excluded)
        product = self.product.of(lines["product_id"][row])
        quantity = _whole(lines["quantity"][row])
        fixed, per_kg, days = self._rates()
        start_cell, cell_node, on_hand, reserved, scarcity, relief = self._stock()
        capacity, fences = self._nodes()
        region = self.region.of(orders["region"])
        lateness, source = self._lateness(orders, region, days)
        unfilled = lines["unfilled_cost"][row] if "unfilled_cost" in lines.given else None
        problem = RoutingProblem(
            order_region=region.astype(np.int32),
            order_priority=orders["priority"],
            order_line_start=start,
            line_product=product.astype(np.int32),
            line_quantity=quantity,
            product_weight_kg=self._weights(),
            product_cell_start=start_cell,
            cell_node=cell_node,
            cell_on_hand=on_hand,
            node_capacity=capacity,
            ship_fixed=fixed,
            ship_per_kg=per_kg,
            lateness=lateness,
            cell_reserved=reserved,
            fences=fences,
            cell_scarcity=scarcity,
            cell_relief=relief,
            line_unfilled_cost=unfilled,
            order_excluded=excluded,
            node_names=tuple(self.node.ids.tolist()),
            region_names=tuple(self.region.ids.tolist()),
            service_names=tuple(self.service.ids.tolist()),
        )
        return Batch(
            problem, orders["order_id"], self.product.ids, self.node.ids, self.region.ids, self.service.ids, row,
            lines["product_id"][row], lines["quantity"][row], source, {k: v for k, v in self.notes.items() if v},
        )  # fmt: skip

    def _duplicates(self, ids: NDArray[np.str_]) -> NDArray[np.str_]:
        reason = np.full(len(ids), "", dtype="<U32")
        _, first = np.unique(ids, return_index=True)
        repeated = np.ones(len(ids), bool)
        repeated[first] = False
        reason[repeated] = "duplicate_order"
        reason[ids == ""] = "missing_order_id"
        return reason

    def _lines(self, orders: Table, excluded: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """File row of each line, by order, and the bounds of each order; lines of no order are counted and left out."""
        lines = self.t["lines"]
        usable = np.flatnonzero(excluded == "")
        index = _Index(orders["order_id"][usable])
        at = index.of(lines["order_id"])
        position = usable[np.argsort(orders["order_id"][usable], kind="stable")]
        owner = np.where(at >= 0, position[np.maximum(at, 0)] if len(position) else -1, -1)
        self.notes["lines_without_order"] = int((owner < 0).sum())
        row = np.flatnonzero(owner >= 0)
        row = row[np.argsort(owner[row], kind="stable")]
        start = np.searchsorted(owner[row], np.arange(orders.rows + 1)).astype(np.int64)
        return row, start

    def _weights(self) -> NDArray[np.float64]:
        """Weight of a unit of each product: from the products, else the heaviest among its lines, else 0."""
        weight = np.zeros(len(self.product.ids))
        lines = self.t["lines"]
        if "weight_kg" in lines.given:
            at = self.product.of(lines["product_id"])
            known = (at >= 0) & ~np.isnan(lines["weight_kg"])
            np.maximum.at(weight, at[known], lines["weight_kg"][known])
        if "products" in self.t:
            products = self.t["products"]
            at = self.product.of(products["product_id"])
            weight[at[at >= 0]] = products["weight_kg"][at >= 0]
        return weight

    def _stock(self) -> tuple[Any, ...]:
        stock = self.t["stock"]
        product, node = self.product.of(stock["product_id"]), self.node.of(stock["node_id"])
        readable = (product >= 0) & (node >= 0) & ~np.isnan(stock["quantity"])
        self.notes["stock_rows_unreadable"] = int((~readable).sum())
        keep = np.flatnonzero(readable)
        self.notes["stock_rows_below_zero"] = int((stock["quantity"][keep] < 0).sum())
        units = np.floor(np.clip(stock["quantity"][keep], 0, MOST_UNITS)).astype(np.int64)
        held = np.floor(np.clip(np.nan_to_num(stock["reserved"][keep]), 0, MOST_UNITS)).astype(np.int64)
        start, cell_node, (on_hand, reserved) = stock_csr(
            product[keep], node[keep], len(self.product.ids), len(self.node.ids), units, held
        )
        money = []
        for name in ("scarcity", "relief"):
            values = None
            if name in stock.given:
                owner = np.repeat(np.arange(len(self.product.ids)), np.diff(start))
                keys = owner * len(self.node.ids) + cell_node
                values = np.zeros(len(cell_node))
                at = np.searchsorted(keys, product[keep] * len(self.node.ids) + node[keep])
                np.maximum.at(values, at, np.nan_to_num(stock[name][keep]))
            money.append(values)
        return start, cell_node, on_hand, reserved, *money

    def _nodes(self) -> tuple[NDArray[np.int64], tuple[Fence, ...]]:
        capacity = np.full(len(self.node.ids), UNLIMITED, np.int64)
        nodes = self.t.get("nodes")
        if nodes is None:
            return capacity, ()
        at = self.node.of(nodes["node_id"])
        known = at >= 0
        if "capacity" in nodes.given:
            limits = np.where(np.isnan(nodes["capacity"]), UNLIMITED, np.clip(nodes["capacity"], 0, UNLIMITED))
            capacity[at[known]] = np.floor(limits[known]).astype(np.int64)
        disabled = np.zeros(len(self.node.ids), bool)
        disabled[at[known]] = ~nodes["enabled"][known]
        return capacity, (Fence("disabled", disabled),) if disabled.any() else ()

    def _rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Fixed price, price per kg and days by (node, region, service); the cheapest of several rows counts."""
        rates = self.t["rates"]
        shape = (len(self.node.ids), len(self.region.ids), len(self.service.ids))
        node, row = self._origins(rates)
        region, service = self.region.of(rates["region"])[row], self.service.of(rates["service"])[row]
        good = (node >= 0) & (region >= 0) & (service >= 0)
        self.notes["rates_unreadable"] = int((~good).sum() + np.isnan(rates["fixed"]).sum())
        node, region, service, row = node[good], region[good], service[good], row[good]
        # Dearest first, so that the cheapest is written last; a row without a price never replaces one that has it.
        order = np.argsort(-np.nan_to_num(rates["fixed"][row], nan=np.inf), kind="stable")
        place = (node[order], region[order], service[order])
        found = []
        for name in ("fixed", "per_kg", "days"):
            array = np.full(shape, np.nan)
            array[place] = rates[name][row[order]]
            found.append(array)
        return found[0], found[1], found[2]

    def _origins(self, rates: Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Node and file row of each rate; a rate by origin region counts for every node there."""
        if not self.by_region:
            return self.node.of(rates["node_id"]), np.arange(rates.rows)
        nodes = self.t["nodes"]
        home = _Index(nodes["region"])
        where = home.of(nodes["region"])
        origin = home.of(rates["origin_region"])
        pairs = [
            (node, row) for row, place in enumerate(origin) if place >= 0 for node in np.flatnonzero(where == place)
        ]
        if not pairs:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        at, row = np.array(pairs, np.int64).T
        return self.node.of(nodes["node_id"])[at], row

    def _lateness(
        self, orders: Table, region: NDArray[np.int64], days: NDArray[np.float64]
    ) -> tuple[LatenessTable | LatenessLanes, str]:
        shape = (len(self.node.ids), len(self.region.ids), len(self.service.ids))
        late = self.t.get("late")
        if late is not None:
            node, service = self.node.of(late["node_id"]), self.service.of(late["service"])
            chance = late["probability"]
            if "order_id" in late.given:
                index = _Index(orders["order_id"])
                at = index.of(late["order_id"])
                first = np.argsort(orders["order_id"], kind="stable")
                first = first[np.searchsorted(orders["order_id"][first], index.ids)]
                good = (at >= 0) & (node >= 0) & (service >= 0)
                table = np.full((orders.rows, shape[0], shape[2]), np.nan, np.float32)
                table[first[at[good]], node[good], service[good]] = chance[good]
                return LatenessTable(table), "given by order, node and service"
            if "region" not in late.given:
                raise RoutingInputError("late: needs a column order_id or region beside node_id.")
            place = self.region.of(late["region"])
            good = (place >= 0) & (node >= 0) & (service >= 0) & (chance >= 0) & (chance <= 1)
            lanes = np.full(shape, np.nan)
            bounded = np.clip(chance[good], 1e-9, 1 - 1e-9)
            lanes[node[good], place[good], service[good]] = np.log(bounded / (1 - bounded))
            return LatenessLanes(lanes, np.zeros(orders.rows)), "given by node, region and service"
        if "days" in self.t["rates"].given and "promised_days" in orders.given:
            # Logistic scatter around the planned days; an order without a promise cannot be late.
            promise = np.where(np.isnan(orders["promised_days"]), 1e3, orders["promised_days"])
            return LatenessLanes(days / SCATTER_DAYS, -promise / SCATTER_DAYS), "planned days against the promise"
        return LatenessLanes(np.full(shape, -50.0), np.zeros(orders.rows)), "not available"


def _whole(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole units, −1 where the value is missing, not whole or beyond reason."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < MOST_UNITS)
    return np.where(good, np.where(good, values, 0), -1).astype(np.int64)
