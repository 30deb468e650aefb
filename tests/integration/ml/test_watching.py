"""Watching a champion: quiet on the world it was trained in, due when the world changes and labels have come."""

import json

import dagster as dg
import numpy as np
import pandas as pd

from ml.io.stores import open_stores
from ml.jobs.watch import WatchJob, newest_report
from orchestration.defs.automation import retraining_due
from orchestration.lib.retraining import retraining
from orchestration.lib.workspace_resource import workspace_resource

MODEL = "late-delivery-risk"
LATER = pd.Timestamp("2026-08-12")


def six_more_weeks(make_orders, harsh):
    """The history that the champion knows, and six weeks after it, harsher by `harsh` in the log-odds of lateness."""
    known = make_orders()
    more = make_orders(8000, seed=4)
    more["order_id"] = "n" + more["order_id"]
    more = more[more["ordered_at"] < "2026-02-12"].copy()
    shift = pd.Timestamp("2026-07-01") - pd.Timestamp("2026-01-01")
    for column in ("ordered_at", "promised_at", "label_known_at"):
        more[column] = more[column] + shift
    rng = np.random.default_rng(9)
    turned = rng.random(len(more)) < harsh
    more["is_late"] = more["is_late"].astype("boolean") | turned
    return pd.concat([known, more], ignore_index=True)


def test_without_news_nothing_is_due(promoted):
    report = WatchJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    assert report.status == "watched"
    assert not report.is_due
    assert report.alarms() == []
    assert "fewer than 200" in report.why
    with open_stores(promoted.settings) as stores:
        kept = newest_report(stores.report_folder(MODEL, "1"))
    assert kept == json.loads(json.dumps(report.as_dict()))


def test_more_of_the_same_world_is_not_due(crowned, make_orders, publish_frame):
    snapshot = publish_frame(crowned.settings, six_more_weeks(make_orders, 0.0), LATER)
    report = WatchJob(crowned.spec).run(crowned.settings, snapshot)
    assert min(report.rows.values()) > 400
    assert not report.is_due, report.why
    assert report.alarms("performance") == []
    assert not retraining(crowned.settings).is_due


def test_a_harsher_world_asks_for_retraining_until_a_version_waits(crowned, make_orders, publish_frame):
    snapshot = publish_frame(crowned.settings, six_more_weeks(make_orders, 0.3), LATER)
    report = WatchJob(crowned.spec).run(crowned.settings, snapshot)
    assert {alarm.name for alarm in report.alarms("performance")} >= {"bias", "surprise"}
    assert report.is_due
    due = retraining(crowned.settings)
    assert due.is_due
    assert "realised less predicted late rate" in due.why
    assert due.key == retraining(crowned.settings).key
    crowned.snapshot = snapshot
    crowned.train()
    waits = retraining(crowned.settings)
    assert not waits.is_due
    assert waits.why.startswith("Version 2 is newer and waits")


def test_before_any_training_it_is_due_and_without_champion_there_is_nothing_to_watch(company):
    assert retraining(company.settings).why == "No version has been trained."
    assert WatchJob(company.spec).run(company.settings, company.snapshot).status == "refused"
    company.train()
    assert "no champion" in retraining(company.settings).why


def test_the_table_names_alarms_first(crowned, make_orders, publish_frame):
    snapshot = publish_frame(crowned.settings, six_more_weeks(make_orders, 0.3), LATER)
    lines = WatchJob(crowned.spec).run(crowned.settings, snapshot).markdown("performance").splitlines()
    assert "**alarm**" in lines[2]


def test_the_sensor_starts_one_training_a_reason_and_says_it(crowned, make_orders, publish_frame):
    def look(cursor=None):
        context = dg.build_sensor_context(cursor=cursor, resources={"workspace": workspace_resource(crowned.settings)})
        return retraining_due(context), context.cursor

    quiet, _ = look()
    assert isinstance(quiet, dg.SkipReason)
    snapshot = publish_frame(crowned.settings, six_more_weeks(make_orders, 0.3), LATER)
    WatchJob(crowned.spec).run(crowned.settings, snapshot)
    asked, cursor = look()
    assert isinstance(asked, dg.RunRequest)
    assert "realised less predicted late rate" in asked.tags["oi/why"]
    again, _ = look(cursor)
    assert isinstance(again, dg.SkipReason)
    assert again.skip_message.startswith("Already asked for")
