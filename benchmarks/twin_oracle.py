"""What could be known of an order's lateness in the twin: probabilities by playing the future many times from its day.

Belongs here: the oracle. Does not belong here: the model that is held against it (bench_lateness).

The oracle knows the twin's parameters and everything that stands when the orders of a day come in: every order, queue,
shelf, receipt on its way, storm that has begun by noon. From there it plays many futures: other orders to come, other
weather, other people's hours, roads, scans. The share of them in which an order is late is its probability, as good as
anybody could state it on that day.
"""

import pandas as pd

from twin.engine import Simulation
from twin.signals import DAY, build_outside, changed_after
from twin.systems.codes import order_code, order_system
from twin.tables import length, stack
from twin.world import World

#: Days that a future is played on for; orders that no node has shipped by then are left out of it.
AHEAD = 14


def oracle(world: World, days: list[int], futures: int) -> pd.DataFrame:
    """`source_system`, `order_code` and `oracle`, the probability of lateness, of the orders placed on some days.

    `oracle_half` is the same from half of the futures: what so few futures cost the oracle falls with their number, so
    that its loss without that cost is about twice the loss of the whole less that of the half.

    Args:
        world: The world whose own history is judged.
        days: Days from 0; each needs 14 more days in the horizon.
        futures: Futures played from each day.
    """
    if max(days) + AHEAD >= world.parameters.days:
        raise ValueError(f"Each day needs {AHEAD} more days in a horizon of {world.parameters.days}; got {max(days)}.")
    history, found = Simulation(world), []
    for day in range(max(days) + 1):
        if day in days:
            found.append(_from_day(world, history, day, futures))
        history.simulate_day(day)
    return pd.concat(found, ignore_index=True)


def _from_day(world: World, history: Simulation, day: int, futures: int) -> pd.DataFrame:
    played = [_future(world, history, day, number) for number in range(futures)]
    whole, half = _shares(played), _shares(played[: futures // 2])
    counted = whole.to_frame().join(half.rename("oracle_half")).reset_index()
    channel, order = counted["channel"].to_numpy(), counted["order"].to_numpy()
    codes = {"source_system": order_system(channel), "order_code": order_code(channel, order)}
    return pd.DataFrame({**codes, "oracle": counted["oracle"], "oracle_half": counted["oracle_half"]})


def _shares(played: list[pd.DataFrame]) -> pd.Series:
    """By order the share of futures in which it is late; half a future is added on either side."""
    counted = pd.concat(played, ignore_index=True).groupby(["order", "channel"])["is_late"].agg(["sum", "count"])
    return ((counted["sum"] + 0.5) / (counted["count"] + 1.0)).rename("oracle")


def _future(world: World, history: Simulation, day: int, number: int) -> pd.DataFrame:
    """`order`, `channel` and `is_late` of the day's orders in one future."""
    luck = world.parameters.seed + 1_000_003 * (number + 1) + 97 * day
    other = build_outside(world.parameters.model_copy(update={"seed": luck}), len(world.network.geography.codes),
                          world.network.count)  # fmt: skip
    future = history.fork(luck, changed_after(world.outside, other, day * DAY + DAY // 2, world.parameters.signals))
    first, future.demand_seed = future.next_order, history.demand_seed
    settled = [future.simulate_day(day).orders]
    last, future.demand_seed = future.next_order, luck
    settled += [future.simulate_day(later).orders for later in range(day + 1, day + AHEAD + 1)]
    orders = stack([columns for columns in settled if length(columns)])
    mine = (orders["id"] >= first) & (orders["id"] < last) & (orders["scanned_at"] > 0)
    is_late = orders["scanned_at"] > orders["promised_at"]
    return pd.DataFrame({"order": orders["id"][mine], "channel": orders["channel"][mine], "is_late": is_late[mine]})
