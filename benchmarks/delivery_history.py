"""Order-level histories of the twin, read from its truth, for measuring what the label layer recovers.

Belongs here: the table that the fairness benchmark and its test share. Does not belong here: the decomposition.
"""

import json
from pathlib import Path

import pandas as pd

HOUR, DAY = 3600, 86_400
FACTORS = (
    "distance_km",
    "nearest_km",
    "service",
    "node",
    "weather",
    "weather_next",
    "carrier",
    "weekday",
    "hour",
    "parcels",
)


def delivery_history(extracts: Path, truth: Path) -> pd.DataFrame:
    """One row per delivered order: hours to the recorded delivery and to the promise, the record's lag, and factors.

    Args:
        extracts: Folder of the extracts; only its weather signals are read.
        truth: Folder of the truth; orders and parcels, but none of the planted effects.
    """
    orders = pd.read_parquet(truth / "orders.parquet")
    parcels = pd.read_parquet(truth / "parcels.parquet").query("is_empty == 0").sort_values("delivered_at")
    last = parcels.groupby("order").last()[["service", "carrier", "distance_km", "node"]]
    delivered = orders[(orders["delivered_at"] > 0) & (orders["scanned_at"] > 0)]
    table = delivered.join(last, on="order").dropna(subset=["carrier"]).reset_index(drop=True)
    ordered = table["ordered_at"]
    table = table.assign(
        actual=(table["scanned_at"] - ordered) / HOUR, promise=(table["promised_at"] - ordered) / HOUR,
        lag=(table["scanned_at"] - table["delivered_at"]) / HOUR, day=ordered // DAY, weekday=ordered // DAY % 7,
        hour=ordered // HOUR % 24, node=table["node"].astype("str"), carrier=table["carrier"].astype("str"),
        nearest_km=table.groupby(["region_code", "area"])["distance_km"].transform("min"),
        date=pd.to_datetime(ordered, unit="s").dt.strftime("%Y-%m-%d"),
        post_area=table["region_code"] + "/" + table["area"].astype("str"),
    )  # fmt: skip
    storms = _severity(extracts / "outside" / "signals.jsonl")
    keys = list(zip(table["region_code"], table["shipped_at"] // DAY, strict=True))
    table["weather"] = [storms.get(key, 0.0) for key in keys]
    table["weather_next"] = [sum(storms.get((r, d + k), 0.0) for k in (1, 2, 3)) / 3 for r, d in keys]
    return table


def _severity(signals: Path) -> dict[tuple[str, int], float]:
    """Region and day → the worst weather of that day, by severity and the share of half a day that it lasted."""
    worst: dict[tuple[str, int], float] = {}
    for line in signals.read_text(encoding="utf-8").splitlines():
        signal = json.loads(line)
        if signal["kind"] != "weather_alert" or not signal["started"] or not signal["ended"]:
            continue
        start, end = (pd.Timestamp(signal[key]).timestamp() for key in ("started", "ended"))
        for day in range(int(start // DAY), int(end // DAY) + 1):
            hours = max(0.0, min(end, (day + 1) * DAY) - max(start, day * DAY)) / DAY
            key = (signal["region"], day)
            worst[key] = max(worst.get(key, 0.0), signal["severity"] * min(1.0, 2 * hours))
    return worst
