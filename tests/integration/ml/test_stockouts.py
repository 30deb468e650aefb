"""Stock-out risk on a small company: learned by the platform's frame, promoted by its gates, forecast once."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.core.features import UnusableTable
from ml.core.risk_model import BoostingParameters
from ml.io.stores import open_stores
from ml.jobs.audit import AuditJob
from ml.jobs.catalogue import STOCKOUT
from ml.jobs.forecast_stock import ForecastStockJob
from ml.jobs.promote import PromoteJob
from ml.jobs.shadow import beside
from ml.jobs.train import TrainJob
from ml.jobs.trial import TrialJob
from orchestration.cli.stock import app
from workspace.published import Snapshot, publish
from workspace.settings import Settings

Fault = Callable[[pd.DataFrame], pd.DataFrame]
NODES, PRODUCTS, DAYS, FIRST = 6, 60, 60, pd.Timestamp("2026-03-01")
PLAN = replace(STOCKOUT.plan, candidates=(BoostingParameters(trees=60, leaves=8),))
SPEC = replace(STOCKOUT, plan=PLAN, folds=2, replicates=100)
CHECKS = {"features.rows": {"passed": True, "severity": "fail"}}


def stock(seed: int = 3) -> pd.DataFrame:
    """Daily counts: demand at a pair's own pace, refilled to twelve units a week after it fell to two."""
    rng = np.random.default_rng(seed)
    pairs = NODES * PRODUCTS
    pace = rng.gamma(1.2, 0.8, pairs)
    available, refill_in, frames = rng.integers(1, 13, pairs), np.full(pairs, -1), []
    past = rng.poisson(pace, (28, pairs))
    for day in range(DAYS):
        sold = np.minimum(available, rng.poisson(pace))
        available = available - sold
        available = np.where(refill_in == 0, available + 12, available)
        refill_in = np.where((available <= 2) & (refill_in < 0), 7, refill_in - (refill_in >= 0))
        past = np.vstack([past[1:], sold])
        moment = FIRST + pd.Timedelta(days=day)
        frames.append(
            pd.DataFrame(
                {
                    "warehouse_id": [f"w{i % NODES}" for i in range(pairs)],
                    "product_id": [f"p{i // NODES}" for i in range(pairs)],
                    "stock_date": moment.date(), "observed_at": moment + pd.Timedelta(hours=16),
                    "region_code": np.where(np.arange(pairs) % NODES < 3, "north", "south"),
                    "on_hand_quantity": available, "available_quantity": available,
                    "reserved_quantity": 0, "waiting_units": 0,
                    "allocated_units_28d": past.sum(axis=0), "allocated_units_56d": 2 * past.sum(axis=0),
                    "allocated_units_squared_56d": 2 * (past**2).sum(axis=0),
                    "inbound_units": np.where(refill_in >= 0, 12, 0),
                    **{f"inbound_units_due_{h}h": np.where((refill_in >= 0) & (refill_in * 24 <= h), 12, 0)
                       for h in (24, 48, 72)},
                    "inbound_next_due_hours": np.where(refill_in >= 0, refill_in * 24.0, np.nan),
                    "daily_units_expected": past.mean(axis=0),
                }
            )
        )  # fmt: skip
    frame = pd.concat(frames, ignore_index=True)
    keys = frame["warehouse_id"] + "|" + frame["product_id"] + "|" + frame["stock_date"].astype(str)
    return frame.assign(stock_key=keys)


def published(settings: Settings, frame: pd.DataFrame) -> Snapshot:
    """The frame as features of stock, with prices of half of the products."""
    root = settings.paths.ensure().root
    frame.to_parquet(root / "feat_stock_daily.parquet")
    prices = pd.DataFrame({"product_id": [f"p{i}" for i in range(0, PRODUCTS, 2)], "list_price_amount": 20.0,
                           "currency": "CNY"})  # fmt: skip
    prices.to_parquet(root / "dim_products.parquet")
    tables = {name: root / f"{name}.parquet" for name in ("feat_stock_daily", "dim_products")}
    return publish(settings.paths.published, tables, {"as_of": "2026-05-01T00:00:00"}, 3)


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    """A company with an empty model store."""
    settings = Settings(home=tmp_path / "home", company="acme")
    shutil.copy(migrated, settings.paths.ensure().mlflow / "mlflow.db")
    return settings


