"""Stock-out forecasts on disk: append-only Parquet files, each as of one count.

Belongs here: layout and columns. Does not belong here: how they are made (ml/jobs/forecast_stock), predictions about
orders (ml/io/predictions).

Layout: `forecasts/<model>/<as_of>-<run>.parquet`. A file is written once and never changed.
"""

from pathlib import Path

import pyarrow as pa

from ml.io.predictions import files_of

SCHEMA = pa.schema(
    [
        pa.field("warehouse_id", pa.string(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("region_code", pa.string(), nullable=False),
        pa.field("horizon_hours", pa.int32(), nullable=False),
        pa.field("model_name", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("as_of", pa.timestamp("us"), nullable=False),
        pa.field("scored_at", pa.timestamp("us"), nullable=False),
        pa.field("stockout_probability", pa.float64(), nullable=False),
        pa.field("on_hand_units", pa.int64(), nullable=False),
        pa.field("available_units", pa.int64(), nullable=False),
        pa.field("waiting_units", pa.int64(), nullable=False),
        pa.field("expected_units", pa.float64(), nullable=False),
        pa.field("daily_units_expected", pa.float64(), nullable=False),
        pa.field("inbound_units", pa.int64(), nullable=False),
        pa.field("inbound_units_due", pa.int64(), nullable=False),
        pa.field("inbound_next_due_hours", pa.float64()),
        pa.field("cover_days", pa.float64()),
        pa.field("expected_lost_units", pa.float64(), nullable=False),
        pa.field("expected_lost_amount", pa.float64()),
        pa.field("currency", pa.string()),
        pa.field("data_snapshot", pa.string(), nullable=False),
    ]
)


def newest_file(folder: Path, model: str) -> Path | None:
    """The forecasts as of the newest count; None when nothing was forecast."""
    files = files_of(folder, model)
    return files[-1] if files else None
