"""Lead times on a small company: learned, promoted by the gates, forecast once, compared by pinball loss and region."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.core.features import UnusableTable
from ml.core.lead_times import TreeParameters
from ml.io.stores import open_stores
from ml.jobs.audit import AuditJob
from ml.jobs.catalogue import LEAD_TIME
from ml.jobs.compare import compare_versions
from ml.jobs.forecast_lead_times import ForecastLeadTimesJob
from ml.jobs.promote import PromoteJob
from ml.jobs.shadow import beside
from ml.jobs.train_lead_times import LeadTimeTrainJob
from ml.jobs.trial import TrialJob
from ml.jobs.watch import WatchJob
from orchestration.cli.models import app as models_app
from orchestration.cli.promise import app
from orchestration.defs.lead_times import lead_time_predictions, published_lead_times
from orchestration.defs.validation import checks_of
from orchestration.lib.workspace_resource import workspace_resource
from tests.support.model_company import copied_home
from workspace.published import Snapshot, open_current, publish
from workspace.settings import Settings

AS_OF = pd.Timestamp("2026-07-01")
HOUR = pd.Timedelta(hours=1)
CHECKS = {"features.rows": {"passed": True, "severity": "fail"}}
TREES = TreeParameters(trees=40, leaves=8)
SPEC = replace(LEAD_TIME, folds=2, replicates=100)


def orders(count: int = 5000, seed: int = 4, as_of: pd.Timestamp = AS_OF) -> pd.DataFrame:
    """Orders over half a year that take longer from afar, and scatter three times as much in the north."""
    rng = np.random.default_rng(seed)
    ordered = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 181 * 86_400, count)), unit="s")
    region = rng.choice(["north", "south", "islands"], count, p=[0.3, 0.69, 0.01])
    distance = rng.uniform(0, 1000, count)
    scatter = np.where(region == "north", 18.0, 6.0)
    hours = np.maximum(24 + 0.05 * distance + scatter * rng.gumbel(size=count), 1.0).round(3)
    delivered = pd.Series(ordered + pd.to_timedelta(hours, unit="h"))
    known = delivered.where(delivered <= as_of)
    promised = pd.Series(ordered + pd.Timedelta(hours=96))
    return pd.DataFrame(
        {
            "order_id": [f"o{number:05d}" for number in range(count)], "ordered_at": ordered,
            "promised_at": promised, "region_code": region, "segment": rng.choice(["consumer", "business"], count),
            "origin_region_code": "north", "distance_km": distance, "promise_hours": 96.0,
            "order_hour": ordered.hour, "label_known_at": known,
            "is_late": pd.array(np.where(known.notna(), known > promised, None), dtype="boolean"),
        }
    )  # fmt: skip


def published(settings: Settings, frame: pd.DataFrame, as_of: pd.Timestamp = AS_OF) -> Snapshot:
    """The frame as features of orders."""
    file = settings.paths.ensure().root / "feat_order_delivery.parquet"
    frame.to_parquet(file)
    return publish(settings.paths.published, {"feat_order_delivery": file}, {"as_of": as_of.isoformat()}, 3)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> tuple[Settings, Snapshot]:
    """A company whose first version of lead times is champion."""
    settings = Settings(home=tmp_path_factory.mktemp("lead_times"), company="acme")
    shutil.copy(migrated, settings.paths.ensure().mlflow / "mlflow.db")
    snapshot = published(settings, orders())
    assert ForecastLeadTimesJob(SPEC).run(settings, snapshot).status == "refused"
    trained = LeadTimeTrainJob(SPEC, trees=TREES).run(settings, snapshot)
    assert 0.88 <= trained.numbers["coverage"] <= 0.92
    assert trained.numbers["skill_over_lane_quantiles_low"] > 0
    AuditJob(SPEC, is_priced=False).run(settings)
    assert TrialJob(LeadTimeTrainJob(SPEC, trees=TREES)).run(settings).found["reproduction"]["largest_difference"] == 0
    report = PromoteJob(SPEC, None, CHECKS).run(settings, snapshot)
    assert report.status == "promoted", report.markdown
    assert (report.gates["reproduction"], report.gates["latency"]) == ("pass", "not_applicable")
    return settings, snapshot


@pytest.mark.parametrize("region", ["north", "south"])
def test_the_audit_finds_the_stated_share_outside_in_every_region(company: tuple, region: str) -> None:
    settings, _ = company
    report = AuditJob(SPEC, is_priced=False).run(settings)
    assert report.status == "reused"
    line = next(line for line in report.markdown.splitlines() if line.startswith(f"| {region} "))
    _, _, _, outside, stated, _ = (part.strip() for part in line.split("|"))
    assert stated == "0.100"
    assert float(outside) == pytest.approx(0.1, abs=0.04)


def test_every_open_order_gets_its_interval_and_promise_once(company: tuple) -> None:
    settings, snapshot = company
    report = ForecastLeadTimesJob(SPEC, service=0.95).run(settings, snapshot)
    assert report.status == "forecast"
    rows = duckdb.sql(f"select * from '{report.path}'").df().set_index("order_id")
    waiting = orders().query("label_known_at.isna()").set_index("order_id")
    assert sorted(rows.index) == sorted(waiting.index)
    assert (rows["lower_hours"] <= rows["median_hours"]).all()
    assert (rows["median_hours"] <= rows["promise_hours"]).all()
    given = (rows["suggested_promise_at"] - rows["ordered_at"]) / pd.Timedelta(hours=1)
    assert (given >= rows["promise_hours"]).all()
    assert (given < rows["promise_hours"] + 1).all()
    age = (AS_OF - rows["ordered_at"]) / pd.Timedelta(hours=1)
    assert (rows["is_beyond_interval"] == (age > rows["upper_hours"])).all()
    assert (rows["service_level"] == 0.95).all()
    wide = (rows["upper_hours"] - rows["lower_hours"]).groupby(rows["region_code"]).mean()
    assert wide["north"] > 2 * wide["south"]
    assert ForecastLeadTimesJob(SPEC, service=0.95).run(settings, snapshot).status == "reused"


def test_two_versions_are_compared_on_the_same_orders_by_region(company: tuple) -> None:
    settings, snapshot = company
    blind = replace(SPEC, roles=replace(SPEC.roles, excluded=(*SPEC.roles.excluded, "distance_km")))
    second = LeadTimeTrainJob(blind, trees=TREES).run(settings, snapshot)
    assert second.status == "trained"
    with open_stores(settings) as stores:
        found = compare_versions(stores, SPEC, snapshot, second.version, "1")
    worse = found.overall["relative_pinball_difference"]
    assert worse.low is not None
    assert worse.low > 0.1
    assert found.by_region["south"].low > 0.1
    assert found.rows["overall"] == sum(count for region, count in found.rows.items() if region != "overall")
    report = PromoteJob(SPEC, second.version, CHECKS).run(settings, snapshot)
    assert report.gates["not_worse_than_champion"] == "fail"


def test_a_challenger_forecasts_in_shadow_and_what_it_would_change_is_told_in_hours(
    company: tuple, tmp_path: Path
) -> None:
    settings = copied_home(company[0], tmp_path / "copy")
    snapshot = open_current(settings.paths.published)
    blunt = LeadTimeTrainJob(SPEC, trees=replace(TREES, trees=30))
    challenger = blunt.run(settings, snapshot).version
    AuditJob(SPEC, is_priced=False).run(settings)
    assert PromoteJob(SPEC, None, CHECKS).run(settings, snapshot).status == "proposed"
    report = ForecastLeadTimesJob(SPEC).run(settings, snapshot)
    assert report.shadow == f"In shadow: Version {challenger} forecast {report.rows} rows as of 2026-07-01 00:00 UTC."
    assert ForecastLeadTimesJob(SPEC).run(settings, snapshot).shadow.endswith("nothing was added.")
    later = AS_OF + pd.Timedelta(days=20)
    arrived = published(settings, orders(as_of=later), later)
    with open_stores(settings) as stores:
        found = beside(stores, SPEC, arrived, challenger, "1", fewest=5)
    assert found.agreement["scored"] == found.agreement["both"] == report.rows
    assert 0 < found.agreement["difference"]["value"] < 0.1, "as a share of the champion's median"
    told = {benefit.measure: benefit for benefit in found.benefits}
    hours = (orders(as_of=later).set_index("order_id").pipe(lambda t: t["label_known_at"] - t["ordered_at"])) / HOUR
    stated = pd.read_parquet(report.path).set_index("order_id")["median_hours"]
    assert told["error"].before == pytest.approx((hours[stated.index] - stated).abs().mean())
    assert "hours" in told["error"].note
    assert told["automatic"].basis == told["cost"].basis == "not recorded"


def test_the_command_trains_the_model_that_is_named(
    company: tuple, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = copied_home(company[0], tmp_path / "copy")
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_COMPANY", settings.company)
    arguments = ["train", "--model", LEAD_TIME.name, "--json"]
    trained, again = (json.loads(CliRunner().invoke(models_app, arguments).stdout) for _ in range(2))
    assert (trained["status"], trained["model"], again["status"]) == ("trained", LEAD_TIME.name, "reused")
    assert 0.85 < trained["metrics"]["coverage"] < 0.95
    assert trained["version"] == again["version"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "lead-tim"], "--model is one of"),
        (["--model", LEAD_TIME.name, "--label", "repaired"], "Only the label of"),
    ],
)
def test_the_command_refuses_what_it_cannot_train(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(models_app, ["train", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


def test_training_again_on_the_same_orders_trains_nothing(company: tuple) -> None:
    settings, snapshot = company
    assert LeadTimeTrainJob(SPEC, trees=TREES).run(settings, snapshot).status == "reused"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda frame: frame.head(0), "no rows"),
        (lambda frame: frame.assign(label_known_at=pd.NaT), "all 5000 are open"),
        (lambda frame: frame.assign(ordered_at=frame["ordered_at"] + pd.Timedelta(days=9)), "must not lie after"),
        (lambda frame: frame.assign(label_known_at=frame["ordered_at"] - HOUR), "must not be negative"),
        (lambda frame: frame.head(300), "At least 200 delivered orders"),
        (lambda frame: frame.assign(distance_km=1.0, order_hour=np.nan, region_code="south", segment="consumer"),
         "constant or null"),
    ],
)  # fmt: skip
def test_orders_that_cannot_be_learned_from_are_refused(
    tmp_path: Path, migrated: Path, spoil: object, message: str
) -> None:
    settings = Settings(home=tmp_path, company="acme")
    shutil.copy(migrated, settings.paths.ensure().mlflow / "mlflow.db")
    with pytest.raises(UnusableTable, match=message):
        LeadTimeTrainJob(SPEC, trees=TREES).run(settings, published(settings, spoil(orders())))


def test_the_command_lists_promises_that_the_service_level_does_not_allow(
    company: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = company
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_COMPANY", "acme")
    waiting = orders().query("label_known_at.isna()")
    done = CliRunner().invoke(app, ["--service", "0.99", "--json"])
    assert done.exit_code == 0, done.output
    too_early = json.loads(done.stdout)["orders"]
    assert 0 < len(too_early) < len(waiting)
    assert all(row["promised_at"] < row["suggested_promise_at"] for row in too_early)
    (order,) = waiting["order_id"].head(1)
    assert f"{order}, ordered 2026-06" in CliRunner().invoke(app, [order]).stdout
    assert CliRunner().invoke(app, ["o00000"]).exit_code == 1


@pytest.mark.parametrize(("slower_by", "rings"), [(0, False), (60, True)])
def test_a_watch_rings_when_later_orders_leave_their_intervals(company: tuple, slower_by: int, rings: bool) -> None:
    settings, _ = company
    later, until = orders(seed=5), AS_OF + pd.Timedelta(days=60)
    for moment in ("ordered_at", "promised_at", "label_known_at"):
        later[moment] += pd.Timedelta(days=60)
    later["label_known_at"] += slower_by * HOUR
    later["label_known_at"] = later["label_known_at"].where(later["label_known_at"] <= until)
    found = WatchJob(SPEC).run(settings, published(settings, later, until))
    assert found.rows["settled"] > 500
    assert bool(found.alarms("performance")) is rings
    assert found.is_due is rings


@pytest.mark.parametrize("is_sound", [True, False])
def test_lead_times_are_published_once_they_are_validated_and_not_otherwise(
    company: tuple[Settings, Snapshot], tmp_path: Path, is_sound: bool
) -> None:
    settings = copied_home(company[0], tmp_path / "home")
    resources = {"workspace": workspace_resource(settings)}
    assert dg.materialize([lead_time_predictions], resources=resources).success
    assert "lead_time_predictions" not in open_current(settings.paths.published).tables
    if not is_sound:
        file = max(settings.paths.forecasts.rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
        duckdb.execute(f"copy (from '{file}' union all (from '{file}' limit 1)) to '{file}.new' (format parquet)")
        Path(f"{file}.new").replace(file)
    run = dg.materialize(
        [lead_time_predictions, published_lead_times, checks_of("lead_time_forecasts")], resources=resources,
        raise_on_error=False,
    )  # fmt: skip
    assert run.success is is_sound
    assert ("lead_time_predictions" in open_current(settings.paths.published).tables) is is_sound
