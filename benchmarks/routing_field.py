"""Plans of past moments judged by the parcels that really followed: confidence against outcomes, by band and region.

Run: `.venv/bin/python -m benchmarks.routing_field --home HOME [--company demo] [--days 3] [--back 20]`, on the home of
a company whose graph has run. Prints markdown; writes into a temporary home only.

Belongs here: the company as it was at a moment, a model that learned before the first of them, the pooled table. Does
not belong here: the judgement (decisions.routing.outcomes).
"""

import argparse
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from decisions.routing.kept import OUTCOMES, Plan
from decisions.routing.outcomes import judge_plan
from decisions.routing.plan import PlanJob
from decisions.routing.ready import Ready, ready_with
from decisions.routing.store import read_summary
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.ranker import NodeRanker
from ml.core.routing.reliability import said_and_right
from ml.io.policies import DecisionPolicy
from ml.io.registry import current_digest, load
from ml.io.stores import open_stores
from ml.jobs.catalogue import ORDER_ROUTING
from ml.jobs.routing import RoutingTrainJob
from workspace.published import Snapshot, open_current, publish
from workspace.settings import Settings, load_settings

#: Hours of the day at which a plan is made.
HOURS = (8, 12, 16)
#: Table → how it stood at `$now`; others do not change with time, or are not read.
THEN = {
    "fct_orders": "select * replace (case when approved_at < $now then approved_at end as approved_at, "
    "coalesce(cancelled_at < $now, false) as is_cancelled, 'approved' as status) from {t} where ordered_at < $now",
    "fct_shipments": "select * replace (coalesce(shipped_at < $now, false) as has_left, case when shipped_at < $now "
    "then 'shipped' else 'created' end as status, case when delivered_at < $now then delivered_at end as delivered_at, "
    "case when shipped_at < $now then shipped_at end as shipped_at, case when shipped_at < $now then cost_amount end "
    "as cost_amount) from {t} where created_at < $now",
    "feat_parcel_delivery": "select * replace (case when label_known_at < $now then is_late end as is_late, case when "
    "label_known_at < $now then label_known_at end as label_known_at) from {t} where allocated_at < $now",
    "fct_inventory_daily": "select * from {t} where stock_date < cast($now as date)",
    "fct_order_lines": "select l.* replace (case when s.order_id is null then quantity else 0 end as open_quantity) "
    "from {t} l left join (select distinct order_id from {shipments} where shipped_at < $now) s using (order_id)",
}
LEFT_OUT = ("stockout_predictions", "stockout_alerts")


def as_it_was(snapshot: Snapshot, now: datetime, home: Settings, scratch: Path) -> Snapshot:
    """The snapshot as it would have been published at a moment, in another home."""
    files = {}
    with snapshot.connect() as connection:
        for table in set(snapshot.tables) - set(LEFT_OUT):
            files[table] = scratch / f"{table}.parquet"
            query = THEN.get(table, "select * from {t}").format(t=table, shipments="fct_shipments")
            query = query.replace("$now", f"timestamp '{now:%Y-%m-%d %H:%M:%S}'")
            connection.execute(f"copy ({query}) to '{files[table]}' (format parquet)")
    return publish(home.paths.ensure().published, files, {"as_of": now.isoformat()}, 2)


def trained(home: Settings, snapshot: Snapshot) -> Ready:
    """A model that learned from this snapshot alone, under its own policy."""
    report = RoutingTrainJob().run(home, snapshot)
    with open_stores(home) as stores:
        digest = current_digest(stores, ORDER_ROUTING.name, report.version)
        model = load(stores, ORDER_ROUTING.name, report.version, str(digest))
    assert isinstance(model.estimator, NodeRanker)
    policy = DecisionPolicy(RoutingPolicy(model.estimator.parameters), home.confidence_threshold)
    return ready_with(model, policy, {"time_limit": 60.0})


def main() -> None:
    """Make the plans, judge them, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--company", default="demo")
    parser.add_argument("--days", type=int, default=3, help="days on which plans are made")
    parser.add_argument("--back", type=int, default=20, help="days before the newest data at which the first lies")
    arguments = parser.parse_args()
    company = load_settings(home=arguments.home, company=arguments.company)
    snapshot = open_current(company.paths.published)
    newest = datetime.fromisoformat(str(snapshot.notes["as_of"])).replace(hour=0, minute=0, second=0, microsecond=0)
    first = newest - timedelta(days=arguments.back)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        home = Settings(home=scratch / "home", company=arguments.company)
        ready = trained(home, as_it_was(snapshot, first, home, scratch))
        judged, parcels = [], []
        for day in range(arguments.days):
            for hour in HOURS:
                now = first + timedelta(days=day, hours=hour)
                plan = scratch / f"{now:%Y%m%dT%H%M%S}-plan"
                PlanJob().make(as_it_was(snapshot, now, home, scratch), ready, plan, plan.name)
                found = judge_plan(Plan(plan, read_summary(plan)), snapshot, ready.live)
                if found is not None:
                    judged.append(duckdb.read_parquet(str(plan / OUTCOMES)).df())
                    parcels.append(found.parcels)
        _show(pd.concat(judged), parcels, ready)


def _show(orders: pd.DataFrame, parcels: list[int], ready: Ready) -> None:
    threshold = ready.policy.confidence_threshold
    said, right = orders["confidence"].to_numpy(), orders["right_share"].to_numpy()
    bands, regions, error = said_and_right(said, right, orders["region_code"].to_numpy(str))
    assert ready.uncertainty is not None
    print(f"{len(parcels)} plans, {len(orders):,} choices, judged by {np.mean(parcels):,.0f} parcels each. The model")
    print(f"states that lanes err by {ready.uncertainty.lateness_logit:.2f} in log-odds of lateness and "
          f"{ready.uncertainty.cost_relative:.1%} in price.\n")  # fmt: skip
    for heading, groups in (("confidence", bands), ("region", regions)):
        print(f"| {heading} | choices | said | right |\n|---|---|---|---|")
        for group in groups:
            print(f"| {group.name} | {group.choices:,} | {group.said:.1%} | {group.right:.1%} |")
        print()
    certain = said >= threshold
    print(f"- expected calibration error: {error:.2%}")
    print(f"- at the threshold of {threshold:.0%}: {certain.sum():,} choices, right {right[certain].mean():.1%}")
    went = orders[orders["is_followed"]]
    print(f"- {len(went):,} went as decided: on time {went['on_time_said'].mean():.1%} said, "
          f"{went['was_on_time'].astype(float).mean():.1%} came; shipping {went['price_said'].mean():.2f} said, "
          f"{went['price'].mean():.2f} paid")  # fmt: skip


if __name__ == "__main__":
    main()
