"""Whether judging a plan by outcomes finds the truth: lanes err by a known amount, parcels show it, choices are judged.

Belongs here: drawn worlds, their parcels, the comparison with what was right in them. Does not belong here: the
judgement (ml.core.routing.outcomes), the twin (`twin_confidence`).
"""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from ml.core.routing.confidence import Uncertainty, confidence, right_under
from ml.core.routing.outcomes import lane_errors
from ml.core.routing.problem import LatenessLanes, RoutingProblem
from ml.core.routing.reliability import BANDS
from ml.core.routing.result import RoutingResult

WORLDS = 10
#: By how much lanes err, as a multiple of what is stated, and the parcels that outcomes are judged by.
CASES = ((1.0, 1_000), (1.0, 5_000), (2.0, 5_000))


def report(believed: RoutingProblem, result: RoutingResult, stated: Uncertainty, said: np.ndarray) -> None:
    """Print, by band of confidence, what was said, what was right, and what outcomes judged right."""
    chosen = np.isfinite(said)
    truth: dict[tuple[float, int], list[np.ndarray]] = {case: [] for case in CASES}
    judged: dict[tuple[float, int], list[np.ndarray]] = {case: [] for case in CASES}
    for factor, count in CASES:
        for world in range(WORLDS):
            rng = np.random.default_rng([7, world])
            moved = rng.normal(0, factor * stated.lateness_logit, believed.ship_fixed.shape)
            price = np.maximum(0, 1 + rng.normal(0, factor * stated.cost_relative, moved.shape))
            truth[factor, count].append(_right(believed, result, moved, price)[chosen])
            judged[factor, count].append(_judged(believed, result, moved, price, count, rng)[chosen])
    band = np.searchsorted(BANDS, said[chosen], side="right") - 1
    region = believed.order_region[chosen]
    names = [f"{count:,} parcels" + (", lanes err twice as much" if factor > 1 else "") for factor, count in CASES]
    print(
        f"\nThe same choices judged by outcomes, {WORLDS} drawn worlds: right in truth / by what parcels show, half of"
    )
    print("them where the plan sends its own, half by chance.\n")
    print("| confidence | said | " + " | ".join(names) + " |\n|---|---|" + "---|" * len(CASES))
    edges = (*BANDS, 1.0)
    for at in np.unique(band):
        own = band == at
        pairs = [
            (np.mean(truth[case], axis=0)[own].mean(), np.mean(judged[case], axis=0)[own].mean()) for case in CASES
        ]
        cells = " | ".join(f"{right:.1%} / {seen:.1%}" for right, seen in pairs)
        print(f"| {edges[at]:.0%} – {edges[at + 1]:.0%} | {said[chosen][own].mean():.1%} | {cells} |")
    print()
    for case, name in zip(CASES, names, strict=True):
        off = np.mean(judged[case], axis=0) - np.mean(truth[case], axis=0)
        by_region = max(abs(off[region == r].mean()) for r in np.unique(region))
        agreed = np.mean([(j > 0.5) == t for j, t in zip(judged[case], truth[case], strict=True)])
        print(f"- {name}: {agreed:.1%} of choices judged as they were; largest distance of a region {by_region:.1%}")


def _right(believed: RoutingProblem, result: RoutingResult, moved: np.ndarray, price: np.ndarray) -> np.ndarray:
    assert isinstance(believed.lateness, LatenessLanes)
    lateness = replace(believed.lateness, lane_logit=believed.lateness.lane_logit + moved)
    true = replace(
        believed, ship_fixed=believed.ship_fixed * price, ship_per_kg=believed.ship_per_kg * price, lateness=lateness
    )
    return confidence(true, result, Uncertainty(0.0, 0.0), draws=1) == 1.0


def _judged(
    believed: RoutingProblem, result: RoutingResult, moved: np.ndarray, price: np.ndarray, count: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Share of draws in which each choice is right, by `count` parcels of this world."""
    assert isinstance(believed.lateness, LatenessLanes)
    nodes, regions, services = believed.shape
    sent = np.flatnonzero(result.line_node >= 0)
    line = rng.choice(sent, count)
    order = np.searchsorted(believed.order_line_start, line, side="right") - 1
    own = rng.random(count) < 0.5
    node = np.where(own, result.line_node[line], rng.integers(0, nodes, count))
    service = np.where(own, result.line_service[line], rng.integers(0, services, count))
    place = (node, believed.order_region[order], service)
    log_odds = believed.lateness.lane_logit[place] + believed.lateness.order_logit[order]
    late = rng.random(count) < expit(log_odds + moved[place])
    paid = price[place] * rng.lognormal(0, 0.05, count)
    lane = np.ravel_multi_index(place, (nodes, regions, services))
    errors = lane_errors((nodes, regions, services), lane, late.astype(float), expit(log_odds), paid)
    return right_under(believed, result, *errors.drawn(100, 0), 0.05).mean(axis=1)
