"""The planted effects are really in the data: plain estimators on the truth find each, at its place and size."""

import json

import numpy as np
import polars as pl
import pytest

from twin.generate import GenerationReport
from twin.network import BAND_EDGES_KM, PLANNED_DAYS, SERVICES, SLOW_CARRIER
from twin.parameters import checked


@pytest.fixture(scope="module")
def effects(company: GenerationReport) -> dict[str, dict]:
    listed = json.loads((company.truth / "effects.json").read_text(encoding="utf-8"))
    return {effect["letter"]: effect for effect in listed}


@pytest.fixture(scope="module")
def parcels(company: GenerationReport) -> pl.DataFrame:
    orders = pl.read_parquet(company.truth / "orders.parquet").drop(
        "region_code", "shipped_at", "delivered_at", "scanned_at"
    )
    return (
        pl.read_parquet(company.truth / "parcels.parquet").filter(pl.col("delivered_at") > 0).join(orders, on="order")
    )


def gap(parcels: pl.DataFrame, hours: pl.Expr, region: str) -> tuple[float, float]:
    """Mean hours in the region minus elsewhere, and the largest gap of any other region with 200 parcels."""
    means = parcels.group_by("region_code").agg(hours.mean().alias("hours"), pl.len())
    own = means.filter(pl.col("region_code") == region)["hours"][0]
    others = means.filter((pl.col("region_code") != region) & (pl.col("len") >= 200))
    rest = parcels.filter(pl.col("region_code") != region).select(hours.mean()).item()
    return own - rest, float((others["hours"] - rest).abs().max())


def test_a_is_released_later(parcels: pl.DataFrame, effects: dict[str, dict]) -> None:
    hours = (pl.col("released_at") - pl.col("allocated_at")) / 3600.0
    found, elsewhere = gap(parcels, hours, effects["A"]["region_code"])
    assert found == pytest.approx(effects["A"]["hours"], abs=0.3)
    assert elsewhere < 0.5


def test_b_is_scanned_late_but_delivered_in_time(parcels: pl.DataFrame, effects: dict[str, dict]) -> None:
    scan = (pl.col("scanned_at") - pl.col("delivered_at")) / 3600.0
    found, elsewhere = gap(parcels, scan, effects["B"]["region_code"])
    assert found == pytest.approx(effects["B"]["hours"], rel=0.1)
    assert elsewhere < 0.1
    mine = parcels.filter(pl.col("region_code") == effects["B"]["region_code"])
    by_scan = (mine["scanned_at"] > mine["promised_at"]).mean()
    truly = (mine["delivered_at"] > mine["promised_at"]).mean()
    assert by_scan > truly + 0.1


def test_c_is_promised_tighter(company: GenerationReport, effects: dict[str, dict]) -> None:
    orders = pl.read_parquet(company.truth / "orders.parquet")
    cut = (pl.col("fair_promised_at") - pl.col("promised_at")) / 3600.0
    by_region = orders.group_by("region_code").agg(cut.mean().alias("hours"))
    found = dict(by_region.iter_rows())
    assert found.pop(effects["C"]["region_code"]) == effects["C"]["hours"]
    assert set(found.values()) == {0.0}


def test_d_is_late_and_its_distance_explains_it(parcels: pl.DataFrame, effects: dict[str, dict]) -> None:
    region = effects["D"]["region_code"]
    late = parcels.with_columns(late=pl.col("delivered_at") > pl.col("promised_at"))
    rate = dict(late.group_by("region_code").agg(pl.col("late").mean()).iter_rows())
    assert rate[region] > late["late"].mean() + 0.08
    # Against what is planned for its distance and service, the road is no longer there than elsewhere.
    band = np.searchsorted(BAND_EDGES_KM, parcels["distance_km"].to_numpy())
    service = parcels["service"].replace_strict(SERVICES, list(range(len(SERVICES)))).to_numpy()
    ratio = (parcels["delivered_at"] - parcels["shipped_at"]).to_numpy() / (86_400 * PLANNED_DAYS[service, band])
    usual = (parcels["carrier"] != SLOW_CARRIER).to_numpy()
    here = (parcels["region_code"] == region).to_numpy()
    far = PLANNED_DAYS[service, band] > 1.5
    assert np.median(ratio[here & usual]) == pytest.approx(np.median(ratio[~here & usual & far]), rel=0.08)


