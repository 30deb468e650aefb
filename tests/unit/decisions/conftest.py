"""A published snapshot that a routing plan can be made from, small enough to know every answer."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from decisions.routing import plan as planning
from ml.core.routing.ranker import NEWS, NodeRanker
from ml.jobs.routing import PRIORITIES, paid_prices
from workspace.published import Snapshot, publish
from workspace.settings import Settings

AS_OF = "2026-10-31T12:00:00"
#: Orders: `free` waits for a node; `moving` waits at `far`, given out 2 h ago; `old` the same, 30 h ago; `packed`;
#: `double` waits in two parcels; `unpaid`; `lost` has no known region; `gone` has nothing open.
TABLES = {
    "fct_orders": """
        select * from (values
        ('free', 'R1', 'standard', 'approved', true), ('moving', 'R1', 'critical', 'processing', true),
        ('old', 'R1', 'standard', 'processing', true), ('packed', 'R2', 'standard', 'processing', true),
        ('double', 'R2', 'standard', 'processing', true), ('unpaid', 'R1', 'standard', 'created', false),
        ('lost', 'unknown', 'standard', 'approved', true), ('gone', 'R1', 'standard', 'delivered', true)
        ) t(order_id, region_code, priority, status, is_approved)""",
    "fct_order_lines": """
        select order_id, 1 as line_number, product_id, quantity, quantity as open_quantity from (values
        ('free', 'p1', 2), ('moving', 'p1', 3), ('old', 'p1', 1), ('packed', 'p1', 1), ('double', 'p1', 1),
        ('unpaid', 'p1', 1), ('lost', 'p1', 1), ('gone', 'p1', 0)) t(order_id, product_id, quantity)""",
    "dim_products": """
        select 'p1' as product_id, 'tea' as category, cast(null as double) as weight_kg, 40.0 as list_price_amount""",
    "dim_warehouses": """
        select * from (values ('near', 'R1', 30.0, 120.0, 10, null), ('far', 'R2', 30.0, 130.0, 10, null),
        ('shut', 'R1', 30.0, 120.0, 10, date '2026-01-01'))
        t(warehouse_id, region_code, latitude, longitude, daily_capacity_orders, closed_date)""",
    "dim_regions": """
        select * from (values ('R1', 30.0, 120.0), ('R2', 30.0, 130.0), ('unknown', null, null))
        t(region_code, latitude, longitude)""",
    "fct_inventory_daily": """
        select warehouse_id, 'p1' as product_id, date '2026-10-31' as stock_date, on_hand as on_hand_quantity,
            reserved as reserved_quantity
        from (values ('near', 10, 5), ('far', 4, 4), ('shut', 50, 0)) t(warehouse_id, on_hand, reserved)""",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", company="demo")


@pytest.fixture
def make_snapshot(settings: Settings, tmp_path: Path) -> Callable[..., Snapshot]:
    """Publishes the tables above; a keyword replaces the query of one, None leaves it out."""

    def make(**changes: str | None) -> Snapshot:
        queries = {**_tables(), **changes}
        files: dict[str, Path] = {}
        with duckdb.connect() as connection:
            for name, query in queries.items():
                if query is not None:
                    files[name] = tmp_path / f"{name}.parquet"
                    connection.execute(f"copy ({query}) to '{files[name]}' (format parquet)")
        return publish(settings.paths.ensure().published, files, {"as_of": AS_OF}, 3)

    return make


def _tables() -> dict[str, str]:
    orders = TABLES["fct_orders"].replace("select *", "select order_id, region_code, priority, status, is_approved", 1)
    news = ", ".join(f"0.1 as {name}" for name in NEWS)
    shipments = """
        select *, cast(null as double) as cost_amount, 1.0 as weight_kg, false as has_left from (values
        ('s1', 'moving', 'far', 'created', 2), ('s2', 'old', 'far', 'created', 30),
        ('s3', 'packed', 'far', 'packed', 1),
        ('s4', 'double', 'far', 'created', 1), ('s5', 'double', 'near', 'created', 1))
        t(shipment_id, order_id, warehouse_id, status, age)"""
    paid = """
        select 'h' || i as shipment_id, 'history' as order_id, 'near' as warehouse_id, 'delivered' as status, 99 as age,
            5.0 + 0.004 * (i * 10) as cost_amount, 1.0 as weight_kg, true as has_left from range(150) r(i)"""
    history = """
        select 'h' || i as shipment_id, 'R1' as region_code, 'ground' as service_level, i * 10.0 as distance_km,
            timestamp '2026-09-01' + to_hours(i) as allocated_at from range(150) r(i)"""
    return {
        **TABLES,
        "fct_orders": f"""
            select * exclude (is_approved), case when is_approved then timestamp '2026-10-30' end as approved_at,
                false as is_cancelled, timestamp '2026-10-30' as ordered_at,
                timestamp '2026-11-02' as promised_at, upper(order_id) as order_code
            from ({orders})""",
        "fct_shipments": f"""
            select * exclude (age), timestamp '2026-10-31 12:00:00' - to_hours(cast(age as integer)) as created_at
            from ({shipments} union all by name {paid})""",
        "feat_parcel_delivery": history,
        "feat_order_delivery": f"select order_id, {news} from ({TABLES['fct_orders']})",
    }


class LateFarAway:
    """P(late) of parcels by distance."""

    def probabilities(self, rows: pd.DataFrame) -> Any:
        return np.where(rows["distance_km"] > 500, 0.6, 0.05)


def routing_version(snapshot: Snapshot, version: str, lateness_cost: float) -> SimpleNamespace:
    """A loaded version of order routing whose lateness is known."""
    shipping = {**paid_prices(snapshot).as_dict(), "relative_error": 0.02}
    ranker = NodeRanker(None, [], shipping, {"lateness_cost": lateness_cost, "unfilled_cost": 100.0}, PRIORITIES, 0.1)
    return SimpleNamespace(estimator=ranker, light=LateFarAway(), version=version, model="order-routing")


@pytest.fixture
def champion(monkeypatch: pytest.MonkeyPatch, make_snapshot: Callable[..., Snapshot]) -> Snapshot:
    """A champion whose lateness is known; gives the snapshot."""
    snapshot = make_snapshot()
    loaded = routing_version(snapshot, "7", 20.0)
    stand_in(monkeypatch, lambda *_: loaded)
    return snapshot


def stand_in(monkeypatch: pytest.MonkeyPatch, load: Callable[..., Any]) -> None:
    """Ask `load` for the champion, and open no registry, which takes seconds."""
    alone = SimpleNamespace(promotions=SimpleNamespace(history=lambda _model: SimpleNamespace(challenger=None)))
    monkeypatch.setattr(planning, "open_stores", lambda _settings: nullcontext(alone))
    monkeypatch.setattr(planning, "load_champion", load)
    monkeypatch.setattr(planning, "certified_policy", lambda *_: None)
