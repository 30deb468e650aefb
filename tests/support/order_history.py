"""A random but reproducible history of orders with everything that makes histories hard to cut.

Late, early, open, split and cancelled orders, parcels that leave before their order or after its promise, guests,
unknown regions, unmapped codes, nodes without position, signals that begin later or have ended, rates that expire.

Belongs here: rows of the landing contract. Does not belong here: landing them.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

START = datetime(2026, 1, 1)
REGIONS = ("CN-BJ", "CN-SH", "CN-GD", "CN-SC")
NODES = 5
PRODUCTS = 12
CUSTOMERS = 60
#: One number a product in every system, with its check digit.
GTINS = (
    "6900000000007", "6900000000014", "6900000000021", "6900000000038",
    "6900000000045", "6900000000052", "6900000000069", "6900000000076",
    "6900000000083", "6900000000090", "6900000000106", "6900000000113",
)  # fmt: skip

Rows = dict[str, list[dict[str, Any]]]


def order_history(orders: int = 1500, days: int = 60, seed: int = 11) -> Rows:
    """Rows by table, times to the second."""
    luck = Random(seed)
    rows: Rows = {**_master_data(luck), **_outside_world(luck, days)}
    for name in ("orders", "order_lines", "shipments", "shipment_lines", "order_events", "reviews"):
        rows[name] = []
    for number in range(orders):
        _add_order(rows, luck, number, days)
    rows["inventory_snapshots"] = [
        {"source_system": "wms", "warehouse_code": f"W{node}", "product_code": f"P{product}",
         "observed_at": START + timedelta(days=day, hours=20), "on_hand_quantity": luck.randrange(9),
         "reserved_quantity": 1}
        for day in range(days) for node in range(NODES) for product in range(3)
    ]  # fmt: skip
    rows["inbound_deliveries"] = _inbound(Random(seed + 1), days)
    return rows


def _inbound(luck: Random, days: int) -> list[dict[str, Any]]:
    found = []
    for number in range(days * 2):
        created = START + timedelta(hours=luck.randrange(days * 24))
        received = created + timedelta(hours=luck.randrange(20, 240))
        came = received < START + timedelta(days=days)
        found.append(
            {"source_system": "wms", "inbound_code": f"I{number}", "line_number": 1,
             "kind": luck.choice(["purchase", "transfer"]), "warehouse_code": f"W{luck.randrange(NODES)}",
             "origin_warehouse_code": luck.choice(["W0", None]), "product_code": f"P{luck.randrange(3)}",
             "quantity": luck.randrange(1, 9), "created_at": created,
             "expected_at": luck.choice([None, created + timedelta(hours=96)]),
             "received_at": received if came else None, "received_quantity": 1 if came else None}
        )  # fmt: skip
    return found


def _master_data(luck: Random) -> Rows:
    return {
        "regions": [
            {"region_code": code, "name": code, "country_code": "CN", "latitude": 20.0 + i, "longitude": 110.0 + i}
            for i, code in enumerate(REGIONS)
        ],
        "customers": [
            {"source_system": "shop", "customer_code": f"C{i}", "email": f"c{i % 50}@mail.cn", "segment": "b2c",
             "region_code": REGIONS[i % 4]}
            for i in range(CUSTOMERS)
        ],
        "warehouses": [
            {"source_system": system, "warehouse_code": f"W{i}", "name": f"Node {i}", "region_code": REGIONS[i % 4],
             "kind": "dc", "latitude": None if i == 4 else 21.0 + i, "longitude": None if i == 4 else 111.0 + i,
             "daily_capacity_orders": 3}
            for i in range(NODES) for system in ("shop", "wms")
        ],
        "products": [
            {"source_system": system, "product_code": f"P{i}", "brand": "B", "model_code": f"M{i}", "gtin": GTINS[i],
             "category": ("fridge", "kettle", None)[i % 3], "weight_kg": luck.choice([None, 1.5, 20.0]),
             "length_cm": 10.0, "width_cm": 20.0, "height_cm": luck.choice([None, 30.0])}
            for i in range(PRODUCTS) for system in ("shop", "wms")
        ],
    }  # fmt: skip


def _outside_world(luck: Random, days: int) -> Rows:
    signals = []
    for number in range(8 * days):
        begin = START + timedelta(hours=luck.randrange(24 * days), minutes=luck.randrange(60))
        signals.append(
            {"source_system": "feed", "signal_code": f"G{number}", "kind": luck.choice(["weather", "outage", "market"]),
             "region_code": luck.choice(REGIONS), "product_category": luck.choice(["fridge", "kettle"]),
             "severity": luck.random(), "observed_at": begin - timedelta(hours=luck.randrange(-6, 48)),
             "started_at": begin, "ended_at": luck.choice([None, begin + timedelta(hours=luck.randrange(90))])}
        )  # fmt: skip
        if signals[-1]["kind"] == "outage":
            signals[-1] |= {"source_system": "wms", "warehouse_code": f"W{luck.randrange(NODES)}"}
    rates = [
        {"source_system": "tms", "carrier": carrier, "service_level": level, "origin_region_code": origin,
         "destination_region_code": destination, "min_weight_kg": 0.0, "fixed_amount": 5, "per_kg_amount": 1,
         "currency": "CNY", "planned_days": float(luck.randrange(1, 6)), "valid_from": START.date(),
         "valid_to": luck.choice([None, (START + timedelta(days=days // 2)).date()])}
        for carrier in "ab" for level in ("ground", "express") for origin in REGIONS for destination in REGIONS[:3]
    ]  # fmt: skip
    return {"signals": signals, "carrier_rates": rates}


def _add_order(rows: Rows, luck: Random, number: int, days: int) -> None:
    code = f"O{number}"
    ordered = START + timedelta(seconds=luck.randrange(days * 86400))
    cancelled = ordered + timedelta(hours=luck.randrange(200)) if luck.random() < 0.08 else None
    node = luck.randrange(NODES)
    rows["orders"].append(
        {"source_system": "shop", "order_code": code, "channel": luck.choice(["web", "app"]), "ordered_at": ordered,
         "customer_code": luck.choice([None, f"C{luck.randrange(CUSTOMERS + 2)}"]),
         "promised_at": luck.choice([None] + 9 * [ordered + timedelta(hours=luck.randrange(24, 120))]),
         "ship_to_region_code": luck.choice([None, *REGIONS]), "ship_to_latitude": 22.0 + luck.random(),
         "ship_to_longitude": 112.0 + luck.random(), "priority": luck.choice([None, "standard", "express"]),
         "status": "cancelled" if cancelled else "processing", "cancelled_at": cancelled,
         "home_warehouse_code": luck.choice([None, f"W{node}", f"W{node}", f"W{node}"]), "shipping_amount": 5,
         "currency": "CNY"}
    )  # fmt: skip
    rows["order_events"].append(
        _event(code, "approved", ordered + timedelta(hours=1), luck.choice(["person", "system"]))
    )
    quantities = [luck.randrange(1, 5) for _ in range(luck.randrange(1, 4))]
    for line, quantity in enumerate(quantities, start=1):
        price = luck.randrange(5, 500)
        rows["order_lines"].append(
            {"source_system": "shop", "order_code": code, "line_number": line, "ordered_at": ordered,
             "product_code": f"P{luck.randrange(PRODUCTS + 1)}", "quantity": quantity, "unit_price_amount": price,
             "line_amount": quantity * price, "currency": "CNY"}
        )  # fmt: skip
    if luck.random() < 0.9:
        for parcel in range(luck.choice([1, 1, 1, 2])):
            _add_parcel(rows, luck, code, parcel, ordered, node, quantities)


def _add_parcel(
    rows: Rows, luck: Random, code: str, parcel: int, ordered: datetime, node: int, quantities: list[int]
) -> None:
    created = ordered + timedelta(hours=luck.choice([0, 0, 1, 30]))
    shipped = created + timedelta(hours=luck.randrange(-2, 150)) if luck.random() < 0.95 else None
    delivered = shipped + timedelta(hours=luck.randrange(5, 120)) if shipped and luck.random() < 0.9 else None
    shipment = f"S{code}-{parcel}"
    rows["shipments"].append(
        {"source_system": "wms", "shipment_code": shipment, "order_source_system": "shop", "order_code": code,
         "warehouse_code": f"W{luck.choice([node, node, luck.randrange(NODES + 1)])}", "carrier": "a",
         "created_at": created, "shipped_at": shipped, "delivered_at": delivered, "cost_amount": 7, "currency": "CNY",
         "weight_kg": 2.0}
    )  # fmt: skip
    rows["shipment_lines"] += [
        {"source_system": "wms", "shipment_code": shipment, "line_number": line, "order_line_number": line,
         "created_at": created, "product_code": "P1", "quantity": quantity}
        for line, quantity in enumerate(quantities, start=1) if parcel == 0
    ]  # fmt: skip
    if shipped:
        rows["order_events"].append(_event(code, f"shipped{parcel}", shipped, "system", "shipped"))
    if delivered:
        rows["reviews"].append(
            {"source_system": "care", "review_code": shipment, "order_source_system": "shop", "order_code": code,
             "score": luck.randrange(1, 6), "created_at": delivered + timedelta(days=1)}
        )  # fmt: skip


def _event(order: str, code: str, at: datetime, actor: str, kind: str | None = None) -> dict[str, Any]:
    return {"source_system": "erp", "event_code": f"{order}/{code}", "order_source_system": "shop", "order_code": order,
            "event_type": kind or code, "occurred_at": at, "recorded_at": at, "actor_kind": actor}  # fmt: skip
