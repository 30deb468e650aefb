"""Landing an extract: all of it in one step that readers can see, or nothing.

Belongs here: the course of a landing, from the extract's files to the new version of the store and its record.
Does not belong here: each step's own work (inputs, readers, plan, mapping, store), and questions about what has landed
(history, quarantine).
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from sources.contracts import Table, contract_digest, load_contract
from sources.inputs import check_unmoved, find_inputs
from sources.manifest import Adapter
from sources.mapping import META_COLUMNS, Batch, land_table
from sources.observations import observe
from sources.plan import TablePlan, digests_of, files_to_read, plan_tables
from sources.problems import ExtractRefused
from sources.raw import RawTables, literal, quoted
from sources.readers import read_inputs
from sources.record import LandingReport, TableReport, read_reports
from sources.remote import load_remote
from sources.shapes import changes_of_shape, columns_by_input
from sources.store import landing_lock, next_version
from workspace.files import sha256_of_json, write_atomically
from workspace.settings import Settings
from workspace.warehouse import scratch_connection


class LandingFailed(RuntimeError):
    """The machine, not the extract, ended the landing: memory, disk or permissions. Nothing has become visible."""


#: Called with what is being done and the share that is done, 0 to 1.
Progress = Callable[[str, float], None]


def land(
    settings: Settings,
    adapter: Adapter,
    extract: Path,
    progress: Progress | None = None,
    secrets: Mapping[str, str] | None = None,
    settle_seconds: float = 1.0,
) -> LandingReport:
    """Land an extract for the company that the settings work on.

    Args:
        settings: Where, and with how much memory and how many threads.
        adapter: How the extract maps to the contract.
        extract: Folder of the extract.
        progress: Told what is being done.
        secrets: Values for `{secret:NAME}` in the manifest.
        settle_seconds: A file younger than this is watched until it has this age, to catch a writer at work.

    Returns:
        What was done. A refused extract is a report too (`status` is `refused`, `problems` says why).

    Raises:
        AdapterError: the adapter is wrong.
        LandingBusy: another landing of the company did not end in time.
        LandingFailed: memory or disk ran out, or the home cannot be written.
        AssertionError: rows would have been lost. Nothing has become visible.
    """
    paths = settings.paths
    with landing_lock(paths, settings.writer_wait_seconds), scratch_folder(paths.root) as scratch:
        history = read_reports(paths.landing_files)
        started = after(history)
        landing = _Landing(settings, adapter, extract, history, started, scratch, progress or (lambda *_: None))
        try:
            return landing.run(secrets or {}, settle_seconds)
        except ExtractRefused as refusal:
            return landing.refuse(refusal)
        except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as error:
            raise LandingFailed(
                f"Landing ended before anything became visible: {error}. It had {settings.memory_limit} of memory "
                f"(OI_MEMORY_LIMIT) and writes below {paths.root}; give it more, or free some, and land again."
            ) from error


class _Landing:
    """The course of one landing; holds what its steps share."""

    def __init__(
        self, settings: Settings, adapter: Adapter, extract: Path, history: list[LandingReport], started: datetime,
        scratch: Path, progress: Progress,
    ) -> None:  # fmt: skip
        self.settings, self.paths, self.adapter, self.extract = settings, settings.paths, adapter, extract
        self.history, self.started, self.scratch, self.progress = history, started, scratch, progress

    def run(self, secrets: Mapping[str, str], settle_seconds: float) -> LandingReport:
        self.progress("find the files", 0.0)
        inputs = find_inputs(self.adapter, self.extract, settle_seconds)
        connection = scratch_connection(self.settings)
        try:
            raw = RawTables(connection)
            self._tell_facts(raw)
            remote, fetched = load_remote(raw, self.adapter.manifest, self.extract, self.scratch, secrets)
            names = [*self.adapter.manifest.files, *remote]
            digests = {
                **{n: {} for n in names},
                **digests_of(inputs),
                **{n: {f.name: f.sha256} for n, f in remote.items()},
            }
            plans = plan_tables(self.adapter, digests, self.history, contract_digest())
            if all(plan.is_done for plan in plans.values()):
                return self._report(self._batch_id(digests), "already_landed", tables=_nothing_new(plans),
                                    unmatched=inputs.unmatched)  # fmt: skip
            wanted = files_to_read(self.adapter, plans.values(), digests)
            files, read = read_inputs(
                raw, self.adapter.manifest, inputs, wanted, self.scratch, lambda what: self.progress(what, 0.2)
            )
            seen = [*read, *fetched]
            observations = observe(raw, self.adapter)
            with next_version(self.paths) as building:
                batch = Batch(self._batch_id(digests), self.started, building, self.paths.landing)
                tables = self._land_tables(raw, plans, batch)
                write_empty_tables(raw, building / "landing")
                check_unmoved(inputs)
                report = self._report(batch.id, "landed", files=(*files, *remote.values()), tables=tables,
                                      unmatched=inputs.unmatched, observations=observations,
                                      columns=columns_by_input(seen),
                                      changes=changes_of_shape(self.adapter, seen, self.history))  # fmt: skip
                write_atomically(building / "landing_files" / f"{batch.id}.json", report.as_json())
                self.progress("make it visible", 0.95)
            return report
        finally:
            connection.close()

    def refuse(self, refusal: ExtractRefused) -> LandingReport:
        problems = tuple(p.as_json() for p in refusal.problems)
        changes = changes_of_shape(self.adapter, refusal.seen, self.history)
        report = self._report(self._batch_id(problems), "refused", problems=problems, changes=changes)
        with next_version(self.paths) as building:
            write_atomically(building / "landing_files" / f"{report.batch}.json", report.as_json())
        return report

    def _land_tables(self, raw: RawTables, plans: Mapping[str, TablePlan], batch: Batch) -> dict[str, TableReport]:
        contract, reports = load_contract(), {}
        waiting = [name for name in landing_order(contract) if name in plans and not plans[name].is_done]
        for number, name in enumerate(waiting):
            self.progress(f"land {name}", 0.3 + 0.6 * number / len(waiting))
            reports[name] = land_table(raw, self.adapter, contract[name], plans[name], batch)
        return reports

    def _tell_facts(self, raw: RawTables) -> None:
        facts = self.adapter.manifest.facts
        for name in ("country", "currency", "time_zone"):
            raw.connection.execute(f"set variable {name} = {literal(getattr(facts, name))}")

    def _batch_id(self, content: object) -> str:
        digest = sha256_of_json([self.adapter.digest, contract_digest(), content])
        return f"{self.started:%Y%m%dT%H%M%S%fZ}-{self.adapter.name}-{digest[:8]}"

    def _report(self, batch: str, status: str, **more: object) -> LandingReport:
        return LandingReport(
            batch=batch, status=status, adapter=self.adapter.name, company=self.paths.company,  # type: ignore[arg-type]
            extract=str(self.extract), adapter_digest=self.adapter.digest,
            adapter_folder=str(self.adapter.folder), contract_digest=contract_digest(),
            started_at=self.started.isoformat(), finished_at=datetime.now(UTC).isoformat(), **more,  # type: ignore[arg-type]
        )  # fmt: skip


def landing_order(contract: Mapping[str, Table]) -> list[str]:
    """Tables so that each comes after those that it refers to."""
    graph = {
        name: sorted({c.reference.table for c in table.columns if c.reference} - {name})
        for name, table in contract.items()
    }
    return list(TopologicalSorter(graph).static_order())


def write_empty_tables(raw: RawTables, landing: Path) -> None:
    """Write `empty.parquet` for every table of the contract: its typed columns and no rows."""
    for table in load_contract().values():
        (landing / table.name).mkdir(parents=True, exist_ok=True)
        columns = [(c.name, c.type) for c in table.columns] + list(META_COLUMNS.items())
        shape = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns)
        target = literal(str(landing / table.name / "empty.parquet"))
        raw.connection.execute(f"copy (select {shape} where false) to {target} (format parquet)")


def _nothing_new(plans: Mapping[str, TablePlan]) -> dict[str, TableReport]:
    return {
        name: TableReport({}, {}, {}, None, None, plan.inputs, plan.seen, plan.skipped) for name, plan in plans.items()
    }


def after(history: list[LandingReport]) -> datetime:
    """Now, or just after the last landing should the clock have gone back: the newest record must stay the newest."""
    now = datetime.now(UTC)
    if not history:
        return now
    return max(now, datetime.fromisoformat(history[-1].started_at) + timedelta(microseconds=1))


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """A folder below the company's for what is decoded or fetched; earlier ones that a crash left are removed."""
    for left in root.glob(".scratch-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=root) as folder:
        yield Path(folder)
