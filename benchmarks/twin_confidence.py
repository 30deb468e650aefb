"""Confidence of the policy in the twin against the twin's own physics: was the node that it chose the right one?

Belongs here: what the predictions err by, on luck of its own; the true chance of lateness of every candidate parcel, as
the mean of its fates under many lucks; the comparison. Does not belong here: confidence (ml.core.routing).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from benchmarks.policy_foresight import Clairvoyant
from decisions.routing.twin_policy import Optimised
from ml.core.routing.confidence import Uncertainty, confidence, lateness_error, right_in_draws
from ml.core.routing.problem import LatenessTable
from ml.core.routing.reliability import Reliability, reliability
from ml.core.routing.solve import solve_batch
from twin.dispatch import Batch, Decision
from twin.engine import Simulation
from twin.world import World

#: Fates that the true chance of lateness is the mean of.
FATES = 60
#: Lucks that the predictions' errors are measured on.
LUCKS = 4
CERTAIN = Uncertainty(0.0, 0.0)


@dataclass
class _Foretold:
    """A policy, noting P(late) of each choice."""

    policy: Optimised
    name: str = "foretold"
    said: dict[tuple[int, int, int], float] = field(default_factory=dict)

    def decide(self, batch: Batch) -> Decision:
        decision = self.policy.decide(batch)
        late = self.policy.lateness.late(batch)
        owner = np.repeat(np.arange(batch.count), np.diff(batch.line_start))
        for order, node in zip(owner, decision.line_node, strict=True):
            service = int(decision.service[order])
            if node >= 0:
                self.said[int(batch.order_id[order]), int(node), service] = float(late[order, node, service])
        return decision


def uncertainty_of(policy: Optimised, world: World, seeds: range) -> Uncertainty:
    """What its predictions err by on a lane, from the parcels that it sent on these lucks; the rate card is known."""
    rows = []
    for seed in seeds:
        foretold = _Foretold(policy)
        for day in Simulation(world, foretold, seed).run():
            p = day.parcels
            for order, node, service, region, empty, promised, delivered in zip(
                *(
                    p[name]
                    for name in ("order", "node", "service", "region", "is_empty", "promised_at", "delivered_at")
                ),
                strict=True,
            ):
                if not empty and delivered:
                    said = foretold.said[int(order), int(node), int(service)]
                    rows.append((node * len(world.network.geography.codes) + region, said, delivered > promised))
    lane, said, late = (np.array(column) for column in zip(*rows, strict=True))
    return Uncertainty(lateness_error(late.astype(np.float64), said, pd.Series(lane)), 0.0)


@dataclass
class _Judged:
    """A policy, noting confidence of each choice and whether it was right by the twin's physics."""

    policy: Optimised
    uncertainty: Uncertainty
    fates: list[Clairvoyant]
    name: str = "judged"
    said: list[np.ndarray] = field(default_factory=list)
    right: list[np.ndarray] = field(default_factory=list)
    region: list[np.ndarray] = field(default_factory=list)

    def decide(self, batch: Batch) -> Decision:
        if batch.count:
            problem = self.policy.problem_of(batch)
            result = solve_batch(problem, self.policy.parameters)
            chosen = np.flatnonzero(result.order_parcels > 0)
            true = replace(problem, lateness=LatenessTable(np.mean([fate.late(batch) for fate in self.fates], axis=0)))
            self.said.append(confidence(problem, result, self.uncertainty)[chosen])
            self.right.append(right_in_draws(true, result, CERTAIN, draws=1)[chosen, 0])
            self.region.append(np.array(batch.network.geography.codes)[batch.region[chosen]])
        return self.policy.decide(batch)


def judge(policy: Optimised, world: World, seed: int, threshold: float) -> tuple[Uncertainty, Reliability]:
    """What the predictions err by, and how confidence held on the luck `seed`; the errors come from others."""
    uncertainty = uncertainty_of(policy, world, range(seed + 500, seed + 500 + LUCKS))
    judged = _Judged(policy, uncertainty, [Clairvoyant(world, seed + 1_000 + turn) for turn in range(FATES)])
    for _ in Simulation(world, judged, seed).run():
        pass
    said, right, region = (np.concatenate(parts) for parts in (judged.said, judged.right, judged.region))
    return uncertainty, reliability(said, right, region, threshold)
