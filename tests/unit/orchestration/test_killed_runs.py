"""A run whose process was killed neither counts as running nor keeps its place in a pool."""

import uuid

import dagster as dg
import pytest

from orchestration.lib.instance import WAREHOUSE_POOL, open_instance
from orchestration.lib.partitions import FIRST_DAY
from orchestration.lib.runs import COMMAND_TAG, RunBusy, end_killed_runs, run_job
from workspace.locks import Busy, exclusive
from workspace.settings import Settings


def _claim(instance: dg.DagsterInstance, run_id: str) -> bool:
    return instance.event_log_storage.claim_concurrency_slot(WAREHOUSE_POOL, run_id, "daily_models").is_claimed


def test_the_next_run_ends_a_killed_one_and_gets_its_place(settings: Settings) -> None:
    killed, following = str(uuid.uuid4()), str(uuid.uuid4())
    with open_instance(settings) as instance:
        instance.event_log_storage.initialize_concurrency_limit_to_default(WAREHOUSE_POOL)
        instance.add_run(dg.DagsterRun("build", killed, tags=COMMAND_TAG, status=dg.DagsterRunStatus.STARTED))
        assert _claim(instance, killed)
        assert not _claim(instance, following)
        assert end_killed_runs(instance) == [killed]
        run = instance.get_run_by_id(killed)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.FAILURE
        assert _claim(instance, following)


def test_runs_that_dagster_started_are_left_to_dagster(settings: Settings) -> None:
    with open_instance(settings) as instance:
        instance.add_run(dg.DagsterRun("build", str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED))
        assert end_killed_runs(instance) == []


def test_a_second_run_is_refused_and_told_who_works(settings: Settings) -> None:
    lock = settings.paths.ensure().dagster / "run.lock"
    with (
        exclusive(lock, "run build", 0, Busy, "first"),
        pytest.raises(RunBusy, match=r"One run at a time for a company; acme .*\(run build\)"),
    ):
        run_job(settings, "score", (FIRST_DAY, FIRST_DAY), lambda _event: None)