def test_stock_outs_are_foreseen_promoted_forecast_once_and_looked_back_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = published(settings, stock())
    assert ForecastStockJob().run(settings, snapshot).status == "refused"
    trained = TrainJob(SPEC).run(settings, snapshot)
    assert trained.numbers["roc_auc_low"] > 0.75
    assert trained.numbers["skill_over_lane_rate_low"] > 0
    AuditJob(SPEC, is_priced=False).run(settings)
    TrialJob(TrainJob(SPEC)).run(settings)
    assert PromoteJob(SPEC, None, CHECKS).run(settings, snapshot).status == "promoted"
    report = ForecastStockJob().run(settings, snapshot)
    assert report.status == "forecast"
    rows = duckdb.sql(f"select * from '{report.path}'").df()
    newest = stock().query("stock_date == stock_date.max() and available_quantity > 0")
    assert len(rows) == report.rows == 3 * len(newest)
    wide = rows.pivot_table(
        index=["warehouse_id", "product_id"], columns="horizon_hours", values="stockout_probability"
    )
    assert (wide[24] <= wide[48]).all()
    assert (wide[48] <= wide[72]).all()
    is_priced = rows["product_id"].str[1:].astype(int) % 2 == 0
    assert rows.loc[is_priced, "expected_lost_amount"].to_numpy() == pytest.approx(
        20 * rows.loc[is_priced, "expected_lost_units"].to_numpy()
    )
    assert rows.loc[~is_priced, "expected_lost_amount"].isna().all()
    assert (rows["expected_lost_units"] >= 0).all()
    assert (rows["on_hand_units"] >= rows["available_units"]).all()
    assert ForecastStockJob().run(settings, snapshot).status == "reused"
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_COMPANY", "acme")
    done = CliRunner().invoke(app, ["review", "--json"])
    assert done.exit_code == 0, done.output
    weeks = json.loads(done.stdout)["weeks"]
    assert sum(week["alerts"] for week in weeks) > 20
    assert sum(week["alerts"] * week["precision"] for week in weeks) > 20 * 0.1
    assert all(0 <= week["rule_precision"] <= 1 for week in weeks if week["alerts"])
    assert "Alerts by week" in CliRunner().invoke(app, ["review"]).stdout


def test_a_challenger_forecasts_in_shadow_and_is_held_against_the_counts_that_followed(settings: Settings) -> None:
    until = FIRST.date() + pd.Timedelta(days=DAYS - 5)
    known = stock().query("stock_date <= @until")
    snapshot = published(settings, known)
    for seed in (1, 2):
        TrainJob(replace(SPEC, seed=seed)).run(settings, snapshot)
        AuditJob(SPEC, is_priced=False).run(settings)
        TrialJob(TrainJob(replace(SPEC, seed=seed))).run(settings)
        report = PromoteJob(SPEC, None, CHECKS).run(settings, snapshot)
    assert report.status == "proposed", report.markdown
    forecast = ForecastStockJob().run(settings, snapshot)
    assert forecast.shadow.startswith("In shadow: Version 2 forecast")
    with open_stores(settings) as stores:
        found = beside(stores, SPEC, published(settings, stock()), "2", "1", fewest=20)
    assert found.agreement["scored"] == found.agreement["both"] == forecast.rows
    error = next(benefit for benefit in found.benefits if benefit.measure == "error")
    said = pd.read_parquet(forecast.path)
    counts = stock().set_index(["warehouse_id", "product_id", "stock_date"])["available_quantity"]
    ran_out = [
        any(counts[row.warehouse_id, row.product_id, until + pd.Timedelta(days=day)] <= 0
            for day in range(1, row.horizon_hours // 24 + 1))
        for row in said.itertuples()
    ]  # fmt: skip
    assert error.orders == len(said)
    assert error.before == pytest.approx(((said["stockout_probability"] - ran_out) ** 2).mean())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda t: t.assign(observed_at=t["observed_at"] + pd.Timedelta(days=40)), "must not lie after"),
        (lambda t: t[t["stock_date"] == t["stock_date"].max()], "No label is known"),
        (lambda t: t.drop(columns=["inbound_units_due_48h"]), "inbound_units_due_48h"),
    ],
)
def test_counts_that_cannot_be_learned_from_are_refused(settings: Settings, fault: Fault, message: str) -> None:
    with pytest.raises(UnusableTable, match=message):
        TrainJob(SPEC).run(settings, published(settings, fault(stock())))


def test_a_company_that_counts_no_stock_is_told_so(settings: Settings) -> None:
    snapshot = published(settings, stock().head(0))
    with pytest.raises(UnusableTable, match="no rows"):
        TrainJob(SPEC).run(settings, snapshot)


def test_a_short_history_is_told_so(settings: Settings) -> None:
    few = stock().query("product_id == 'p1'")
    with pytest.raises(UnusableTable, match="both classes"):
        TrainJob(SPEC).run(settings, published(settings, few.assign(available_quantity=5)))
