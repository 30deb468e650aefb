"""Generating a company: run the history, write every system's extract and the truth, whole or not at all.

Belongs here: the order of writing, building folders, the completeness marker. Does not belong here: what a system writes
(`twin.systems`).
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from twin.calibration import Calibration
from twin.engine import DayResult, Simulation
from twin.parameters import TwinParameters
from twin.systems.care import Care, write_outside
from twin.systems.channels import Channels
from twin.systems.codes import SYSTEM_OF_CHANNEL
from twin.systems.customers import CustomerBook
from twin.systems.defects import LOG_SCHEMA, DefectLog
from twin.systems.files import Files
from twin.systems.fulfilment import Fulfilment
from twin.systems.masters import Masters
from twin.tables import length
from twin.truth import Truth
from twin.world import World, build_world
from workspace.files import sha256_of_json, write_atomically
from workspace.settings import CompanyPaths

MARKER = "_COMPLETE.json"
Progress = Callable[[int, int], None]


class GenerationFailed(RuntimeError):
    """The extract could not be written; nothing of it is left."""


@dataclass(frozen=True)
class GenerationReport:
    """What was generated.

    Attributes:
        extracts, truth: The folders.
        digest: SHA-256 of the parameters.
        days, orders, lines, parcels: Counts.
        rows: Data rows by file of the extract.
        seconds: Wall time.
    """

    extracts: Path
    truth: Path
    digest: str
    days: int
    orders: int
    lines: int
    parcels: int
    rows: dict[str, int]
    seconds: float


def generate(
    parameters: TwinParameters, out: Path, truth: Path, progress: Progress | None = None
) -> GenerationReport:
    """Write the extracts of a simulated company to `out` and its truth to `truth`.

    Both are built beside their places and renamed when they are whole; an earlier generation there is replaced.

    Args:
        parameters: The company.
        out: Folder of the extracts; one folder a system appears in it.
        truth: Folder of the truth; must not lie inside `out`.
        progress: Called with (days done, days) after each day.

    Raises:
        GenerationFailed: a folder holds something else, or the disk is full or refuses; what was half-written is removed.
    """
    out, truth = out.absolute(), truth.absolute()
    if truth == out or out in truth.parents:
        raise GenerationFailed(f"The truth must not lie with the extracts, where pipelines read; got {truth} in {out}.")
    for folder in (out, truth):
        _refuse_foreign(folder)
    started = time.perf_counter()
    building = {folder: folder.parent / f".building-{folder.name}" for folder in (out, truth)}
    try:
        for path in building.values():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        counts, rows = _write(build_world(parameters), building[out], building[truth], progress)
        digest = sha256_of_json(parameters.model_dump(mode="json"))
        marker = {"name": parameters.name, "digest": digest, "days": parameters.days, "rows": dict(sorted(rows.items()))}
        for folder in (truth, out):
            write_atomically(building[folder] / MARKER, json.dumps(marker, indent=1) + "\n")
        for folder in (truth, out):
            _replace(building[folder], folder)
    except (OSError, sqlite3.Error, pl.exceptions.PolarsError) as error:
        raise GenerationFailed(
            f"The extract could not be written: {error}. Nothing of it is left; make room in {out.parent} (or choose "
            f"another folder) and run it again."
        ) from error
    finally:
        for path in building.values():
            shutil.rmtree(path, ignore_errors=True)
    return GenerationReport(
        out, truth, digest, parameters.days, counts["orders"], counts["lines"], counts["parcels"], rows,
        time.perf_counter() - started,
    )  # fmt: skip


def is_generated(parameters: TwinParameters, out: Path, truth: Path) -> bool:
    """Whether `out` and `truth` hold a whole generation of exactly these parameters."""
    digest = sha256_of_json(parameters.model_dump(mode="json"))
    for folder in (out, truth):
        marker = folder / MARKER
        if not marker.is_file() or json.loads(marker.read_text(encoding="utf-8"))["digest"] != digest:
            return False
    return True


def _write(world: World, out: Path, truth_root: Path, progress: Progress | None) -> tuple[dict[str, int], dict[str, int]]:
    p = world.parameters
    end = world.start + p.days * 86_400 - 1
    files, log = Files(out), DefectLog(p.seed, p.defects)
    channels, fulfilment = Channels(world, log, files, end), Fulfilment(world, log, files, end)
    care, book = Care(world, log, files, end), CustomerBook(world, log)
    truth, calibration = Truth(truth_root, world), Calibration(world)
    counts = {"orders": 0, "lines": 0, "parcels": 0}
    with closing(files):
        try:
            for table, frame in Masters(world, log, files).write().items():
                truth.append(table, frame)
            write_outside(world, files)
            for result in Simulation(world).run():
                _write_day(result, channels, fulfilment, care, book, truth)
                calibration.add_day(result)
                truth.append("defects", log.drain())
                counts["orders"] += length(result.orders)
                counts["lines"] += length(result.lines)
                counts["parcels"] += length(result.parcels)
                if (result.day + 1) % p.chunk_days == 0 or result.day == p.days - 1:
                    files.flush(str(p.first_day + timedelta(days=result.day)))
                if progress:
                    progress(result.day + 1, p.days)
            truth.append("defects", pl.DataFrame(schema=LOG_SCHEMA))
            truth.close(calibration.report())
        finally:
            truth.finish_tables()
    return counts, files.rows


def _write_day(
    result: DayResult, channels: Channels, fulfilment: Fulfilment, care: Care, book: CustomerBook, truth: Truth
) -> None:
    orders = result.orders
    if length(orders):
        truth.append("customers", book.write(channels.files, orders, np.array(SYSTEM_OF_CHANNEL)[orders["channel"]]))
    channels.write(result.day, orders, result.lines)
    fulfilment.order_log(orders, result.parcels, result.shorts)
    fulfilment.work_log(result.parcels)
    fulfilment.parcels(result.parcels, result.parcel_lines)
    fulfilment.inbound(result.inbound)
    fulfilment.stock(result.day, result.on_hand, result.reserved)
    care.write(result.aftermath, channels.world.catalogue.price_cents)
    truth.add_day(result)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise GenerationFailed(f"{folder} is a file; a folder is needed. Choose another place.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise GenerationFailed(
            f"{folder} holds files that the twin did not write; they would be lost. Empty it, or choose another folder."
        )


def _replace(building: Path, folder: Path) -> None:
    """Put a finished folder in the place of an earlier one."""
    old = folder.parent / f".old-{folder.name}"
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    building.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def generate_company(parameters: TwinParameters, paths: CompanyPaths, progress: Progress | None = None) -> GenerationReport:
    """Generate into a company's folder of the home: `paths.extracts` and `paths.truth`.

    Raises:
        GenerationFailed: as `generate`.
    """
    return generate(parameters, paths.extracts, paths.truth, progress)


def is_company_generated(parameters: TwinParameters, paths: CompanyPaths) -> bool:
    """Whether the company's folder holds a whole generation of exactly these parameters."""
    return is_generated(parameters, paths.extracts, paths.truth)
