"""Stock under random parameters: every unit is accounted for, each day, and promises never exceed the shelf."""

from collections import defaultdict

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.engine import Simulation
from twin.parameters import checked
from twin.stock import FLOWS, PURCHASE
from twin.world import build_world


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    days=st.integers(1, 9), orders=st.integers(1, 150), products=st.integers(10, 60), nodes=st.integers(2, 9),
    race=st.floats(0, 0.5), lead=st.floats(1, 4), cover=st.floats(1, 30), transfers=st.floats(0, 1),
    returns=st.floats(0, 1), patience=st.integers(1, 4), waves=st.integers(1, 12), seed=st.integers(0, 2**40),
)  # fmt: skip
def test_stock_balances_to_the_unit(
    days: int, orders: int, products: int, nodes: int, race: float, lead: float, cover: float, transfers: float,
    returns: float, patience: int, waves: int, seed: int,
) -> None:  # fmt: skip
    parameters = checked({
        "seed": seed, "days": days, "network": {"nodes": nodes},
        "demand": {"orders_per_day": orders, "products": products, "customers": 80, "return_share": returns},
        "supply": {"race_share": race, "lead_days": lead, "cover_days": cover, "transfer_share": transfers,
                   "short_receipt_share": 0.2},
        "dispatch": {"patience_days": patience, "waves_per_day": waves},
    })  # fmt: skip
    world = build_world(parameters)
    simulation = Simulation(world)
    shelf = simulation.stock.on_hand.astype(np.int64).copy()
    picks: dict[int, np.ndarray] = defaultdict(lambda: np.zeros_like(shelf))
    placed = settled = 0
    for result in simulation.run():
        flows = dict(zip(FLOWS, result.flows, strict=True))
        assert (result.opening == shelf.sum(axis=1)).all(), "a night changed the stock"
        _book_picks(world.start, result.day, result.parcels, result.parcel_lines, picks)
        left = sum((cells for day, cells in picks.items() if day == result.day), np.zeros_like(shelf))
        assert (flows["shipped"] == left.sum(axis=1)).all(), "shipped units are not those of the parcels' lines"
        lost = _sum_by_node(result.shorts, nodes)
        assert (flows["written_off"] == lost).all()
        inbound = result.inbound
        came = (inbound.received_at - world.start) // 86_400 == result.day
        bought = came & (inbound.kind == PURCHASE)
        assert flows["received"].sum() == inbound.received_quantity[bought].sum()
        assert flows["transferred_in"].sum() == inbound.received_quantity[came & ~bought].sum()
        closing = result.opening + flows["received"] + flows["transferred_in"] + flows["restocked"]
        closing = closing - flows["transferred_out"] - flows["shipped"] - flows["written_off"]
        shelf = result.on_hand.astype(np.int64).copy()
        assert (closing == shelf.sum(axis=1)).all(), "units appeared or vanished"
        assert (result.reserved >= 0).all()
        assert (result.on_hand >= result.reserved).all()
        placed += result.ordered
        settled += len(result.orders["id"]) if result.orders else 0
    assert placed == settled, "an order was lost"


def _book_picks(start: int, today: int, parcels: dict, lines: dict, picks: dict[int, np.ndarray]) -> None:
    if not parcels:
        return
    owner = np.searchsorted(parcels["id"], lines["parcel"])
    worked = parcels["picked_at"][owner] > 0
    day = np.maximum(today, (parcels["picked_at"][owner] - start) // 86_400)
    for pick_day in np.unique(day[worked]):
        on = worked & (day == pick_day)
        np.add.at(picks[int(pick_day)], (lines["node"][on], lines["product"][on]), lines["quantity"][on])


def _sum_by_node(shorts: dict, nodes: int) -> np.ndarray:
    if not shorts:
        return np.zeros(nodes, dtype=np.int64)
    return np.bincount(shorts["node"], weights=shorts["quantity"], minlength=nodes).astype(np.int64)
