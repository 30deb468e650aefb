"""Routing policies in the twin: rules, ours, ours with bounded regions, ours with wrong predictions; paired luck.

Run: `.venv/bin/python -m benchmarks.bench_policies [--preset demo] [--days 7] [--replications 20] [--policies NAME …]`.
Prints markdown. `--preset headline --days 14 --replications 2` is the full size. Parameters were chosen on other luck
(seeds 500 to 503) than that of the judged replications.

`--lateness-cost A B …` makes one row for each: the curve of cost against on-time. `--keep FILE` writes every
replication down as soon as it ends and goes on from there, so that a long comparison may be run in pieces.

Two rows are no policies that anybody could have: `knows every fate` foresees what happens to each parcel, so that it
says what better predictions could gain at most; `lateness at any price` spends whatever its predictions ask for.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.policy_foresight import Clairvoyant
from decisions.routing.rehearsal import rehearsed
from decisions.routing.twin_policy import Optimised, constrained
from twin.dispatch import Policy, rule_policy
from twin.parameters import load_preset
from twin.testbed import Outcome, simulate
from twin.world import World, build_world

FIGURES = ("cost_per_order", "on_time_share", "split_share", "cross_region_share", "stock_out_share", "unfilled_share",
           "waited_share", "hours_to_door")  # fmt: skip
#: Delivered orders at which a region counts for the worst one.
FEWEST = 50
REGIONAL_GAP = 0.15
#: Standard deviations, in log-odds, of predictions that are wrong by lane and wave.
ERRORS = (0.5, 1.0)
#: Money of a late parcel that outweighs every lane.
ANY_PRICE = 5_000.0
GOAL_COST, GOAL_ON_TIME = -0.12, 0.10


#: Luck → policy.
Make = Callable[[int], Policy]


def policies(world: World, ours: Optimised) -> dict[str, Make]:
    """Name → what makes the policy; the first is the one that all are measured against."""
    rules = {name: _rule(name, world) for name in ("historic", "nearest", "cheapest")}
    wrong = {f"ours, predictions wrong by {error}": _always(replace(ours, error=error)) for error in ERRORS}
    dear = replace(ours.parameters, lateness_cost=ANY_PRICE, unfilled_cost=20 * ANY_PRICE)
    return {
        **rules, "ours": _always(ours), "ours, regions bounded": lambda _seed: constrained(ours, REGIONAL_GAP),
        **wrong, "knows every fate": lambda seed: replace(ours, lateness=Clairvoyant(world, seed)),
        "lateness at any price": _always(replace(ours, parameters=dear)),
    }  # fmt: skip


def _rule(name: str, world: World) -> Make:
    return lambda _seed: rule_policy(name, world.parameters)


def _always(policy: Policy) -> Make:
    return lambda _seed: policy


def worst_region(outcome: Outcome) -> float:
    """Lowest on-time share of a region with enough orders."""
    shares = [
        figures["on_time_share"] for place, figures in outcome.by_region.items() if outcome.support[place] >= FEWEST
    ]
    return min(float(share) for share in shares if share is not None)


def values_of(outcome: Outcome) -> dict[str, float]:
    """Figure → value, the worst region among them."""
    found = {name: float(outcome.figures[name] or 0.0) for name in FIGURES}
    return {**found, "worst_region": worst_region(outcome)}


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % t-interval."""
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()), float(values.mean()) - half, float(values.mean()) + half


def priced(ours: Optimised, lateness_cost: float) -> Optimised:
    """The policy with another price of a late standard order."""
    return replace(ours, parameters=replace(ours.parameters, lateness_cost=lateness_cost))


