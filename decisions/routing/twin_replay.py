"""A proposed routing policy in the twin: both policies on the same orders, stock and luck, judged by region.

Belongs here: paired runs of two policies, as the rounds that the audit of policies compares. Does not belong here: the
twin itself (twin/testbed), the policy in it (twin_policy), the judgement (ml/core/fairness/policies).

What a policy leaves on the shelves is what its own next day begins with, which past orders cannot show.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from decisions.routing.rehearsal import rehearsed
from decisions.routing.twin_policy import Optimised, names_of
from ml.core.fairness.policies import DECISIONS, PolicyComparison, Rounds, compare_policies
from ml.core.routing.policy import RoutingPolicy
from twin.testbed import Outcome, simulate
from twin.world import World

#: Figure of an audit → figure of the test-bed. The twin's promises are made when an order is placed, before it is
#: routed, and nobody approves or overrides a choice of the optimiser.
FIGURES: Mapping[str, str] = {
    "on_time": "on_time_share", "hours_to_door": "hours_to_door", "shipping_cost": "cost_per_order",
    "split": "split_share", "unfilled": "unfilled_share",
}  # fmt: skip


def replay_in_twin(
    world: World,
    current: RoutingPolicy,
    proposed: RoutingPolicy,
    replications: int,
    *,
    minimum_support: int = 100,
    alpha: float = 0.05,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> PolicyComparison:
    """Run both policies over paired replications and judge what the proposed one does to regions.

    Args:
        world: The company.
        current: The policy to compare with.
        proposed: The policy that is asked about.
        replications: Pairs of runs; each on luck of its own.
        minimum_support: Fewest delivered orders, over all replications, at which a region is judged.
        alpha: Error over the regions of a figure.
        told: Called with the pairs done and to do.

    Raises:
        BadPolicy: a policy names a region, service or node that the world does not have.
    """
    plain = rehearsed(world)
    policies = [twin_policy(world, plain, policy) for policy in (current, proposed)]
    pairs = []
    for turn in range(1, replications + 1):
        seed = world.parameters.seed + turn
        before, after = (simulate(policy, world, seed) for policy in policies)
        pairs.append((before, after))
        told(turn, replications)
    regions = list(pairs[0][0].by_region)
    support = np.array([sum(before.support[place] for before, _ in pairs) for place in regions])
    rounds = {name: _rounds(pairs, regions, figure) for name, figure in FIGURES.items()}
    return compare_policies(
        "twin", regions, support, rounds, DECISIONS, minimum_support=minimum_support, alpha=alpha,
        facts={"current": current.to_dict(), "proposed": proposed.to_dict(), "days": world.parameters.days,
               "seed": world.parameters.seed},
    )  # fmt: skip


def twin_policy(world: World, plain: Optimised, policy: RoutingPolicy) -> Optimised:
    """The optimiser under a policy's weights and closures, with the rounds of search that a wave has time for.

    Raises:
        BadPolicy: the policy names a region, service or node that the world does not have.
    """
    policy.check(*names_of(world.network))
    search = {name: getattr(plain.parameters, name) for name in ("dual_rounds", "search_sweeps", "threads", "seed")}
    return replace(plain, parameters=replace(policy.parameters, **search), closed=policy)


def _rounds(pairs: list[tuple[Outcome, Outcome]], regions: list[str], figure: str) -> Rounds:
    """The figure by replication and region; a replication in which a region has none of it does not count there."""
    sides = []
    for side in (0, 1):
        values = np.array([[pair[side].by_region[place][figure] for place in regions] for pair in pairs], np.float64)
        known = np.isfinite(values)
        sides += [np.where(known, values, 0.0), known.astype(np.float64)]
    return Rounds(*sides)
