"""Forecasting stock-outs: the champion's probability for every node and product that has something left.

Belongs here: the job, what a stock-out is expected to cost. Does not belong here: layout of the files
(ml/io/forecasts), what is done about it (decisions/stockouts).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml.core.demand import lost_if_out
from ml.io.champion import NoChampion, load_champion
from ml.io.data import TableSource, published_table, read_batches, relation_of
from ml.io.forecasts import SCHEMA
from ml.io.predictions import file_for, write_once
from ml.io.registry import LoadedModel
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import STOCKOUT, ModelSpec
from ml.jobs.score import BATCH_ROWS, as_scored, require_probabilities, score_in_shadow
from ml.jobs.stock_rows import NEWEST
from workspace.files import sha256_of_json
from workspace.published import Snapshot
from workspace.settings import Settings

PRODUCTS = "dim_products"
_READ = ("stock_key", "warehouse_id", "product_id", "region_code", "observed_at", "horizon_hours", "on_hand_quantity",
         "available_quantity",
         "waiting_units", "expected_units", "inbound_units", "inbound_units_due",
         "inbound_next_due_hours", "daily_units_expected", "lump_units", "cover_days")  # fmt: skip


@dataclass(frozen=True)
class ForecastReport:
    """What a forecast did.

    Attributes:
        status: `forecast`, `reused` (the same version has forecast from the same data), or `refused` (no champion).
        version: The champion; empty when refused.
        reason: One sentence.
        rows: Rows in the file.
        path: The file; None when refused.
        shadow: What the challenger did beside it, one sentence; empty if there is none.
    """

    status: str
    version: str
    reason: str
    rows: int
    path: Path | None
    shadow: str = ""


#: Lets a version forecast from a table into a folder.
Forecast = Callable[[LoadedModel, TableSource, Path], ForecastReport]


def forecast_beside(stores: ModelStores, champion: LoadedModel, source: TableSource,
                    forecast: Forecast) -> ForecastReport:  # fmt: skip
    """The champion's forecast, after which the challenger makes its own in shadow.

    Args:
        stores: Open stores.
        champion: The version in service.
        source: What is read.
        forecast: How.
    """
    report = forecast(champion, source, stores.paths.forecasts)
    same = as_scored(source, report.path)
    shadow = score_in_shadow(
        stores, champion.model, lambda challenger: forecast(challenger, same, stores.paths.shadow).reason
    )
    return replace(report, shadow=shadow)


def forecast_once(path: Path, model: LoadedModel, as_of: datetime, schema: pa.Schema,
                  batches: Iterable[pa.RecordBatch]) -> ForecastReport:  # fmt: skip
    """Write the forecasts of a version, unless it has forecast from the same data before."""
    if path.is_file():
        reason = f"Version {model.version} has forecast from this very data; nothing was added."
        return ForecastReport("reused", model.version, reason, pq.read_metadata(path).num_rows, path)
    rows = write_once(path, batches, schema)
    reason = f"Version {model.version} forecast {rows:,} rows as of {as_of:%Y-%m-%d %H:%M} UTC."
    return ForecastReport("forecast", model.version, reason, rows, path)


@dataclass(frozen=True)
class ForecastStockJob:
    """Forecast from the newest count."""

    spec: ModelSpec = field(default=STOCKOUT)

    def run(self, settings: Settings, snapshot: Snapshot) -> ForecastReport:
        """Forecast every horizon and append one file; a second run on the same data and version adds nothing.

        Raises:
            ArtifactMismatch, DossierBroken: the champion's files are not those that were approved.
            PredictionsRefused: a prediction is not a probability.
            UnusableTable: the snapshot lacks the table or a column that the champion reads.
        """
        with open_stores(settings) as stores:
            try:
                champion = load_champion(stores, self.spec.name)
            except NoChampion as error:
                return ForecastReport("refused", "", str(error), 0, None)
            source = published_table(snapshot, self.spec.table, NEWEST)
            as_of = _newest_count(source)
            if as_of is None:
                return ForecastReport("refused", champion.version, "No node has anything of any product.", 0, None)

            def forecast(model: LoadedModel, counts: TableSource, folder: Path) -> ForecastReport:
                run = sha256_of_json({"model": self.spec.name, "version": model.version, "table": counts.digest})[:12]
                path = file_for(folder, self.spec.name, as_of, run)
                return forecast_once(path, model, as_of, SCHEMA, self._batches(model, counts, _prices(snapshot)))

            return forecast_beside(stores, champion, source, forecast)

    def _batches(self, version: LoadedModel, source: TableSource, prices: pd.DataFrame) -> Iterator[pa.RecordBatch]:
        scored_at = datetime.now(UTC).replace(tzinfo=None)
        categories = [name for name in version.features.of_kind("category") if name not in _READ]
        numbers = [name for name in version.features.of_kind("number") if name not in _READ]
        for batch in read_batches(source, [*_READ, *categories], numbers, "true", BATCH_ROWS):
            frame = batch.to_pandas()
            predicted = version.predict(frame)
            require_probabilities(predicted, frame["stock_key"])
            known = prices.reindex(frame["product_id"]).reset_index(drop=True)
            lost = predicted * lost_if_out(
                (frame["expected_units"] - frame["waiting_units"]).to_numpy(np.float64),
                frame["lump_units"].to_numpy(np.float64),
                (frame["available_quantity"] - frame["waiting_units"]).to_numpy(np.float64),
            )
            yield pa.RecordBatch.from_pydict(
                {
                    **{name: frame[name] for name in ("warehouse_id", "product_id", "region_code", "horizon_hours")},
                    "model_name": pa.repeat(self.spec.name, len(frame)),
                    "model_version": pa.repeat(version.version, len(frame)),
                    "as_of": frame["observed_at"],
                    "scored_at": pa.repeat(pa.scalar(scored_at, pa.timestamp("us")), len(frame)),
                    "stockout_probability": predicted,
                    "on_hand_units": frame["on_hand_quantity"],
                    "available_units": frame["available_quantity"],
                    "waiting_units": frame["waiting_units"],
                    "expected_units": frame["expected_units"],
                    "daily_units_expected": frame["daily_units_expected"],
                    "inbound_units": frame["inbound_units"],
                    "inbound_units_due": frame["inbound_units_due"],
                    "inbound_next_due_hours": pa.array(frame["inbound_next_due_hours"], pa.float64(), from_pandas=True),
                    "cover_days": pa.array(frame["cover_days"], pa.float64(), from_pandas=True),
                    "expected_lost_units": lost,
                    "expected_lost_amount": pa.array(lost * known["price"].to_numpy(), pa.float64(), from_pandas=True),
                    "currency": pa.array(known["currency"], pa.string(), from_pandas=True),
                    "data_snapshot": pa.repeat(source.snapshot, len(frame)),
                },
                schema=SCHEMA,
            )


def _newest_count(source: TableSource) -> datetime | None:
    with duckdb.connect(":memory:") as connection:
        row = connection.execute(f"select max(observed_at) from {source.relation}").fetchone()
    return row[0].replace(tzinfo=UTC) if row and row[0] else None


def _prices(snapshot: Snapshot) -> pd.DataFrame:
    """List price and currency by product; without the table nothing is known of money."""
    if PRODUCTS not in snapshot.tables:
        return pd.DataFrame({"price": np.empty(0), "currency": np.empty(0, dtype="object")})
    query = (
        "select product_id, cast(list_price_amount as double) as price, currency "
        f"from {relation_of(snapshot.path(PRODUCTS))}"
    )
    with duckdb.connect(":memory:") as connection:
        return connection.execute(query).df().set_index("product_id")
