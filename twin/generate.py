"""Generating a company: run the history, write every system's extract and the truth, whole or not at all.

Belongs here: the order of writing, building folders,
the completeness marker. Does not belong here: what a system writes
(`twin.systems`).
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from twin.calibration import Calibration
from twin.engine import Simulation
from twin.parameters import TwinParameters
from twin.results import DayResult, Settled, settled
from twin.systems.care import Care, write_outside
from twin.systems.channels import Channels
from twin.systems.customers import CustomerBook
from twin.systems.defects import DefectLog
from twin.systems.files import Files
from twin.systems.fulfilment import Fulfilment
from twin.systems.masters import Masters
from twin.tables import length
from twin.truth import Truth
from twin.world import World, build_world
from workspace.files import sha256_of_json, write_atomically
from workspace.settings import CompanyPaths

MARKER = "_COMPLETE.json"
#: Orders that are written in one go, days permitting.
ORDERS_TOGETHER = 20_000
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


def generate(parameters: TwinParameters, out: Path, truth: Path, progress: Progress | None = None) -> GenerationReport:
    """Write the extracts of a simulated company to `out` and its truth to `truth`.

    Both are built beside their places and renamed when they are whole; an earlier generation there is replaced.

    Args:
        parameters: The company.
        out: Folder of the extracts; one folder a system appears in it.
        truth: Folder of the truth; must not lie inside `out`.
        progress: Called with (days done, days) after each day.

    Raises:
        GenerationFailed: a folder holds something else,
        or the disk is full or refuses; what was half-written is removed.
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
        marker = {
            "name": parameters.name,
            "digest": digest,
            "days": parameters.days,
            "rows": dict(sorted(rows.items())),
        }
        for folder in (truth, out):
            write_atomically(building[folder] / MARKER, json.dumps(marker, indent=1) + "\n")
        for folder in (truth, out):
            _replace(building[folder], folder)
    except (OSError, sqlite3.OperationalError) as error:
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


@dataclass
class _Writers:
    """Every system's writer, and the truth, fed block by block."""

    world: World
    files: Files
    truth: Truth
    log: DefectLog = field(init=False)
    calibration: Calibration = field(init=False)
    counts: dict[str, int] = field(default_factory=lambda: {"orders": 0, "lines": 0, "parcels": 0})

    def __post_init__(self) -> None:
        p, world, files = self.world.parameters, self.world, self.files
        end = world.start + p.days * 86_400 - 1
        self.log, self.calibration = DefectLog(p.seed, p.defects), Calibration(world)
        self._channels = Channels(world, self.log, files, end)
        self._fulfilment = Fulfilment(world, self.log, files, end)
        self._care, self._book = Care(world, self.log, files, end), CustomerBook(world, self.log)

    def write_masters(self) -> None:
        for table, frame in Masters(self.world, self.log, self.files).write().items():
            self.truth.append(table, frame)
        write_outside(self.world, self.files)

    def write_days(self, days: list[DayResult], label: str, is_last: bool) -> None:
        """Write a block of days; with a label, it ends a chunk of files."""
        for result in days:
            self.count_day(result)
        self.write_block(settled(days))
        if label:
            self.files.flush(label, is_last)

    def count_day(self, result: DayResult) -> None:
        """Take what is the day's own: its count of the stock, its ledger, its figures."""
        self._fulfilment.stock(result.day, result.on_hand, result.reserved)
        self.truth.add_ledger(result)
        self.calibration.add_day(result)

    def write_block(self, block: Settled) -> None:
        orders = block.orders
        if length(orders):
            self.truth.append("customers", self._book.write(self.files, orders))
        self._channels.write(block.last_day, orders, block.lines)
        self._fulfilment.order_log(orders, block.parcels, block.shorts)
        self._fulfilment.work_log(block.parcels)
        self._fulfilment.parcels(block.parcels, block.parcel_lines)
        self._fulfilment.inbound(block.inbound)
        self._care.write(block.aftermath, self.world.catalogue.price_cents)
        self.truth.add(block)
        self.truth.append("defects", self.log.drain())
        for name, table in (("orders", orders), ("lines", block.lines), ("parcels", block.parcels)):
            self.counts[name] += length(table)


def _write(
    world: World, out: Path, truth_root: Path, progress: Progress | None
) -> tuple[dict[str, int], dict[str, int]]:
    p = world.parameters
    # Small days are written together: what a frame costs is then paid once for many.
    together = max(1, min(p.chunk_days, int(ORDERS_TOGETHER / p.demand.orders_per_day)))
    with closing(Files(out)) as files, closing(Truth(truth_root, world)) as truth:
        writers = _Writers(world, files, truth)
        writers.write_masters()
        waiting: list[DayResult] = []
        # The next days are simulated while a block is written; one block waits at most, which bounds the memory.
        with ThreadPoolExecutor(1) as worker:
            writing: Future[None] | None = None
            for result in Simulation(world).run():
                waiting.append(replace(result, on_hand=result.on_hand.copy(), reserved=result.reserved.copy()))
                is_last = result.day == p.days - 1
                ends_chunk = is_last or (result.day + 1) % p.chunk_days == 0
                if ends_chunk or len(waiting) >= together:
                    if writing:
                        writing.result()
                    label = str(p.first_day + timedelta(days=result.day)) if ends_chunk else ""
                    writing, waiting = worker.submit(writers.write_days, waiting, label, is_last), []
                if progress:
                    progress(result.day + 1, p.days)
            if writing:
                writing.result()
        files.finish()
        truth.describe(writers.calibration.report())
    return writers.counts, files.rows


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


def generate_company(
    parameters: TwinParameters, paths: CompanyPaths, progress: Progress | None = None
) -> GenerationReport:
    """Generate into a company's folder of the home: `paths.extracts` and `paths.truth`.

    Raises:
        GenerationFailed: as `generate`.
    """
    return generate(parameters, paths.extracts, paths.truth, progress)


def is_company_generated(parameters: TwinParameters, paths: CompanyPaths) -> bool:
    """Whether the company's folder holds a whole generation of exactly these parameters."""
    return is_generated(parameters, paths.extracts, paths.truth)
