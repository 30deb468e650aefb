"""Lead times of open orders on disk: append-only Parquet files, each as of one snapshot.

Belongs here: layout and columns. Does not belong here: how they are made (ml/jobs/forecast_lead_times), probabilities
of lateness (ml/io/predictions).

Layout: `forecasts/lead-time/<as_of>-<run>.parquet`. A file is written once and never changed.
"""

import pyarrow as pa

#: Published table of the newest file.
TABLE = "lead_time_predictions"
SCHEMA = pa.schema(
    [
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("region_code", pa.string(), nullable=False),
        pa.field("model_name", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("as_of", pa.timestamp("us"), nullable=False),
        pa.field("scored_at", pa.timestamp("us"), nullable=False),
        pa.field("ordered_at", pa.timestamp("us"), nullable=False),
        pa.field("promised_at", pa.timestamp("us")),
        pa.field("lower_hours", pa.float64(), nullable=False),
        pa.field("median_hours", pa.float64(), nullable=False),
        pa.field("upper_hours", pa.float64(), nullable=False),
        pa.field("service_level", pa.float64(), nullable=False),
        pa.field("promise_hours", pa.float64(), nullable=False),
        # The hour, rounded up, by which the order is there with the probability of the service level.
        pa.field("suggested_promise_at", pa.timestamp("us"), nullable=False),
        # It is open although its upper bound has passed: what the model said no longer holds for it.
        pa.field("is_beyond_interval", pa.bool_(), nullable=False),
        pa.field("data_snapshot", pa.string(), nullable=False),
    ]
)
