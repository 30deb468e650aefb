"""Stock-out alerts of the console's test company, published as the rooms that make them publish them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from decisions.stockouts.alerts import ALERTS, FORECASTS
from decisions.stockouts.alerts import SCHEMA as ALERT
from ml.io.forecasts import SCHEMA as FORECAST
from workspace.published import publish
from workspace.settings import Settings

FORECAST_ROW = {
    "warehouse_id": "w1", "product_id": "p0001", "region_code": "CN-GD", "horizon_hours": 48,
    "model_name": "stockout-risk", "model_version": "2", "as_of": datetime(2026, 5, 31, 6),
    "scored_at": datetime(2026, 5, 31, 7), "stockout_probability": 0.5, "on_hand_units": 7, "available_units": 3,
    "waiting_units": 5,
    "expected_units": 4.25, "daily_units_expected": 2.1, "inbound_units": 8, "inbound_units_due": 6,
    "inbound_next_due_hours": 30.0, "cover_days": 1.4, "expected_lost_units": 1.5, "expected_lost_amount": 1200.0,
    "currency": "CNY", "data_snapshot": "s1",
}  # fmt: skip
ALERT_ROW = {
    **FORECAST_ROW, "action": "transfer", "transfer_from": "w2", "transfer_units": 4, "arrival_probability": 0.93,
    "lost_units_with_transfer": 0.25, "lost_amount_with_transfer": 200.0, "notify_customers": True,
}  # fmt: skip
NO_TRANSFER = {
    "action": "none", "transfer_from": None, "transfer_units": 0, "arrival_probability": None,
    "lost_units_with_transfer": 1.5, "lost_amount_with_transfer": None, "expected_lost_amount": None,
    "notify_customers": False,
}  # fmt: skip


def publish_alerts(settings: Settings, tmp_path: Path, *changes: dict[str, Any]) -> None:
    """Publish an alert for each of `changes`, with forecasts of 24, 48 and 72 hours that rise by a tenth each.

    `stockout_probability` is that of 48 hours.
    """
    alerts = [{**ALERT_ROW, **change} for change in changes]
    forecasts = [
        {**alert, "horizon_hours": hours, "stockout_probability": alert["stockout_probability"] + more}
        for alert in alerts for hours, more in ((24, -0.1), (48, 0.0), (72, 0.1))
    ]  # fmt: skip
    tables = {}
    for name, schema, rows in ((ALERTS, ALERT, alerts), (FORECASTS, FORECAST, forecasts)):
        tables[name] = tmp_path / f"{name}.parquet"
        kept = [{column: row[column] for column in schema.names} for row in rows]
        pq.write_table(pa.Table.from_pylist(kept, schema=schema), tables[name])
    publish(settings.paths.published, tables, {}, keep=3)
