"""A run over many days writes its materializations together, and Dagster knows each of them."""

import dagster as dg
import pytest

from orchestration.lib.event_log import BatchingSqliteEventLog
from orchestration.lib.instance import open_instance
from orchestration.lib.partitions import RANGE_END_TAG, RANGE_START_TAG
from workspace.settings import Settings

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-03-01")
KEYS = [dg.AssetKey("orders"), dg.AssetKey("parcels")]
RANGE = {RANGE_START_TAG: "2026-01-01", RANGE_END_TAG: "2026-01-31"}


@dg.multi_asset(
    specs=[dg.AssetSpec(key, partitions_def=DAYS) for key in KEYS], backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("sound", asset=key) for key in KEYS],
)  # fmt: skip
def facts():
    for key in KEYS:
        checked = dg.AssetCheckResult(check_name="sound", asset_key=key, passed=key == KEYS[0])
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": 7}, check_results=[checked])


def test_days_of_a_run_are_written_in_one_batch_an_asset(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    batches, alone = [], []
    together, one = BatchingSqliteEventLog.store_event_batch, BatchingSqliteEventLog.store_event
    monkeypatch.setattr(
        BatchingSqliteEventLog, "store_event_batch", lambda s, e: (batches.append(len(e)), together(s, e))
    )
    monkeypatch.setattr(
        BatchingSqliteEventLog, "store_event", lambda s, e: (alone.append(e.dagster_event_type), one(s, e))
    )
    job = dg.Definitions(assets=[facts], jobs=[dg.define_asset_job("build")]).resolve_job_def("build")
    with open_instance(settings) as instance:
        result = job.execute_in_process(instance=instance, tags=RANGE)
        log = instance.event_log_storage
        assert result.success
        assert batches == [64, 31, 31]  # what is planned, checks too, then each asset
        assert {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
                dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}.isdisjoint(alone)  # fmt: skip
        for key in KEYS:
            assert len(log.get_materialized_partitions(key)) == 31
            latest = instance.get_latest_materialization_event(key)
            assert latest is not None
            assert latest.asset_materialization is not None
            assert latest.asset_materialization.partition == "2026-01-31"
        written = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        assert [e.asset_materialization.partition for e in written if e.asset_materialization][:2] == [
            "2026-01-01", "2026-01-02",
        ]  # fmt: skip
        planned = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
        assert len(planned) == 62
        checks = [dg.AssetCheckKey(key, "sound") for key in KEYS]
        latest_checks = log.get_latest_asset_check_execution_by_key(checks)
        assert [latest_checks[check].status.value for check in checks] == ["SUCCEEDED", "FAILED"]
