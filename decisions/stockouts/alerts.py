"""Alerts of stock-outs: made from the published forecasts, kept as they were decided.

Belongs here: reading what an alert needs, the file of alerts. Does not belong here: the choice
(decisions/stockouts/policy), looking back (decisions/stockouts/review).

Layout: `forecasts/stockout-alerts/<as_of>-<run>.parquet`, written once and never changed.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from decisions.stockouts.policy import AlertPolicy, decide
from ml.io.forecasts import SCHEMA as FORECAST
from ml.io.predictions import file_for, write_once
from workspace.files import sha256_of_json
from workspace.published import Snapshot
from workspace.settings import Settings

FORECASTS, ALERTS, FOLDER = "stockout_predictions", "stockout_alerts", "stockout-alerts"
SCHEMA = pa.schema(
    [
        *(entry for entry in FORECAST if entry.name not in ("model_name", "scored_at")),
        pa.field("action", pa.string(), nullable=False),
        pa.field("transfer_from", pa.string()),
        pa.field("transfer_units", pa.int64(), nullable=False),
        pa.field("arrival_probability", pa.float64()),
        pa.field("lost_units_with_transfer", pa.float64(), nullable=False),
        pa.field("lost_amount_with_transfer", pa.float64()),
        pa.field("notify_customers", pa.bool_(), nullable=False),
    ]
)

_TRANSFERS = """
select origin_warehouse_id, warehouse_id, epoch(received_at - created_at) / 3600.0 as hours
from fct_inbound_deliveries
where kind = 'transfer' and origin_warehouse_id is not null and received_at >= created_at
    and received_at <= (select max(as_of) from stockout_predictions)
"""


class NothingForecast(RuntimeError):
    """The snapshot holds no forecasts of stock-outs."""


@dataclass(frozen=True)
class AlertReport:
    """What a round of alerts found: `status` is `decided` or `reused`."""

    status: str
    alerts: pd.DataFrame
    path: Path


@dataclass(frozen=True)
class StockAlertJob:
    """Decide on the newest forecasts."""

    policy: AlertPolicy = field(default_factory=AlertPolicy)

    def run(self, settings: Settings, snapshot: Snapshot) -> AlertReport:
        """Decide and keep the alerts; a second run on the same forecasts adds nothing.

        Raises:
            NothingForecast: no forecasts are published.
        """
        if FORECASTS not in snapshot.tables:
            raise NothingForecast(
                f"Snapshot {snapshot.version} holds no {FORECASTS}. Run `oi run everything`; its log says why nothing "
                f"is forecast, such as a model without champion."
            )
        facts = {name: str(snapshot.tables[name]["sha256"]) for name in (FORECASTS, "fct_inbound_deliveries")}
        run = sha256_of_json({**facts, "policy": asdict(self.policy)})[:12]
        with snapshot.connect() as connection:
            forecasts = connection.execute(f"select * from {FORECASTS}").df()
            transfers = connection.execute(_TRANSFERS).df()
            nodes = connection.execute("select warehouse_id, latitude, longitude from dim_warehouses").df()
        as_of = pd.Timestamp(forecasts["as_of"].max()).tz_localize("UTC").to_pydatetime()
        path = file_for(settings.paths.forecasts, FOLDER, as_of, run)
        if path.is_file():
            return AlertReport("reused", pq.read_table(path).to_pandas(), path)
        alerts = decide(forecasts, transfers, nodes, self.policy)
        table = pa.Table.from_pandas(alerts[SCHEMA.names], schema=SCHEMA, preserve_index=False)
        write_once(path, table.to_batches(), SCHEMA)
        return AlertReport("decided", table.to_pandas(), path)
