"""The audit of a version reports what history did and what is decided, from the published orders alone."""

import html
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import typer

from ml.io.audit_reports import read_report
from ml.io.order_history import read_order_history
from ml.io.stores import open_stores
from ml.io.version_files import AUDITS, read_fairness
from ml.jobs.audit import AuditJob, AuditReport
from ml.jobs.promote import PromoteJob
from ml.jobs.repair import LABELS
from ml.jobs.train import TrainJob
from orchestration.cli.audit import show
from orchestration.defs.models import (
    audit_lets_the_version_pass,
    late_delivery_audit,
    no_region_raises_the_weekly_alarm,
)
from orchestration.lib.workspace_resource import workspace_resource
from tests.support.model_company import CHECKS
from workspace.published import Snapshot, publish

REGIONS = ("north", "south", "east", "west", "hill", "coast", "isle")
NOW = pd.Timestamp("2026-07-01")


def marts(features: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Marts of the orders: south is released 9 h later, east scanned 12 h late, west promised 6 h tighter."""
    rng = np.random.default_rng(5)
    count, region = len(features), features["region_code"].to_numpy()
    distance = features["distance_km"].to_numpy() + 600 * (region == "hill")
    planned = 12 + distance / 25
    hours = planned * rng.lognormal(0, 0.15, count) + 9 * (region == "south")
    lag = rng.uniform(0, 0.2, count) + 12 * (region == "east")
    promise = planned * 1.2 + 8 - 6 * (region == "west")
    ordered = pd.to_datetime(features["ordered_at"])
    happened = ordered + pd.to_timedelta(hours, unit="h")
    delivered = happened + pd.to_timedelta(lag, unit="h")
    promised = ordered + pd.to_timedelta(promise, unit="h")
    is_known = (delivered <= NOW).to_numpy()
    is_moved = ((region == "coast") & (ordered >= "2026-04-01")).to_numpy()
    orders = features[["order_id", "ordered_at", "region_code", "segment", "channel"]].assign(
        promised_at=promised, delivered_at=delivered.where(is_known), is_cancelled=False,
        is_late=pd.array(np.where(is_known, delivered > promised, None), dtype="boolean"),
        value_tier=rng.choice(["gold", "standard"], count), shipping_cost_amount=np.round(5 + distance / 100, 2),
        count_shipments=1 + (rng.random(count) < 0.1), is_touched_by_person=rng.random(count) < 0.2,
        main_warehouse_id="w1", planned_warehouse_id="w1", main_product_id="p1",
        customer_id=[f"c{n % 500}_{r}" for n, r in enumerate(region)],
    )  # fmt: skip
    parcels = pd.DataFrame({
        "order_id": orders["order_id"], "carrier": np.where(is_moved, "slow", "usual"), "service_level": "ground",
        "distance_km": distance, "shipped_at": ordered, "delivered_at": orders["delivered_at"],
    })  # fmt: skip
    events = pd.DataFrame({
        "order_id": orders["order_id"], "event_type": "delivered", "actor_kind": "system",
        "occurred_at": happened, "recorded_at": delivered,
    })[is_known]  # fmt: skip
    customers = orders[["customer_id", "region_code"]].drop_duplicates()
    customers = customers.assign(postal_code=[f"{REGIONS.index(r):02d}00-7" for r in customers["region_code"]])
    regions = pd.DataFrame({
        "region_code": REGIONS, "name": [r.title() for r in REGIONS], "local_name": [f"{r}区" for r in REGIONS],
        "latitude": np.linspace(20, 40, 7), "longitude": np.linspace(80, 120, 7),
    })  # fmt: skip
    return {
        "fct_orders": orders, "fct_shipments": parcels, "fct_order_events": events,
        "dim_customers": customers[["customer_id", "postal_code"]], "dim_regions": regions,
    }  # fmt: skip


def publish_all(company: Any, frames: dict[str, pd.DataFrame]) -> Snapshot:
    files = {}
    for name, frame in frames.items():
        files[name] = company.settings.paths.root / f"{name}.parquet"
        frame.to_parquet(files[name])
    return publish(company.settings.paths.published, files, {"as_of": NOW.isoformat()}, 3)


@dataclass(frozen=True)
class Audited:
    """A company, what was published, and the audit of its only version."""

    company: Any
    snapshot: Snapshot
    report: AuditReport
    context: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def audited(tmp_path_factory, promoted, make_orders, migrated) -> Audited:
    company = type(promoted)(tmp_path_factory.mktemp("audited") / "home", migrated)
    frame = make_orders(6000)
    frame["region_code"] = np.random.default_rng(9).choice(REGIONS, len(frame))
    frame["weather_destination_severity"] = 0.0
    snapshot = publish_all(company, {**marts(frame), "feat_order_delivery": frame})
    TrainJob(company.spec).run(company.settings, snapshot)
    report = AuditJob(company.spec, is_printed=True).run(company.settings)
    record = read_report(company.settings.paths.reports / AUDITS, report.sha256)
    with open_stores(company.settings) as stores:
        folder = stores.report_folder(company.spec.name, report.version)
    return Audited(company, snapshot, report, record["context"], folder)


def numbers_of(page: str) -> list[str]:
    """All numbers of a page but those of its last section, which cites articles of law."""
    body = page[: page.rindex("<section")]
    return sorted(re.findall(r"\d+(?:\.\d+)?", html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", body))))


def named(context: dict[str, Any], part: str) -> list[str]:
    return [g["group"] for g in context["label_layer"]["groups"] if g["parts"] and g["parts"][part]["named"]]


def test_each_planted_cause_is_called_by_its_name_from_the_marts_alone(audited):
    assert named(audited.context, "unexplained") == ["south"]
    assert named(audited.context, "measurement") == ["east"]
    assert named(audited.context, "policy") == ["west"]


def test_decisions_proxies_remedies_and_time_are_reported(audited):
    decision = audited.context["decision_layer"]
    assert {"on_time", "promised_days", "shipping_cost", "split", "automated"} <= decision["metrics"].keys()
    assert decision["amplification"]["on_time"]["ratio"] is not None
    assert decision["constant"] == {"cancelled": 0.0, "sent_to_a_person": 0.0, "overridden": 0.0}
    assert audited.context["proxies"]["baseline"] < 0.2
    remedies = {r["name"]: r for r in audited.context["mitigation"]["remedies"]}
    assert {"none", "reweighing", "thresholds_by_group", "exponentiated_gradient"} <= remedies.keys()
    assert not remedies["exponentiated_gradient"]["offered"]
    assert {"south", "east"} <= audited.report.alarms.keys()


def test_a_change_of_carrier_is_found_at_its_place_and_date(audited):
    [change] = [c for c in audited.context["changes"] if "slow" in c["what"]]
    assert (change["date"], change["what"]) == ("2026-04-01", "coast 0500: usual → slow")
    assert change["effect"]["interval"][0] < 0 < change["effect"]["interval"][1]
    assert 0.5 < change["disparity"]["ratio"] < 2, "regions lay as far apart before as after"
    page = audited.report.page.read_text(encoding="utf-8")
    assert page.count(">№1</text>") >= 1, "the change stands on the courses over time"


def test_repaired_labels_and_data_sheet_lie_beside_the_model_card_and_in_the_run(audited):
    repaired = pd.read_parquet(audited.folder / "repaired_labels.parquet").dropna()
    fewer = repaired.groupby("region_code")[["late", "repaired_late"]].mean().diff(axis=1)["repaired_late"]
    assert fewer["south"] < -0.2
    assert abs(fewer["north"]) < 0.02
    sheet = (audited.folder / "data_sheet.md").read_text(encoding="utf-8")
    assert audited.snapshot.digest in sheet
    assert "| south |" in sheet
    with open_stores(audited.company.settings) as stores:
        run_id = stores.promotions.history(audited.report.model).version(audited.report.version).evaluated["run_id"]
        logged = {file.path for file in stores.client.list_artifacts(run_id)}
        assert {"data_sheet.md", "repaired_labels.parquet", "model_card.md"} <= logged


def test_a_version_may_learn_the_repaired_label_and_says_so_wherever_it_is_read(audited, company):
    features = pd.read_parquet(audited.snapshot.path("feat_order_delivery"))
    frames = marts(features)
    orders = frames["fct_orders"]
    # Promises twelve hours tighter everywhere, so that orders are late without any fault as well.
    orders["promised_at"] -= pd.Timedelta(hours=12)
    late = (orders["delivered_at"] > orders["promised_at"]).where(orders["delivered_at"].notna())
    orders["is_late"] = features["is_late"] = late.astype("boolean")
    snapshot = publish_all(company, {**frames, "feat_order_delivery": features})
    reports = [TrainJob(company.spec, label=label).run(company.settings, snapshot) for label in LABELS]
    assert [report.version for report in reports] == ["1", "2"]
    assert "labels differ from the record" in (reports[1].folder / "model_card.md").read_text(encoding="utf-8")
    judged = [pd.read_parquet(report.folder / "backtest.parquet") for report in reports]
    recorded, repaired = (rows.groupby("region_code")["predicted"].mean() for rows in judged)
    assert repaired["south"] < recorded["south"] - 0.15, "its late share is due to a fault that was proven"
    assert abs(repaired["north"] - recorded["north"]) < 0.06
    assert judged[0]["outcome"].equals(judged[1]["outcome"]), "both are judged by the label as recorded"
    with open_stores(company.settings) as stores:
        evaluated = stores.promotions.history(company.spec.name).version("2").evaluated
        assert stores.client.get_run(evaluated["run_id"]).data.tags["label"] == "repaired"
    audit = AuditJob(company.spec, "2", is_priced=False).run(company.settings)
    assert "Repaired: proven late scans" in audit.page.read_text(encoding="utf-8")
    assert "As recorded; faults" in audited.report.page.read_text(encoding="utf-8")


def test_the_report_says_the_same_numbers_in_both_languages(audited):
    pages = [(audited.report.page.parent / f"report.{lang}.html").read_text(encoding="utf-8") for lang in ("en", "zh")]
    assert numbers_of(pages[0]) == numbers_of(pages[1])
    assert "Orders to South (south) take" in pages[0]
    assert "发往 south区 (south) 的订单" in pages[1]


def test_auditing_again_reuses_the_report_and_rendering_again_gives_the_same_bytes(audited):
    again = AuditJob(audited.company.spec, is_printed=True).run(audited.company.settings)
    assert (again.status, again.sha256) == ("reused", audited.report.sha256)
    before = {f.name: f.read_bytes() for f in audited.report.page.parent.iterdir()}
    summary = audited.folder / "fairness.json"
    found = summary.read_text(encoding="utf-8")
    summary.unlink()
    third = AuditJob(audited.company.spec, is_printed=True).run(audited.company.settings)
    assert third.sha256 == audited.report.sha256
    assert {f.name: f.read_bytes() for f in third.page.parent.iterdir()} == before
    assert summary.read_text(encoding="utf-8") == found


@pytest.mark.skipif(not shutil.which("chromium"), reason="a PDF is printed by a browser")
def test_the_report_is_printed_in_both_languages(audited):
    for language in ("en", "zh"):
        pdf = audited.report.page.parent / f"report.{language}.pdf"
        assert pdf.read_bytes().startswith(b"%PDF")


def test_an_audit_of_new_orders_says_what_changed(audited):
    frames = {name: pd.read_parquet(audited.snapshot.path(name)) for name in audited.snapshot.tables}
    frames["fct_order_events"]["recorded_at"] = frames["fct_order_events"]["occurred_at"]
    publish_all(audited.company, frames)
    report = AuditJob(audited.company.spec, is_priced=False).run(audited.company.settings)
    assert report.status == "audited"
    page = report.page.read_text(encoding="utf-8")
    assert "Measurement: now named none; no longer named East." in page
    summary = read_fairness(audited.folder)
    assert summary is not None
    assert (summary["sha256"], summary["overall_verdict"]) == (report.sha256, "gap")


def test_a_company_without_optional_tables_is_audited_on_what_it_has(audited, company):
    features = pd.read_parquet(audited.snapshot.path("feat_order_delivery"))
    snapshot = publish_all(company, {"fct_orders": marts(features)["fct_orders"], "feat_order_delivery": features})
    history = read_order_history(snapshot)
    assert history is not None
    assert set(history.absent) >= {"fct_shipments", "fct_order_events", "dim_customers"}
    assert history.orders["lag_hours"].isna().all()
    TrainJob(company.spec).run(company.settings, snapshot)
    report = AuditJob(company.spec, is_priced=False).run(company.settings)
    context = json.loads((report.page.parent / "audit.json").read_text(encoding="utf-8"))["context"]
    assert context["label_layer"]["not_assessed"] == ["measurement"]
    assert "fct_shipments" in context["data"]["gaps"]["en"]


def test_a_failed_audit_refuses_the_version_and_its_check_says_why(company):
    company.train()
    resource = workspace_resource(company.settings)
    run = dg.materialize(
        [late_delivery_audit, audit_lets_the_version_pass, no_region_raises_the_weekly_alarm],
        resources={"workspace": resource},
    )
    assert {check.check_name: check.passed for check in run.get_asset_check_evaluations()} == {
        "audit_lets_the_version_pass": True, "no_region_raises_the_weekly_alarm": True,
    }  # fmt: skip
    with open_stores(company.settings) as stores:
        summary = stores.report_folder(company.spec.name, "1") / "fairness.json"
    found = json.loads(summary.read_text(encoding="utf-8"))
    found.update(verdict="gap", beyond=["south"], alarms={"south": "2026-W12"})
    summary.write_text(json.dumps(found), encoding="utf-8")
    check = audit_lets_the_version_pass(resource)
    assert not check.passed
    assert "shown to exceed 0.05 in south" in str(check.description)
    alarm = no_region_raises_the_weekly_alarm(resource)
    assert (alarm.passed, alarm.description) == (False, "south since 2026-W12")
    report = PromoteJob(company.spec, None, CHECKS).run(company.settings, company.snapshot)
    assert (report.champion, report.gates["fairness"]) == (None, "fail")


def test_the_command_shows_every_layer(audited, capsys, monkeypatch):
    monkeypatch.setenv("OI_HOME", str(audited.company.settings.home))
    monkeypatch.setenv("OI_COMPANY", audited.company.settings.company)
    with pytest.raises(typer.Exit):
        show(audited.report.model, audited.report.version, as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert re.search(r"labels: gap\. .*unexplained: [a-z, ]*south", shown)
    assert "decisions: gap" in shown
    assert "weekly alarm: " in shown