def test_e_has_too_few_orders_to_judge(company: GenerationReport, effects: dict[str, dict]) -> None:
    orders = pl.read_parquet(company.truth / "orders.parquet")
    assert orders.filter(pl.col("region_code") == effects["E"]["region_code"]).height < 50


def test_f_the_rule_slows_two_areas_from_its_day(parcels: pl.DataFrame, effects: dict[str, dict]) -> None:
    rule = effects["F"]
    region = parcels.filter(pl.col("region_code") == rule["region_code"]).with_columns(
        road=(pl.col("delivered_at") - pl.col("shipped_at")) / 3600.0, after=pl.col("ordered_at") >= rule["starts_at"],
        named=pl.col("area") < len(rule["postal_code_prefixes"]),
    )  # fmt: skip
    mean = {(n, a): h for n, a, h in region.group_by("named", "after").agg(pl.col("road").mean()).iter_rows()}
    jump = (mean[True, True] - mean[True, False]) - (mean[False, True] - mean[False, False])
    assert jump == pytest.approx(rule["hours"], rel=0.25)
    carriers = region.filter(pl.col("named")).group_by("after").agg(pl.col("carrier").n_unique())
    assert dict(carriers.iter_rows())[True] == 1


def test_switched_off_effects_are_not_there() -> None:
    from twin.engine import Simulation
    from twin.tables import stack
    from twin.world import build_world

    off = {"release_on": False, "scan_on": False, "promise_on": False, "rule_on": False}
    world = build_world(checked({"days": 20, "effects": off}))
    days = list(Simulation(world).run())
    parcels, orders = stack([day.parcels for day in days]), stack([day.orders for day in days])
    code = world.network.geography.region
    sent = parcels["shipped_at"] > 0
    release = (parcels["released_at"] - parcels["allocated_at"])[sent] / 3600.0
    here = (parcels["region"] == code("CN-SC"))[sent]
    assert abs(release[here].mean() - release[~here].mean()) < 0.3
    scan = (parcels["scanned_at"] - parcels["delivered_at"])[sent] / 3600.0
    assert scan.max() < 0.25
    assert (orders["promised_at"] == orders["fair_promised_at"]).all()
    named = (parcels["region"] == code("CN-GD")) & (parcels["place"] % 10 < 2)
    assert (parcels["carrier"][named] != 3).all()


def test_signals_cause_what_follows() -> None:
    from twin.engine import Simulation
    from twin.tables import stack
    from twin.world import build_world

    world = build_world(checked({"days": 30, "signals": {"weather_rate": 3.0}}))
    parcels = stack([day.parcels for day in Simulation(world).run()])
    sent = (parcels["shipped_at"] > 0) & (parcels["carrier"] != 3)
    day = np.clip((parcels["shipped_at"] - world.start) // 86_400, 0, 29)[sent]
    bad = world.outside.road_factor[day, parcels["region"][sent]] > 1.4
    hours = ((parcels["delivered_at"] - parcels["shipped_at"]) / 3600.0)[sent]
    assert bad.sum() > 100
    assert hours[bad].mean() > 1.2 * hours[~bad].mean()


def test_the_ledger_in_the_truth_balances(company: GenerationReport) -> None:
    ledger = pl.read_parquet(company.truth / "stock_ledger.parquet").sort("node", "day")
    signed = pl.col("received") + pl.col("transferred_in") + pl.col("restocked") - pl.col("transferred_out") - pl.col(
        "shipped") - pl.col("written_off")  # fmt: skip
    assert ledger.filter(pl.col("closing") != pl.col("opening") + signed).height == 0
    nights = ledger.with_columns(before=pl.col("closing").shift(1).over("node")).drop_nulls("before")
    assert nights.filter(pl.col("before") != pl.col("opening")).height == 0
    assert ledger.height == 42 * 24


def test_calibration_meets_what_was_asked(company: GenerationReport) -> None:
    report = json.loads((company.truth / "calibration.json").read_text(encoding="utf-8"))
    assert report["on_time_share"]["got"] == pytest.approx(0.82, abs=0.03)
    assert report["cross_region_share"]["got"] == pytest.approx(0.47, abs=0.03)
    assert report["lines_per_order"]["got"] == pytest.approx(1.6, abs=0.03)
    assert report["zipf_exponent"]["got"] == pytest.approx(1.0, abs=0.1)
