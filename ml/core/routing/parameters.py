"""The weights and limits of a routing run, each with unit, range and the rule that a wrong value breaks.

Belongs here: `RoutingParameters`. Does not belong here: data of the orders (`problem`), or learning the weights.
"""

import math
from dataclasses import dataclass, field, fields
from typing import Any


def _number(default: float | None, low: float, high: float, unit: str, meaning: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "meaning": meaning})


@dataclass(frozen=True)
class RoutingParameters:
    """Weights in one money scale, and the limits of the search. Immutable; values out of range are refused by name.

    The objective of an answer is the sum over parcels of `shipping_weight × (fixed + per_kg × kg) + lateness_cost ×
    priority × P(late)`, plus `split_cost` for each parcel of an order after its first, `balance_cost` for each parcel
    over `balance_target × capacity` of its node, `scarcity_weight × scarcity − relief_weight × relief` for each unit
    taken, and `unfilled_cost × max(1, priority)` for each line that ships from nowhere. The same seed and data give
    the same answer on any number of threads, unless `time_limit` ends the run first.
    """

    shipping_weight: float = _number(1.0, 0, 1e6, "×", "weight of the shipping price")
    split_cost: float = _number(2.0, 0, 1e9, "money per extra parcel", "handling of a parcel after an order's first")
    lateness_cost: float = _number(10.0, 0, 1e9, "money per late parcel", "cost of a late parcel at priority 1")
    unfilled_cost: float = _number(50.0, 0, 1e9, "money per line", "cost of a line that ships from nowhere")
    balance_cost: float = _number(0.0, 0, 1e9, "money per parcel", "cost of a parcel over the target load of a node")
    balance_target: float = _number(0.8, 0, 1, "share of capacity", "load of a node that is still free of charge")
    scarcity_weight: float = _number(1.0, 0, 1e6, "×", "weight of the stock-out value of a unit")
    relief_weight: float = _number(1.0, 0, 1e6, "×", "weight of the credit for a unit out of overstock")
    regional_floor: float | None = _number(None, 0, 1, "share", "least expected on-time share of every region")
    regional_gap: float | None = _number(None, 0, 1, "share", "largest distance to the best region's on-time share")
    regional_rounds: int = _number(12, 1, 1000, "rounds", "updates of the regional prices")
    dual_rounds: int = _number(45, 0, 100_000, "rounds", "price updates of 100,000 orders; fewer orders take up to 6 ×")
    search_sweeps: int = _number(
        12, 0, 100_000, "sweeps", "sweeps over tight products of 100,000 orders; fewer take up to 6 ×"
    )
    time_limit: float | None = _number(None, 0, 1e6, "seconds", "wall time after which the best answer so far is given")
    threads: int = _number(0, 0, 1024, "threads", "0 takes every core this process may use")
    seed: int = _number(20_260_101, 0, 2**63 - 1, "", "seed of the neighbourhood search")
    exact_lines: int = _number(6, 1, 8, "lines", "orders up to this many lines are priced exactly")
    table_megabytes: float = _number(700.0, 1, 1e6, "MB", "memory for cost tables; exact_lines falls until they fit")

    def __post_init__(self) -> None:
        for item in fields(self):
            self._check(item.name, getattr(self, item.name), item.metadata, integer=isinstance(item.default, int))

    @staticmethod
    def _check(name: str, value: Any, rule: Any, *, integer: bool) -> None:
        if value is None and name in {"regional_floor", "regional_gap", "time_limit"}:
            return
        wanted = int if integer else (int, float)
        number = isinstance(value, wanted) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not rule["low"] <= value <= rule["high"]:
            kind = "a whole number" if integer else "a number"
            unit = f" {rule['unit']}" if rule["unit"] else ""
            raise ValueError(
                f"RoutingParameters.{name} ({rule['meaning']}) must be {kind} from {rule['low']:g} to {rule['high']:g}"
                f"{unit}; got {value!r}. Give a value in that range, or leave it out for the default."
            )
