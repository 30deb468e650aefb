"""The simulation: one day after another, orders in, parcels out, under any policy.

Belongs here: the state under way and the order of things in a day. Does not belong here: how a thing happens (demand,
dispatch, fulfil, stock, aftermath), and who writes it down (`twin.generate`, `twin.testbed`).

A day: receipts → orders are placed → at each wave the policy assigns the open lines of approved orders and nodes serve
what is released → picks leave the shelves, the ledger is checked, stock is reordered.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twin import fulfil
from twin.aftermath import Aftermath, follow
from twin.demand import orders_of_day, services_for, volume
from twin.dispatch import Batch, Decision, Policy, check_decision, rule_policy
from twin.intake import line_columns, order_columns
from twin.luck import uniform
from twin.network import parcel_cost
from twin.results import DayResult, in_order
from twin.signals import Outside
from twin.stock import Stock, joined
from twin.tables import Columns, length, stack, take
from twin.world import World

Ints = npt.NDArray[np.int64]

OPEN, ASSIGNED, SHIPPED, GIVEN_UP = range(4)


class Simulation:
    """A world under a policy.

    Args:
        world: What is fixed.
        policy: Who decides; None: history's rules with the parameters' share of human changes.
        seed: Luck of this replication; None: the world's own seed.
    """

    def __init__(self, world: World, policy: Policy | None = None, seed: int | None = None) -> None:
        p = world.parameters
        self.world = world
        self.seed = p.seed if seed is None else seed
        self.demand_seed = self.seed
        self.policy = policy or rule_policy("historic", p)
        self.stock = Stock(world, self.seed)
        self.volume = volume(p)
        self.load = self.volume / self.volume.mean()
        self.clock = np.full(world.network.count, float(world.start))
        self._queue: dict[str, Any] = fulfil.queue_inputs(world)
        self._orders: Columns = {}
        self._lines: Columns = {}
        self._waiting: list[Columns] = []
        self._waiting_lines: list[Columns] = []
        self.next_order = 1
        self._next_parcel = 1

    def run(self) -> Iterator[DayResult]:
        """Simulate day by day; the last result also holds what was still under way."""
        for day in range(self.world.parameters.days):
            yield self.simulate_day(day)

    def simulate_day(self, day: int) -> DayResult:
        """The next day, counted from 0."""
        p = self.world.parameters
        is_last = day == p.days - 1
        inbound = self.stock.open_day(day)
        ordered = self._place(day)
        done: dict[str, list[Columns]] = {"parcels": [], "parcel_lines": [], "shorts": []}
        for wave in range(1, p.dispatch.waves_per_day + 1):
            now = self.world.start + day * 86_400 + wave * 86_400 // p.dispatch.waves_per_day
            self._dispatch(now)
            self._serve(now, day, done)
        self.stock.close_day(day)
        if is_last:
            done["parcels"].append(stack(self._waiting))
            done["parcel_lines"].append(stack(self._waiting_lines))
            inbound = joined([inbound, self.stock.still_open()])
        orders, lines = self._settle(everything=is_last)
        parcels, parcel_lines = in_order(stack(done["parcels"]), "id"), in_order(stack(done["parcel_lines"]), "parcel")
        aftermath = follow(self.world, self.seed, parcels, parcel_lines)
        self._plan_restock(aftermath)
        return DayResult(
            day, orders, lines, parcels, parcel_lines, stack(done["shorts"]), aftermath, inbound,
            self.stock.on_hand, self.stock.reserved, self.stock.flows.copy(), self.stock.opening, ordered,
        )  # fmt: skip

    def fork(self, luck: int, outside: Outside) -> "Simulation":
        """A copy that goes on from here under other luck and another outside world; the orders to come are its own too.

        Args:
            luck: Seed of everything that happens from now on.
            outside: The outside world of the whole horizon.
        """
        world = replace(self.world, outside=outside)
        other = deepcopy(self, {id(self.world): world})
        other.seed = other.demand_seed = other.stock.seed = luck
        other._queue = fulfil.queue_inputs(world)
        return other

    def _place(self, day: int) -> int:
        """Take in the orders of the day and settle what does not depend on stock: approval, holds, cancellations."""
        new = orders_of_day(self.world, day, float(self.volume[day]), self.next_order, self.demand_seed)
        self.next_order += new.count
        orders = order_columns(self.world, self.seed, new)
        lines = line_columns(new)
        self._orders = stack([self._orders, orders])
        self._lines = stack([self._lines, lines])
        return new.count

    def _dispatch(self, now: int) -> None:
        """Give the open lines of approved orders to the policy and carry its decision out."""
        orders, lines = self._orders, self._lines
        owner = np.searchsorted(orders["id"], lines["order"])
        waits = (lines["state"] == OPEN) & (orders["ready_at"][owner] <= now)
        late = waits & (orders["ordered_at"][owner] + self.world.parameters.dispatch.patience_days * 86_400 < now)
        lines["state"][late] = GIVEN_UP
        orders["given_up_at"][owner[late]] = now
        index = np.flatnonzero(waits & ~late)
        if not len(index):
            return
        # Orders in the sequence in which they became ready; their lines stay together.
        index = index[np.lexsort((lines["order"][index], orders["ready_at"][owner[index]]))]
        batch, rows = self._batch(now, index, owner[index])
        decision = self.policy.decide(batch)
        check_decision(batch, decision)
        self._carry_out(now, batch, decision, index, rows)

    def _batch(self, now: int, index: Ints, owner: Ints) -> tuple[Batch, Ints]:
        orders, lines = self._orders, self._lines
        starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        rows = owner[starts]
        product, quantity = lines["product"][index], lines["quantity"][index]
        weight = np.add.reduceat(self.world.catalogue.weight_kg[product] * quantity, starts)
        available = self.stock.available
        available.flags.writeable = False
        day = min((now - 1 - self.world.start) // 86_400, self.world.parameters.days - 1)
        backlog = np.maximum(0.0, self.clock - now) / 3600.0
        return Batch(
            now, orders["id"][rows], orders["promised_at"][rows], orders["region"][rows], orders["area"][rows],
            orders["place"][rows], orders["priority"][rows], orders["tier"][rows], orders["is_company"][rows],
            orders["home_node"][rows], uniform(self.seed, "person", orders["id"][rows], 1), weight,
            np.r_[starts, len(index)].astype(np.int64), product, quantity, available, backlog,
            self.world.outside.node_factor[day] > 0.3, fulfil.carriers_for(
                self.world, orders["place"][rows], orders["ordered_at"][rows]),
            self.world.outside.weather_at(now - self.world.start), self.world.network,
        ), rows  # fmt: skip

    def _carry_out(self, now: int, batch: Batch, decision: Decision, index: Ints, rows: Ints) -> None:
        """Reserve the units and make one parcel for each order and node."""
        line_node, service, touched = decision.line_node, decision.service, decision.touched
        orders, lines = self._orders, self._lines
        order_of_line = np.repeat(np.arange(batch.count), np.diff(batch.line_start))
        waits = np.bincount(order_of_line, weights=line_node < 0, minlength=batch.count) > 0
        if decision.held is not None:
            waits &= ~decision.held
        orders["waited_at"][rows] = np.where(waits & (orders["waited_at"][rows] == 0), now, orders["waited_at"][rows])
        given = np.flatnonzero(line_node >= 0)
        if not len(given):
            return
        node, place = line_node[given].astype(np.int64), order_of_line[given]
        self.stock.reserve(node, batch.product[given], batch.quantity[given])
        lines["state"][index[given]] = ASSIGNED
        key = place * self.world.network.count + node
        sort = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.r_[True, key[sort][1:] != key[sort][:-1]])
        number = np.cumsum(np.r_[0, (key[sort][1:] != key[sort][:-1]).astype(np.int64)])
        first = sort[starts]
        parcel_order, parcel_node = place[first], node[first]
        position = rows[parcel_order]
        region = orders["region"][position].astype(np.int64)
        kilos = (self.world.catalogue.weight_kg[batch.product] * batch.quantity)[given][sort]
        order_id = orders["id"][position]
        asked = services_for(orders["priority"][position], self.world.network.node_region[parcel_node] == region)
        bought = np.where(service[parcel_order] < 0, asked, service[parcel_order]).astype(np.int64)
        carrier = batch.carrier[parcel_order].astype(np.int64)
        band = self.world.network.band[parcel_node, orders["place"][position]].astype(np.int64)
        weight = np.round(np.add.reduceat(kilos, starts), 2).astype(np.float64)
        allocated = now + (60 * uniform(self.seed, "release", order_id, 1)).astype(np.int64)
        changed = touched[parcel_order].astype(np.int64)
        ids = self._next_parcel + np.arange(len(starts))
        index_of_first = np.searchsorted(parcel_order, parcel_order)
        turn = np.arange(len(starts)) - index_of_first
        self._next_parcel += len(starts)
        self._waiting.append({
            "id": ids, "order": order_id, "ordinal": orders["parcels"][position] + turn, "node": parcel_node,
            "region": region, "place": orders["place"][position], "service": bought, "carrier": carrier,
            "weight_kg": weight, "cost": parcel_cost(bought, band, carrier, weight), "touched": changed,
            "allocated_at": allocated,
            "released_at": fulfil.release_times(self.world, self.seed, order_id, allocated, region, changed),
            "promised_at": orders["promised_at"][position], "customer": orders["customer"][position],
            "channel": orders["channel"][position], "priority": orders["priority"][position].astype(np.int64),
            "picked_at": np.zeros_like(ids), "packed_at": np.zeros_like(ids), "shipped_at": np.zeros_like(ids),
            "delivered_at": np.zeros_like(ids), "scanned_at": np.zeros_like(ids), "is_empty": np.zeros_like(ids),
        })  # fmt: skip
        orders["parcels"][rows] += np.bincount(parcel_order, minlength=batch.count)
        self._waiting_lines.append({
            "parcel": ids[number], "order": lines["order"][index[given]][sort],
            "number": lines["number"][index[given]][sort], "node": node[sort],
            "product": batch.product[given][sort].astype(np.int64),
            "quantity": batch.quantity[given][sort].astype(np.int64), "attempt": lines["attempt"][index[given]][sort],
        })  # fmt: skip

    def _serve(self, now: int, day: int, done: dict[str, list[Columns]]) -> None:
        """Let the nodes work on what is released by now; find units sold twice; send the parcels off."""
        waiting, waiting_lines = stack(self._waiting), stack(self._waiting_lines)
        if not waiting:
            return
        due = waiting["released_at"] <= now
        mine = due[np.searchsorted(waiting["id"], waiting_lines["parcel"])]
        self._waiting, self._waiting_lines = [take(waiting, ~due)], [take(waiting_lines, ~mine)]
        parcels, lines = take(waiting, due), take(waiting_lines, mine)
        if not length(parcels):
            return
        sort = np.lexsort((parcels["released_at"], -parcels["priority"], parcels["node"]))
        luck = uniform(self.seed, "pick", parcels["order"])
        times = fulfil.run_queues(
            node=parcels["node"][sort],
            released_at=parcels["released_at"][sort],
            luck=luck[sort],
            clock=self.clock,
            **self._queue,
        )
        for name, column in zip(("picked_at", "packed_at", "shipped_at"), times, strict=True):
            parcels[name][sort] = column
        shorts, lines = self._race(parcels, lines)
        owner = np.searchsorted(parcels["id"], lines["parcel"])
        parcels["is_empty"] = (np.bincount(owner, minlength=length(parcels)) == 0).astype(np.int64)
        self._ship(parcels)
        self._pick(day, parcels, lines, owner)
        done["parcels"].append(parcels)
        done["parcel_lines"].append(lines)
        done["shorts"].append(shorts)

    def _race(self, parcels: Columns, lines: Columns) -> tuple[Columns, Columns]:
        """Lines whose unit another channel sold: written off, and back to the open lines after a person's hours."""
        owner = np.searchsorted(parcels["id"], lines["parcel"])
        luck = uniform(self.seed, "race", lines["order"], lines["number"], lines["attempt"])
        gone = luck < self.world.parameters.supply.race_share
        shorts = {
            **take(lines, gone),
            "at": parcels["picked_at"][owner[gone]],
            "channel": parcels["channel"][owner[gone]],
        }
        self.stock.write_off(shorts["node"], shorts["product"], shorts["quantity"])
        hours = 1.0 - 3.0 * np.log(uniform(self.seed, "found", shorts["order"]))
        position = np.searchsorted(self._orders["id"], shorts["order"])
        again = (shorts["at"] + 3600 * hours).astype(np.int64)
        shorts["back_at"] = again
        np.maximum.at(self._orders["ready_at"], position, again)
        self._set_lines(shorts, OPEN)
        return shorts, take(lines, ~gone)

    def _ship(self, parcels: Columns) -> None:
        order, place = parcels["order"], parcels["place"]
        road = fulfil.road_seconds(
            self.world, self.seed, order, parcels["node"], place, parcels["service"], parcels["carrier"],
            parcels["shipped_at"], self.load,
        )  # fmt: skip
        arrived = (parcels["shipped_at"] + road).astype(np.int64)
        parcels["delivered_at"] = fulfil.at_the_door(self.seed, order, arrived)
        parcels["scanned_at"] = fulfil.scan_times(
            self.world, self.seed, order, parcels["region"], parcels["delivered_at"]
        )
        position = np.searchsorted(self._orders["id"], order)
        sent = parcels["is_empty"] == 0
        np.maximum.at(self._orders["delivered_at"], position[sent], parcels["delivered_at"][sent])
        np.maximum.at(self._orders["scanned_at"], position[sent], parcels["scanned_at"][sent])
        np.maximum.at(self._orders["shipped_at"], position[sent], parcels["shipped_at"][sent])

    def _pick(self, day: int, parcels: Columns, lines: Columns, owner: Ints) -> None:
        picks = np.maximum(day, (parcels["picked_at"][owner] - self.world.start) // 86_400)
        for pick_day in np.unique(picks):
            on = picks == pick_day
            self.stock.plan_pick(int(pick_day), lines["node"][on], lines["product"][on], lines["quantity"][on])
        self._set_lines(lines, SHIPPED)

    def _set_lines(self, touched: Columns, state: int) -> None:
        key = self._lines["order"] * 16 + self._lines["number"]
        position = np.searchsorted(key, touched["order"] * 16 + touched["number"])
        self._lines["state"][position] = state
        self._lines["attempt"][position] += state == OPEN

    def _settle(self, everything: bool) -> tuple[Columns, Columns]:
        """Take out the orders of which no line is open or assigned."""
        owner = np.searchsorted(self._orders["id"], self._lines["order"])
        under_way = (self._lines["state"] <= ASSIGNED) & (self._orders["cancelled_at"][owner] == 0)
        busy = np.bincount(owner, weights=under_way, minlength=length(self._orders)) > 0
        leave = np.ones_like(busy) if everything else ~busy
        orders, lines = take(self._orders, leave), take(self._lines, leave[owner])
        self._orders, self._lines = take(self._orders, ~leave), take(self._lines, ~leave[owner])
        return orders, lines

    def _plan_restock(self, aftermath: Aftermath) -> None:
        returned = aftermath.returns
        if not returned:
            return
        days = (returned["received_at"] - self.world.start) // 86_400 + 1
        for day in np.unique(days[returned["is_sellable"] == 1]):
            on = (days == day) & (returned["is_sellable"] == 1)
            self.stock.plan_restock(int(day), returned["node"][on], returned["product"][on], returned["quantity"][on])
