"""Policies and the test-bed: fair comparison, and decisions that the world cannot carry out."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from twin.demand import orders_of_day
from twin.dispatch import Batch, Cheapest, Decision, HistoricRules, PolicyError, nearest, rule_policy
from twin.engine import Simulation
from twin.parameters import load_preset
from twin.testbed import FIGURES, compare, simulate
from twin.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_preset("demo", days=8))


@dataclass(frozen=True)
class Recorder:
    """Nearest node; keeps the batches that it saw."""

    seen: list[Batch]
    name: str = "recorder"

    def decide(self, batch: Batch) -> Decision:
        self.seen.append(replace(batch, available=batch.available.copy()))
        return nearest().decide(batch)


def test_equal_policies_differ_in_nothing(world: World) -> None:
    result = compare(nearest(), nearest(), world, replications=2)
    assert all(row.mean == row.low == row.high == 0 for row in result.overall)


def test_every_policy_meets_the_same_orders_and_luck(world: World) -> None:
    ours, theirs = (Recorder([]), Recorder([]))
    simulate(ours, world, 5)
    simulate(theirs, world, 5)
    first, other = ours.seen[0], theirs.seen[0]
    assert (first.order_id == other.order_id).all()
    assert (first.luck == other.luck).all()
    by_rule, by_price = (
        {
            k: v
            for r in Simulation(world, policy, 5).run()
            for k, v in zip(r.orders["id"], r.orders["ordered_at"], strict=True)
        }
        for policy in (HistoricRules(), Cheapest())
    )
    assert by_rule == by_price


def test_figures_tell_the_policies_apart(world: World) -> None:
    result = compare(rule_policy("historic", world.parameters), nearest(), world, replications=3)
    rows = {row.figure: row for row in result.overall}
    assert set(rows) == {*FIGURES, "stock_out_share"}
    assert rows["touched_share"].second == 0
    assert rows["touched_share"].high is not None
    assert rows["touched_share"].high < 0, "nobody intervenes under `nearest`"
    assert rows["cross_region_share"].mean < 0, "the nearest node lies in the region more often than the home node"
    assert set(result.by_tier) == {"standard", "silver", "gold", "platinum"}
    assert len(result.by_region) == 31


def test_one_replication_has_no_interval(world: World) -> None:
    result = compare(nearest(), Cheapest(), world, replications=1)
    assert all(row.low is None and row.high is None for row in result.overall)


def test_the_cheapest_node_costs_least_for_its_order(world: World) -> None:
    recorder = Recorder([])
    simulate(recorder, world, 5)
    batch = recorder.seen[0]
    edges = batch.edges(world.network.count)
    chosen = Cheapest().decide(batch)
    node = chosen.line_node[batch.line_start[0]]
    mine = slice(edges.start[0], edges.start[1])
    assert edges.fills[mine].any()
    cheapest = edges.cost_amount[mine][edges.fills[mine]].min()
    assert edges.cost_amount[mine][edges.node[mine] == node][0] == pytest.approx(cheapest)


def test_edges_say_who_can_fill_an_order(world: World) -> None:
    recorder = Recorder([])
    simulate(recorder, world, 5)
    batch = recorder.seen[0]
    edges = batch.edges(6)
    assert edges.node.shape == edges.fills.shape == (batch.count * 6,)
    for order in range(0, batch.count, 7):
        lines = slice(batch.line_start[order], batch.line_start[order + 1])
        for edge in range(edges.start[order], edges.start[order + 1]):
            has = (batch.available[edges.node[edge], batch.product[lines]] >= batch.quantity[lines]).all()
            assert edges.fills[edge] == (has and batch.is_open[edges.node[edge]])


@dataclass(frozen=True)
class Broken:
    """Decides what the world cannot do."""

    fault: str
    name: str = "broken"

    def decide(self, batch: Batch) -> Decision:
        lines, orders = len(batch.product), batch.count
        node = np.zeros(lines, dtype=np.int16)
        service, touched = np.full(orders, -1, dtype=np.int8), np.zeros(orders, dtype=bool)
        if self.fault == "shape":
            node = node[:-1]
        elif self.fault == "node":
            node[:] = 999
        elif self.fault == "service":
            node[:], service = -1, service + 9
        return Decision(node, service, touched)


@pytest.mark.parametrize(
    ("fault", "told"), [("shape", "shapes|one node a line"), ("node", "999"), ("service", "A service is"),
                        ("stock", "no more units")]
)  # fmt: skip
def test_impossible_decisions_are_refused(world: World, fault: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        simulate(Broken(fault), world, 5)


def test_a_batch_is_read_only(world: World) -> None:
    class Thief:
        name = "thief"

        def decide(self, batch: Batch) -> Decision:
            batch.available[0, 0] += 1
            raise AssertionError("the stock could be changed")

    with pytest.raises(ValueError, match="read-only"):
        simulate(Thief(), world, 5)


def test_a_day_of_demand_repeats_and_follows_its_seed(world: World) -> None:
    one, same, other = (orders_of_day(world, 2, 400.0, 1, seed) for seed in (5, 5, 6))
    assert (one.ordered_at == same.ordered_at).all()
    assert (one.product == same.product).all()
    assert not np.array_equal(one.ordered_at, other.ordered_at)
    assert (np.diff(one.ordered_at) >= 0).all()
    assert (one.promised_at > one.ordered_at).all()
