"""Lead times of open orders: the champion's median, 90 % interval and promise, appended once a state of the data.

Belongs here: the job, which orders are asked about, validation of what comes out. Does not belong here: layout of the
files (ml/io/lead_times), the method (ml/core/lead_times).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.core.lead_times import SERVICES, LeadTimeModel
from ml.io.champion import NoChampion, load_champion
from ml.io.data import TableSource, published_table, read_batches
from ml.io.lead_times import SCHEMA
from ml.io.predictions import file_for
from ml.io.registry import LoadedModel
from ml.io.stores import open_stores
from ml.jobs.catalogue import LEAD_TIME, ModelSpec
from ml.jobs.forecast_stock import ForecastReport, forecast_beside, forecast_once
from ml.jobs.lead_times import LONGEST_DAYS, SERVICE
from ml.jobs.score import BATCH_ROWS, PredictionsRefused
from ml.jobs.train_lead_times import lead_time_model
from workspace.files import sha256_of_json
from workspace.published import Snapshot
from workspace.settings import Settings


@dataclass(frozen=True)
class ForecastLeadTimesJob:
    """Forecast the lead time of every open order.

    Attributes:
        spec: The model.
        service: Service level of the suggested promises.
    """

    spec: ModelSpec = field(default=LEAD_TIME)
    service: float = SERVICE

    def run(self, settings: Settings, snapshot: Snapshot) -> ForecastReport:
        """Forecast and append one file; a second run on the same data and version adds nothing.

        Raises:
            ArtifactMismatch, DossierBroken: the champion's files are not those that were approved.
            PredictionsRefused: a bound is not a number of hours, or the snapshot does not say as of when it is.
            UnusableTable: the snapshot lacks the table or a column that the champion reads.
            ValueError: the service level is out of reach.
        """
        if not SERVICES[0] <= self.service <= SERVICES[-1]:
            raise ValueError(f"A service level lies within {SERVICES[0]} and {SERVICES[-1]}; got {self.service}.")
        with open_stores(settings) as stores:
            try:
                champion = load_champion(stores, self.spec.name)
            except NoChampion as error:
                return ForecastReport("refused", "", str(error), 0, None)
            source = published_table(snapshot, self.spec.table, self.spec.view)
            if source.as_of is None:
                raise PredictionsRefused(
                    f"Snapshot {source.snapshot} does not say as of when it is. Publish with the note `as_of`."
                )
            as_of = source.as_of.to_pydatetime()

            def forecast(model: LoadedModel, orders: TableSource, folder: Path) -> ForecastReport:
                run = sha256_of_json({"model": self.spec.name, "version": model.version, "table": orders.digest,
                                      "service": self.service})[:12]  # fmt: skip
                path = file_for(folder, self.spec.name, as_of, run)
                return forecast_once(path, model, as_of, SCHEMA, self._batches(model, orders))

            return forecast_beside(stores, champion, source, forecast)

    def _batches(self, version: LoadedModel, source: TableSource) -> Iterator[pa.RecordBatch]:
        roles = self.spec.roles
        model = lead_time_model(version.estimator)
        scored_at = datetime.now(UTC).replace(tzinfo=None)
        as_of = pd.Timestamp(source.as_of).tz_convert("UTC").tz_localize(None)
        columns = list(dict.fromkeys([roles.key, roles.time, "promised_at", roles.groups[0],
                                      *version.features.of_kind("category")]))  # fmt: skip
        since = as_of - pd.Timedelta(days=LONGEST_DAYS)
        where = f'"{roles.target}" is null and "{roles.time}" >= timestamp \'{since}\''
        for batch in read_batches(source, columns, version.features.of_kind("number"), where, BATCH_ROWS):
            frame = batch.to_pandas()
            stated = stated_hours(model, frame, self.service)
            ordered = pd.to_datetime(frame[roles.time]).astype("datetime64[us]")
            promised = (ordered + pd.to_timedelta(stated["promise_hours"], unit="h")).dt.ceil("h")
            beyond = (as_of - ordered) / pd.Timedelta(hours=1) > stated["upper_hours"]
            yield pa.RecordBatch.from_pydict(
                {
                    "order_id": batch.column(roles.key).cast(pa.string()),
                    "region_code": frame[roles.groups[0]].fillna("unknown").astype(str),
                    "model_name": pa.repeat(self.spec.name, len(frame)),
                    "model_version": pa.repeat(version.version, len(frame)),
                    "as_of": pa.repeat(pa.scalar(as_of.to_pydatetime(), pa.timestamp("us")), len(frame)),
                    "scored_at": pa.repeat(pa.scalar(scored_at, pa.timestamp("us")), len(frame)),
                    "ordered_at": pa.array(ordered, pa.timestamp("us"), from_pandas=True),
                    "promised_at": pa.array(frame["promised_at"], pa.timestamp("us"), from_pandas=True),
                    **{name: stated[name] for name in stated},
                    "service_level": pa.repeat(self.service, len(frame)),
                    "suggested_promise_at": pa.array(promised, pa.timestamp("us"), from_pandas=True),
                    "is_beyond_interval": beyond.to_numpy(),
                    "data_snapshot": pa.repeat(source.snapshot, len(frame)),
                },
                schema=SCHEMA,
            )


def stated_hours(model: LeadTimeModel, orders: pd.DataFrame, service: float) -> pd.DataFrame:
    """The model's bounds and `promise_hours` of orders, checked.

    Raises:
        PredictionsRefused: one is not a finite, rising number of hours.
    """
    stated = model.predict(orders).assign(promise_hours=model.promise(orders, service))
    bounds = stated[["lower_hours", "median_hours", "upper_hours"]].to_numpy()
    sound = (
        np.isfinite(stated.to_numpy()).all(axis=1) & (bounds[:, 0] >= 0) & (np.diff(bounds, axis=1) >= 0).all(axis=1)
    )
    if not sound.all():
        raise PredictionsRefused(
            f"Bounds must be finite, rising hours; {int((~sound).sum())} rows are not, the first is "
            f"{stated[~sound].iloc[0].to_dict()}. Nothing was written. Roll back, or mend the features."
        )
    return stated
