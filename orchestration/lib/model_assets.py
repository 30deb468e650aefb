"""What the assets of every model share: the snapshot that they read, what a person sees of a report, publication.

Belongs here: from a job's report to Dagster's metadata, one more table in the snapshot. Does not belong here: the
assets (orchestration/defs), the jobs (ml/jobs).
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from workspace.published import Snapshot, open_current, publish
from workspace.settings import Settings

if TYPE_CHECKING:
    from ml.jobs.audit import AuditReport
    from ml.jobs.forecast_stock import ForecastReport
    from ml.jobs.promote import PromoteReport
    from ml.jobs.train import TrainReport
    from ml.jobs.trial import TrialReport

Metadata = dict[str, Any]


@contextmanager
def leased_snapshot(settings: Settings) -> Iterator[Snapshot]:
    """The current snapshot, which no publication collects meanwhile."""
    snapshot = open_current(settings.paths.published)
    with snapshot.lease():
        yield snapshot


def numbers(values: Mapping[str, float]) -> dict[str, float]:
    """Numbers as Dagster plots them."""
    return {name: float(value) for name, value in values.items()}


def trained(report: "TrainReport") -> Metadata:
    """What a training found."""
    return {
        "status": report.status, "version": report.version, "mlflow_run": report.run_id, "reason": report.reason,
        "metrics_and_segments": dg.MetadataValue.md(report.markdown), **numbers(report.numbers),
    }  # fmt: skip


def promoted(
    report: "PromoteReport", audit: "AuditReport | None" = None, trial: "TrialReport | None" = None
) -> Metadata:
    """What the gates said, and what an audit and a trial of the same asset found before them."""
    found = {
        "status": report.status, "version": report.version, "state": report.state, "verdict": report.verdict,
        "champion": report.champion or "none", "reason": report.reason, "dossier": report.dossier,
        "gates": dg.MetadataValue.md(report.markdown), **numbers(report.numbers),
    }  # fmt: skip
    if audit:
        found |= {"audit": audit.reason, "report": dg.MetadataValue.path(str(audit.page))}
    return found | ({"trial": trial.reason} if trial else {})


def forecast(report: "ForecastReport") -> Metadata:
    """What was forecast, and where it lies."""
    return {
        "status": report.status, "version": report.version, "reason": report.reason, "dagster/row_count": report.rows,
        "file": dg.MetadataValue.path(str(report.path)), "shadow": report.shadow or "no challenger",
    }  # fmt: skip


def publish_table(settings: Settings, table: str, file: Path, notes: Mapping[str, object]) -> Snapshot:
    """Publish the snapshot with a copy of `file` as `table` in it; all other tables are carried over."""
    published = settings.paths.published
    with tempfile.TemporaryDirectory(dir=published, prefix=".export-") as scratch:
        copy = Path(shutil.copy(file, Path(scratch) / f"{table}.parquet"))
        return publish(published, {table: copy}, notes, settings.keep_snapshots)


def publish_forecast(settings: Settings, forecast: Callable[[Settings, Snapshot], "ForecastReport"], table: str,
                     notes: Mapping[str, object]) -> Metadata:  # fmt: skip
    """Publish as `table` what was forecast from the present data by the present version; nothing is forecast twice.

    Raises:
        dg.Failure: there is no such forecast.
    """
    with leased_snapshot(settings) as snapshot:
        found = forecast(settings, snapshot)
    if found.path is None:
        raise dg.Failure(f"There is no forecast to publish: {found.reason}")
    return publication(publish_table(settings, table, found.path, notes), table)


def publication(snapshot: Snapshot, table: str) -> Metadata:
    """Which snapshot holds a table now, and how many rows of it."""
    return {"snapshot": snapshot.version, "dagster/row_count": int(str(snapshot.tables[table]["rows"]))}
