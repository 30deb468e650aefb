"""What could be known of an order's lateness in the twin, at most: probabilities by replaying what follows the order.

Belongs here: replays of one history under other luck, and two oracles made of them. Does not belong here: the model
that is held against them (bench_lateness).

A replay keeps every order, stock count, receipt and storm of the history and redraws what happens to a parcel after the
order: people's hours, picking, the road, parcels gone astray, the door, the scan.

*clairvoyant* — the share of replays in which the order is late. It knows the coming days' weather and orders too, which
nobody can when the order is placed, so its gain is out of reach.
*state* — the clairvoyant's probability as far as it follows from what stands when the order is placed: boosted trees
learned on the probabilities themselves instead of single outcomes, with the twin's own parameters beside the published
columns (planned days, true place, home node, today's road and node factors, load, the planted rule).
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from twin.demand import services_for
from twin.engine import Simulation
from twin.fulfil import carriers_for, rule_applies
from twin.network import CARRIER_SPEED, PLANNED_DAYS
from twin.systems.codes import order_code, order_system
from twin.tables import Columns, length
from twin.world import World

#: Orders that no replay may call certain: half a replay is added on either side.
HALF = 0.5


class Replay(Simulation):
    """The world's own history of orders and stock, with other luck for what happens to parcels."""

    def __init__(self, world: World, luck: int) -> None:
        super().__init__(world)
        self._history, self.seed = self.seed, luck

    def _place(self, day: int) -> int:
        luck, self.seed = self.seed, self._history
        try:
            return super()._place(day)
        finally:
            self.seed = luck


def clairvoyant(world: World, replays: int) -> pd.DataFrame:
    """Orders with the twin's own view of them and `clairvoyant`, the probability over `replays` replays.

    Keys: `source_system`, `order_code`. Orders that were never delivered in a replay do not count in it.
    """
    count = int(sum(result.ordered for result in Simulation(world).run())) + 1
    late, seen = np.zeros(count), np.zeros(count)
    facts: list[pd.DataFrame] = []
    for number in range(replays):
        for result in Replay(world, world.parameters.seed + 1_000_003 * (number + 1)).run():
            orders = result.orders
            if not length(orders):
                continue
            arrived = orders["scanned_at"] > 0
            late[orders["id"][arrived]] += orders["scanned_at"][arrived] > orders["promised_at"][arrived]
            seen[orders["id"][arrived]] += 1
            if number == 0:
                facts.append(_facts(world, orders))
    frame = pd.concat(facts, ignore_index=True)
    at = frame["order"].to_numpy()
    frame["clairvoyant"] = (late[at] + HALF) / (seen[at] + 2 * HALF)
    return frame[seen[at] > 0].drop(columns="order")


def _facts(world: World, orders: Columns) -> pd.DataFrame:
    """What stands in the twin when an order is placed."""
    network, home, place = world.network, orders["home_node"].astype(np.int64), orders["place"].astype(np.int64)
    region = orders["region"].astype(np.int64)
    day = np.clip((orders["ordered_at"] - world.start) // 86_400, 0, world.parameters.days - 1)
    carrier = carriers_for(world, place, orders["ordered_at"]).astype(np.int64)
    service = services_for(orders["priority"], network.node_region[home] == region).astype(np.int64)
    load = np.asarray(Simulation(world).load)
    planned = PLANNED_DAYS[service, network.band[home, place].astype(np.int64)] * CARRIER_SPEED[carrier]
    promised = (orders["promised_at"] - orders["ordered_at"]) / 86_400
    return pd.DataFrame(
        {
            "order": orders["id"], "source_system": order_system(orders["channel"]),
            "order_code": order_code(orders["channel"], orders["id"]),
            "true_planned_days": planned, "true_slack_days": promised - planned, "true_home": home,
            "true_road": world.outside.road_factor[day, region], "true_node": world.outside.node_factor[day, home],
            "true_load": load[day], "true_rule": rule_applies(world, place, orders["ordered_at"]).astype(float),
            "true_tier": orders["tier"], "true_company": orders["is_company"].astype(float), "true_region": region,
            "true_km": network.distance_km[home, place], "true_cutoff": network.cutoff_hour[home],
        }
    )  # fmt: skip


def state_oracle(inputs: pd.DataFrame, probability: np.ndarray, learn: np.ndarray, seed: int) -> np.ndarray:
    """The clairvoyant's probability as a function of what stands, learned on `learn` rows and given for all.

    Args:
        inputs: Numbers, shape (rows, columns).
        probability: The clairvoyant's, shape (rows,).
        learn: Rows to learn from, shape (rows,).
        seed: Of the trees.
    """
    known = inputs[learn]
    twice = pd.concat([known, known], ignore_index=True)
    outcome = np.repeat([1, 0], len(known))
    weight = np.concatenate([probability[learn], 1 - probability[learn]])
    trees = HistGradientBoostingClassifier(
        learning_rate=0.08, max_iter=500, max_leaf_nodes=31, min_samples_leaf=100, random_state=seed
    )
    return np.asarray(trees.fit(twice, outcome, sample_weight=weight).predict_proba(inputs))[:, 1]