def main() -> None:
    """Print the figures of each policy and its paired differences to history's rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--replications", type=int, default=20)
    parser.add_argument("--lateness-cost", type=float, nargs="+", default=[], help="a row of ours for each price")
    parser.add_argument("--policies", nargs="*", metavar="NAME", help="of the rows; the first is what all are held to")
    parser.add_argument(
        "--keep", type=Path, help="JSON lines, one a policy and replication, read again by the next run"
    )
    arguments = parser.parse_args()
    world = build_world(load_preset(arguments.preset, days=arguments.days))
    begin = time.perf_counter()
    ours = rehearsed(world)
    made = policies(world, ours)
    if unknown := set(arguments.policies or ()) - set(made):
        parser.error(f"no policy {', '.join(sorted(unknown))}; there are: {', '.join(made)}")
    made = {name: made[name] for name in arguments.policies or made}
    made |= {f"ours, {cost:g} for a late order": _always(priced(ours, cost)) for cost in arguments.lateness_cost}
    kept = Kept(arguments.keep, f"{arguments.preset} {arguments.days}")
    for turn in range(1, arguments.replications + 1):
        seed = world.parameters.seed + turn
        for name, make in made.items():
            if (name, turn) not in kept.rows:
                kept.add(name, turn, values_of(simulate(make(seed), world, seed)))
        print(f"{turn} of {arguments.replications}, {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    found = {name: [kept.rows[name, turn] for turn in range(1, arguments.replications + 1)] for name in made}
    print(
        f"`{arguments.preset}` over {arguments.days} days, {arguments.replications} paired replications. A late "
        f"standard order costs {ours.parameters.lateness_cost:g} unless said otherwise; the worst region is of those "
        f"with at least {FEWEST} orders.\n"
    )
    _means(found)
    _differences(found)


class Kept:
    """Figures by policy and replication, in memory and, where given, in a file; lines of other worlds are not read."""

    def __init__(self, file: Path | None, world: str) -> None:
        self.file, self.world = file, world
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.is_file() else []
        found = [json.loads(line) for line in lines]
        self.rows = {(row["policy"], row["turn"]): row["values"] for row in found if row["world"] == world}

    def add(self, policy: str, turn: int, values: dict[str, float]) -> None:
        """Keep one."""
        self.rows[policy, turn] = values
        if self.file:
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"world": self.world, "policy": policy, "turn": turn, "values": values}) + "\n")


def _means(found: dict[str, list[dict[str, float]]]) -> None:
    names = [*FIGURES, "worst_region"]
    print("| policy | " + " | ".join(name.replace("_", " ") for name in names) + " |\n|---|" + "---|" * len(names))
    for policy, rows in found.items():
        means = [np.mean([row[name] for row in rows]) for name in names]
        cells = [f"{mean:.2f}" if name in ("cost_per_order", "hours_to_door") else f"{mean:.3f}"
                 for name, mean in zip(names, means, strict=True)]  # fmt: skip
        print(f"| {policy} | {' | '.join(cells)} |")


def _differences(found: dict[str, list[dict[str, float]]]) -> None:
    base = next(iter(found))
    print(f"\nAgainst `{base}` on the same luck, mean and 95 % interval of the paired differences:\n")
    print("| policy | cost | on time, points | worst region, points | unfilled, points |\n|---|---|---|---|---|")
    for policy, rows in list(found.items())[1:]:
        cells = []
        for name in ("cost_per_order", "on_time_share", "worst_region", "unfilled_share"):
            old = np.array([row[name] for row in found[base]])
            new = np.array([row[name] for row in rows])
            change = (new / old - 1) if name == "cost_per_order" else new - old
            mean, low, high = (100 * value for value in interval(change))
            unit = " %" if name == "cost_per_order" else ""
            cells.append(f"{mean:+.1f}{unit} ({low:+.1f} – {high:+.1f})")
        print(f"| {policy} | {' | '.join(cells)} |")
    if "ours" not in found:
        return
    pairs = list(zip(found["ours"], found[base], strict=True))
    cost = np.mean([a["cost_per_order"] / b["cost_per_order"] - 1 for a, b in pairs])
    on_time = np.mean([a["on_time_share"] - b["on_time_share"] for a, b in pairs])
    print(f"\n- cost {GOAL_COST:.0%} or better: {'met' if cost <= GOAL_COST else '**missed**'}")
    print(f"- on time {100 * GOAL_ON_TIME:+.0f} points or better: {'met' if on_time >= GOAL_ON_TIME else '**missed**'}")


if __name__ == "__main__":
    main()
