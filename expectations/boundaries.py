"""The boundaries that are validated: the one table from a boundary's name to its suite and its data.

Belongs here: the table. Does not belong here: the suites themselves (`suites/`) or running them (`runner.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from expectations.checks import Suite
from expectations.suites import features, landing, lead_time_forecasts, marts, master_data, predictions, stock_forecasts
from sources.contracts import load_contract
from workspace.settings import CompanyPaths, Settings

#: Forecasts lie in a folder of the registered model's name; alerts lie beside it.
STOCKOUT_MODEL, LEAD_TIME_MODEL = "stockout-risk", "lead-time"


class UnknownBoundary(ValueError):
    """No suite has that name."""


@dataclass(frozen=True)
class Boundary:
    """A place in the way of the data where rows are validated.

    Attributes:
        suite: Builds the suite.
        files: Table → Parquet for boundaries that are read from files; None for those in the warehouse.
        is_append_only: Its files lie in folders by day, and are added and never rewritten.
    """

    suite: Callable[[], Suite]
    files: Callable[[CompanyPaths], Mapping[str, Path]] | None = None
    is_append_only: bool = False


def _landing_files(paths: CompanyPaths) -> dict[str, Path]:
    # Through the link to the present version, so that a landing in the meantime does not move files under the reader.
    landing = paths.landing.resolve()
    return {table: landing / table for table in load_contract()}


def _prediction_files(paths: CompanyPaths) -> dict[str, Path]:
    return _newest(predictions.TABLE, paths.predictions)


def _forecast_files(paths: CompanyPaths) -> dict[str, Path]:
    return _newest(stock_forecasts.TABLE, paths.forecasts / STOCKOUT_MODEL)


def _lead_time_files(paths: CompanyPaths) -> dict[str, Path]:
    return _newest(lead_time_forecasts.TABLE, paths.forecasts / LEAD_TIME_MODEL)


def _newest(table: str, folder: Path) -> dict[str, Path]:
    # Batches are append-only and each is validated when it is new: an order stands in many of them, once in each.
    batches = sorted(folder.rglob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return {table: batches[-1]} if batches else {}


BOUNDARIES: dict[str, Boundary] = {
    "landing": Boundary(landing.suite, _landing_files, is_append_only=True),
    "master_data": Boundary(master_data.suite),
    "marts": Boundary(marts.suite),
    "features": Boundary(features.suite),
    "predictions": Boundary(predictions.suite, _prediction_files),
    "stock_forecasts": Boundary(stock_forecasts.suite, _forecast_files),
    "lead_time_forecasts": Boundary(lead_time_forecasts.suite, _lead_time_files),
}


def suite_for(boundary: str) -> Suite:
    """The suite of a boundary.

    Raises:
        UnknownBoundary: there is none of that name.
    """
    return _boundary(boundary).suite()


def reads_warehouse(boundary: str) -> bool:
    """Whether a boundary's tables lie in the warehouse."""
    return _boundary(boundary).files is None


def is_append_only(boundary: str) -> bool:
    """Whether files of a boundary are added and never rewritten, so that what held of them still holds."""
    return _boundary(boundary).is_append_only


def default_files(settings: Settings, boundary: str) -> Mapping[str, Path]:
    """Table → Parquet of a boundary that is read from files."""
    locate = _boundary(boundary).files
    return locate(settings.paths) if locate is not None else {}


def _boundary(name: str) -> Boundary:
    if name not in BOUNDARIES:
        raise UnknownBoundary(f"A boundary is one of {', '.join(BOUNDARIES)}; got {name!r}.")
    return BOUNDARIES[name]
