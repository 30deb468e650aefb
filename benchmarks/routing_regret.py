"""Where the regret of orders committed at once comes from: what each kind of knowledge of the day would be worth.

Belongs here: forecasts that no policy could have, and the same router under each. Does not belong here: the clock and
the policies themselves (`routing_day`), the best policy where it can be computed (`routing_best`).

Every oracle is a set of days that the prices are a mean over, so the router under it differs in nothing else.
"""

import functools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing_day import Day, at_once, joined, make_day, with_window
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.solve import solve_batch

ORDERS, PRODUCTS, DAYS = 10_000, 1_778, 8
QUICK = RoutingParameters(dual_rounds=12, search_sweeps=6)


def by_knowledge() -> None:
    """Print what the router loses by what the forecast knows."""
    print("\n### Where the regret comes from\n")
    day = make_day(ORDERS, PRODUCTS, days=DAYS)
    bound = solve_batch(day.today).lower_bound
    print("| committed at once, prices re-solved hourly from | regret |\n|---|---|")
    for name, known, reaction in forecasts(day):
        regret = at_once(known, QUICK, reaction, priced=True).objective / bound - 1
        print(f"| {name} | {regret:.2%} |", flush=True)


def by_demand() -> None:
    """Print the regret with a longer search, and where products sell ten times as often."""
    print("\n### Regret on other days\n")
    day = make_day(ORDERS, PRODUCTS, days=DAYS)
    bound = solve_batch(day.today).lower_bound
    window = with_window(day, replace(QUICK, dual_rounds=45, search_sweeps=12), 12).objective / bound - 1
    print(f"- re-assignable for 12 h, with 45 dual rounds and 12 sweeps: {window:.2%}", flush=True)
    often = make_day(ORDERS, PRODUCTS // 10 + 3, days=DAYS)
    bound = solve_batch(often.today).lower_bound
    arrival = at_once(often, QUICK, 0.0, priced=True).objective / bound - 1
    window = with_window(often, QUICK, 12).objective / bound - 1
    print(f"- 56 orders a product: at once {arrival:.2%}, re-assignable for 12 h {window:.2%}", flush=True)


def forecasts(day: Day) -> list[tuple[str, Day, float]]:
    """Name, days that the forecast is made of, and reaction of prices to sales."""
    today = day.today
    line_hour = np.repeat(day.hour, np.diff(today.order_line_start))
    line_region = np.repeat(today.order_region, np.diff(today.order_line_start))
    return [
        (f"{DAYS} past days", day, 0.0),
        (f"{DAYS} past days; each sale lifts the price of its cell", day, 1.0),
        (f"{2 * DAYS} past days", make_day(today.orders, len(today.product_weight_kg), days=2 * DAYS), 0.0),
        ("this day's units by product and hour", _foretold(day, lines=line_hour), 0.0),
        ("this day's units by product, region and hour", _foretold(day, lines=line_hour * 1000 + line_region), 0.0),
        ("this day's orders, their regions by hour", _foretold(day, regions=day.hour), 0.0),
        ("this day itself", replace(day, history=today, history_hour=day.hour, days=1), 0.0),
    ]


def _foretold(day: Day, lines: NDArray[np.int64] | None = None, regions: NDArray[np.int64] | None = None) -> Day:
    """The day with a forecast of `DAYS` shuffles of itself, which know how many there are of each label and no more.

    Lines change places among those of the same label (L,), regions among orders of the same label (O,).
    """
    rng, today = np.random.default_rng(1), day.today
    shuffles = []
    for _ in range(DAYS):
        line = np.arange(today.lines) if lines is None else _shuffled(lines, rng)
        order = np.arange(today.orders) if regions is None else _shuffled(regions, rng)
        shuffles.append(
            replace(
                today,
                line_product=today.line_product[line],
                line_quantity=today.line_quantity[line],
                order_region=today.order_region[order],
            )
        )
    history = functools.reduce(joined, shuffles)
    return replace(day, history=history, history_hour=np.tile(day.hour, DAYS), days=DAYS)


def _shuffled(label: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A random permutation that moves nothing to a place of another label."""
    place = np.empty(len(label), np.int64)
    place[np.argsort(label, kind="stable")] = np.lexsort((rng.random(len(label)), label))
    return place
