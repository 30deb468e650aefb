"""Small data in good order for every validated boundary, as SQL that a test can then spoil.

Everything is derived from row numbers, so that two builds are equal. Landing rows are generated from the contract.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from sources.contracts import Column, Table, load_contract

LANDED_ROWS = 40
DAYS = 75
ORDERS_A_DAY = 20
#: Orders of the last days are still on their way: they have no label, and predictions are made for them.
OPEN_DAYS = 9
FIRST_OPEN = (DAYS - OPEN_DAYS) * ORDERS_A_DAY
#: A contact that must never be seen in a report.
SECRET_EMAIL = "secret.person@example.com"
SECRET_PHONE = "+49 170 5550123"

_TEXT = {"currency": "EUR", "country_code": "DE", "gtin": "4006381333931", "time_zone": "Europe/Berlin"}
_NUMBER = {
    "goods_amount": "10", "shipping_amount": "1", "tax_amount": "2", "discount_amount": "0", "total_amount": "13",
    "quantity": "2", "unit_price_amount": "5", "line_amount": "10", "min_weight_kg": "0", "max_weight_kg": "10",
    "reserved_quantity": "1", "on_hand_quantity": "9", "line_number": "1", "order_line_number": "1",
}  # fmt: skip
#: Hours after the row's own start at which a thing happens, by the first word of its column.
_HOURS = {"approved": 1, "recorded": 1, "picked": 1, "packed": 2, "shipped": 20, "delivered": 60, "received": 60,
          "expected": 50, "promised": 70, "answered": 30, "ended": 10, "updated": 90, "cancelled": 3}  # fmt: skip


def build_landing(folder: Path, spoil: Sequence[str] = (), tables: Sequence[str] | None = None) -> None:
    """Write landed Parquet for tables of the contract below `folder`, after running the statements of `spoil`."""
    contract = load_contract()
    with duckdb.connect(":memory:") as connection:
        for table in contract.values():
            connection.execute(f'create table "{table.name}" as {_landed(table)}')
        for statement in spoil:
            connection.execute(statement)
        for name in tables or contract:
            day = folder / name / "day=2026-05-01"
            day.mkdir(parents=True, exist_ok=True)
            connection.execute(f"copy \"{name}\" to '{day / 'batch1-0.parquet'}' (format parquet)")


def _landed(table: Table) -> str:
    columns = [f'{_value(column)} as "{column.name}"' for column in table.columns]
    lineage = (
        f"'{table.name}.csv' as _source_file, i + 2 as _source_row, 'batch1' as _batch, "
        "timestamp '2026-05-20 06:00:00' as _landed_at"
    )
    return f"select {', '.join(columns)}, {lineage} from range({LANDED_ROWS}) rows(i)"


def _value(column: Column) -> str:
    return f"cast({_expression(column)} as {column.type})"


def _expression(column: Column) -> str:
    name = column.name
    if column.allowed:
        return f"'{column.allowed[0]}'"
    if name in _NUMBER:
        return _NUMBER[name]
    if column.type in ("TIMESTAMP", "DATE"):
        hours = _HOURS.get(name.split("_")[0], 0)
        return f"timestamp '2026-05-01' + interval (i + {hours}) hour"
    if column.type == "VARCHAR":
        return _text(column)
    if column.type == "BOOLEAN":
        return "true"
    return str(column.maximum if column.maximum is not None and column.maximum < 10 else max(1, column.minimum or 1))


def _text(column: Column) -> str:
    if column.name in _TEXT:
        return f"'{_TEXT[column.name]}'"
    if column.name.endswith("source_system"):
        return "'shop'"
    if column.name == "email":
        return "'person' || i || '@example.com'"
    if column.reference is not None:
        return f"'{column.reference.column}-' || i"
    return f"'{column.name}-' || i"


def build_warehouse(path: Path, spoil: Sequence[str] = ()) -> None:
    """Write a DuckDB file with master data, marts and features, after running the statements of `spoil`."""
    with duckdb.connect(str(path)) as connection:
        for entity, plural, count in (
            ("customer", "customers", 60),
            ("product", "products", 30),
            ("warehouse", "warehouses", 6),
        ):
            _master_data(connection, entity, plural, count)
        for name, query in _MARTS.items():
            connection.execute(f"create table {name} as {query}")
        for statement in spoil:
            connection.execute(statement)


def _master_data(connection: duckdb.DuckDBPyConnection, entity: str, plural: str, count: int) -> None:
    """`count` source records in two systems; every third golden record has two of them."""
    connection.execute(
        f"create table stg_{plural} as select (['shop', 'erp'])[1 + i % 2] as source_system, "
        f"'{entity}-' || i as {entity}_code from range({count}) r(i)"
    )
    connection.execute(
        f"create table xref_{plural} as select source_system, {entity}_code, "
        f"'{entity[0]}_' || (row_number() over (order by {entity}_code) * 2 // 3) as {entity}_id, 'key' as match_rule "
        f"from stg_{plural}"
    )
    contact = (
        f", 'Name ' || {entity}_id as full_name, {entity}_id || '@example.com' as email, '+49' || {entity}_id as phone"
        if entity == "customer"
        else f", 'Name ' || {entity}_id as name"
    )
    connection.execute(
        f"create table dim_{plural} as select {entity}_id{contact}, count(*)::int as count_records "
        f"from xref_{plural} group by {entity}_id"
    )


_MARTS = {
    "fct_orders": f"""
        select 'o_' || i as order_id, 'shop' as source_system, 'W' || i as order_code,
            date '2026-03-01' + (i // {ORDERS_A_DAY})::int as order_date,
            timestamp '2026-03-01' + interval (i // {ORDERS_A_DAY}) day + interval (i % {ORDERS_A_DAY}) hour
                as ordered_at,
            ordered_at + interval 3 day as promised_at,
            case when i < {FIRST_OPEN}
                then ordered_at + interval (case when i % 10 = 0 then 80 else 50 end) hour end as delivered_at,
            'web' as channel, 'c_1' as customer_id,
            (['DE-BE', 'DE-BY', 'DE-HH'])[1 + i % 3] as region_code, 'b2c' as segment, 'standard' as value_tier,
            'delivered' as status, 2 as count_lines, 1 as count_shipments, i % 4 = 0 as is_cross_region,
            delivered_at > promised_at as is_late, 100.0::decimal(18,2) as total_amount, 'EUR' as currency
        from range({DAYS * ORDERS_A_DAY}) r(i)""",
    "fct_order_lines": """
        select order_id, line as line_number, order_date, 'p_1' as product_id, 3 as quantity, 2 as shipped_quantity,
            1 as cancelled_quantity, 0 as open_quantity
        from fct_orders, range(1, 3) lines(line)""",
    "fct_shipments": """
        select 's' || order_id as shipment_id, order_id, order_date, 'w_1' as warehouse_id, 'delivered' as status,
            ordered_at + interval 5 hour as shipped_at, delivered_at, 120.0::double as distance_km,
            epoch(delivered_at - ordered_at) / 3600 as lead_time_hours
        from fct_orders""",
    "fct_order_events": """
        select 'e' || order_id as event_id, order_id, ordered_at as occurred_at, ordered_at as recorded_at
        from fct_orders""",
    "fct_inventory_daily": """
        select 'w_1' as warehouse_id, 'p_' || i as product_id, date '2026-05-01' as stock_date, i as on_hand_quantity,
            0 as reserved_quantity, i as available_quantity, i <= 0 as is_stocked_out from range(20) r(i)""",
    "kpi_daily": """
        select order_date as kpi_date, region_code, count(*)::int as count_orders,
            count(delivered_at)::int as count_delivered,
            count(*) filter (where is_late)::int as count_late, 100.0::double * avg((not is_late)::int) as on_time_pct,
            12.5::double as human_intervention_pct, 100.0::double * avg(is_cross_region::int) as cross_region_pct
        from fct_orders group by all""",
    "feat_order_delivery": """
        select order_id, ordered_at, promised_at, region_code, segment, channel, count_lines,
            hour(ordered_at)::double as hour_of_day, is_late, delivered_at as label_known_at
        from fct_orders""",
    "feat_parcel_delivery": """
        select shipment_id, order_id, order_date, shipped_at - interval 5 hour as allocated_at,
            order_date + interval 3 day as promised_at, 'DE-BE' as region_code, warehouse_id, distance_km,
            72.0::double as slack_hours, lead_time_hours > 72 as is_late, delivered_at as label_known_at
        from fct_shipments""",
    "feat_stock_daily": """
        select warehouse_id || '|' || product_id || '|' || stock_date as stock_key, warehouse_id, product_id,
            stock_date, stock_date + interval 22 hour as observed_at, 'DE-BE' as region_code, on_hand_quantity,
            reserved_quantity, available_quantity, 1 as allocated_units_today, 2 as allocated_units_7d,
            5 as allocated_units_28d, 9 as allocated_units_56d, 0 as waiting_units, 0.2::double as daily_units_expected
        from fct_inventory_daily""",
}  # fmt: skip


#: What batches of predictions hold, from the warehouse `wh`.
BATCHES = {
    "predictions": """
        select order_id, region_code, 'late-delivery-risk' as model_name, '1' as model_version,
            timestamp '2026-05-20' as as_of, timestamp '2026-05-20 07:00:00' as scored_at,
            0.05 + (row_number() over (order by order_id) % 80) / 100.0 as late_probability
        from wh.feat_order_delivery where is_late is null""",
    "stockout_predictions": """
        select warehouse_id, product_id, horizon_hours, region_code, 'stockout-risk' as model_name,
            '1' as model_version, observed_at as as_of, observed_at + interval 1 hour as scored_at,
            horizon_hours / 200.0 as stockout_probability, available_quantity as available_units,
            daily_units_expected * horizon_hours / 24.0 as expected_units, 0.1::double as expected_lost_units
        from wh.feat_stock_daily, unnest([24, 48, 72]) h(horizon_hours)
        where stock_date = date '2026-05-01'""",
    "lead_time_predictions": """
        select order_id, region_code, 'lead-time' as model_name, '1' as model_version,
            timestamp '2026-05-20' as as_of, timestamp '2026-05-20 07:00:00' as scored_at,
            least(ordered_at, timestamp '2026-05-19') as ordered_at, promised_at, 20.0::double as lower_hours,
            40.0::double as median_hours, 90.0::double as upper_hours, 0.9::double as service_level,
            80.0::double as promise_hours,
            least(ordered_at, timestamp '2026-05-19') + interval 81 hour as suggested_promise_at,
            false as is_beyond_interval, 's1' as data_snapshot
        from wh.feat_order_delivery where is_late is null""",
}  # fmt: skip


def build_batch(table: str, path: Path, warehouse: Path, spoil: Sequence[str] = ()) -> None:
    """Write one Parquet of a batch of `BATCHES`, after running the statements of `spoil`."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{warehouse}' as wh (read_only)")
        connection.execute(f"create table {table} as {BATCHES[table]}")
        for statement in spoil:
            connection.execute(statement)
        connection.execute(f"copy {table} to '{path}' (format parquet)")


def export_table(warehouse: Path, table: str, path: Path) -> None:
    """Copy one table of a warehouse to Parquet."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"copy {table} to '{path}' (format parquet)")
