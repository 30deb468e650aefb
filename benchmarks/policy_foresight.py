"""What would be gained by knowing: lateness as it will be, for the routing policy in the twin to decide by.

Belongs here: the fate of every candidate parcel under one replication's luck, by the twin's own physics. Does not
belong here: anything that a policy may use; only benchmarks import this.

A parcel's place in the queue of its wave depends on the other choices of the wave and is not foreseen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisions.routing.arrival import opening_after, pickup_after
from twin import fulfil
from twin.demand import volume
from twin.dispatch import Batch
from twin.luck import uniform
from twin.network import SERVICES
from twin.world import World


@dataclass(frozen=True)
class Clairvoyant:
    """Lateness under the luck `seed`: 0 or 1 instead of a probability."""

    world: World
    seed: int

    def late(self, batch: Batch) -> NDArray[np.float64]:
        """Whether each order's parcel will be late, shape (orders, nodes, services)."""
        nodes, network = batch.network.count, batch.network
        load = volume(self.world.parameters)
        node = np.broadcast_to(np.arange(nodes), (batch.count, nodes))
        released = self._released(batch, batch.decided_at)
        begins = opening_after(
            network, node, np.maximum(released[:, None], batch.decided_at + 3600.0 * batch.backlog_hours)
        )
        luck = uniform(self.seed, "pick", batch.order_id)[:, None]
        shipped = pickup_after(network, node, begins + 2_100 + 900 * luck) + 600 + 1_200 * luck
        late = np.empty((batch.count, nodes, len(SERVICES)))
        order, place, carrier = (
            np.repeat(column, nodes) for column in (batch.order_id, batch.place, batch.carrier.astype(np.int64))
        )
        for service in range(len(SERVICES)):
            road = fulfil.road_seconds(
                self.world, self.seed, order, node.ravel(), place, np.full(len(order), service), carrier,
                shipped.ravel().astype(np.int64), load / load.mean(),
            )  # fmt: skip
            door = fulfil.at_the_door(self.seed, order, (shipped.ravel() + road).astype(np.int64))
            late[:, :, service] = door.reshape(batch.count, nodes) > batch.promised_at[:, None]
        return late

    def may_wait(self, batch: Batch, moment: int) -> NDArray[np.bool_]:
        """(orders, nodes) true where work would begin no later if the parcel were given out at `moment` instead."""
        node = np.broadcast_to(np.arange(batch.network.count), (batch.count, batch.network.count))
        free = batch.decided_at + 3600.0 * batch.backlog_hours
        now, then = (
            opening_after(batch.network, node, np.maximum(self._released(batch, when)[:, None], free))
            for when in (batch.decided_at, moment)
        )
        return np.asarray(then <= now)

    def _released(self, batch: Batch, moment: int) -> NDArray[np.float64]:
        """When the work of each order would be released, without a person's delay."""
        begun = moment + (60 * uniform(self.seed, "release", batch.order_id, 1)).astype(np.int64)
        untouched = np.zeros(batch.count, np.int64)
        region = batch.region.astype(np.int64)
        released = fulfil.release_times(self.world, self.seed, batch.order_id, begun, region, untouched)
        return released.astype(np.float64)
