"""A small company for the console's tests: a published snapshot with 120 days of orders, and the evidence beside it.

Everything is derived from row numbers by hashing, so that two builds are equal. One region's name and one order's code
are hostile on purpose: they must stay text on every page.
"""

from datetime import date, timedelta
from pathlib import Path

import duckdb

from workspace.published import Snapshot, publish
from workspace.settings import Settings

LAST_DAY = date(2026, 5, 31)
DAYS = 120
ORDERS_A_DAY = 90
HOSTILE_REGION = "<script>alert('region')</script>"
HOSTILE_CODE = 'W-"><img src=x onerror=alert(1)>'

REGIONS = [
    ("CN-GD", "Guangdong", "广东", 23.1, 113.3), ("CN-ZJ", "Zhejiang", "浙江", 30.3, 120.2),
    ("CN-JS", "Jiangsu", "江苏", 32.1, 118.8), ("CN-SH", "Shanghai", "上海", 31.2, 121.5),
    ("CN-BJ", "Beijing", "北京", 39.9, 116.4), ("CN-SC", "Sichuan", "四川", 30.7, 104.1),
    ("CN-HB", "Hubei", "湖北", 30.6, 114.3), ("CN-HE", "Hebei", "河北", 38.0, 114.5),
    ("CN-YN", "Yunnan", "云南", 25.0, 102.7), ("CN-GS", "Gansu", "甘肃", 36.1, 103.8),
    ("CN-XJ", HOSTILE_REGION, "新疆", 43.8, 87.6), ("CN-XZ", "Tibet", "西藏", 29.7, 91.1),
]  # fmt: skip

_MACROS = """
create macro u(i, salt) as (hash(i::bigint * 7919 + salt) % 1000003)::double / 1000003;
create macro z(i, salt) as sqrt(-2 * ln(greatest(u(i, salt), 1e-9))) * cos(6.283185307 * u(i, salt + 1));
"""

#: Statements that are steps on the way and not tables of their own.
_STEPS = {"priced_orders", "plain_orders"}


def publish_company(settings: Settings, plain: bool = False, without: frozenset[str] = frozenset()) -> Snapshot:
    """Publish the company's tables as a snapshot.

    Args:
        settings: Where to.
        plain: A company without reviews, persons and handling times.
        without: Tables to leave out.
    """
    building = settings.paths.ensure().root / "building"
    building.mkdir(exist_ok=True)
    connection = duckdb.connect()
    connection.execute(_MACROS)
    connection.execute(
        "create table region_list (region_code text, name text, local_name text, latitude double, longitude double, "
        "position int)"
    )
    for position, region in enumerate(REGIONS, start=1):
        connection.execute("insert into region_list values (?, ?, ?, ?, ?, ?)", [*region, position])
    statements = _statements()
    _orders(connection, statements, plain)
    tables = {}
    for table, sql in statements.items():
        if table in without | _STEPS:
            continue
        body = "select * from orders_raw" if table == "fct_orders" else sql
        target = building / f"{table}.parquet"
        connection.execute(f"copy ({body}) to '{target}' (format parquet)")
        tables[table] = target
    connection.close()
    return publish(settings.paths.published, tables, {"as_of": f"{LAST_DAY}T18:00:00+00:00", "run_id": "run-7"}, keep=3)


def _orders(connection: duckdb.DuckDBPyConnection, statements: dict[str, str], plain: bool) -> None:
    connection.execute(f"create table bare as {statements['fct_orders']}")
    connection.execute(f"create table priced as {statements['fct_order_lines'].replace('orders_raw', 'bare')}")
    connection.execute(f"create table orders_raw as {statements['priced_orders']}")
    if plain:
        connection.execute(f"create or replace table orders_raw as {statements['plain_orders']}")


def _statements() -> dict[str, str]:
    """Table → its statement."""
    text = _filled(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    parts = [part.partition("\n") for part in text.split("-- table: ")[1:]]
    return {name: sql.strip().removesuffix(";") for name, _, sql in parts}


def _filled(sql: str) -> str:
    values = {
        "$first": f"'{LAST_DAY - timedelta(days=DAYS - 1)}'", "$days": str(DAYS), "$a_day": str(ORDERS_A_DAY),
        "$as_of": f"timestamp '{LAST_DAY} 18:00:00'", "$hostile_at": str(DAYS * ORDERS_A_DAY - 60),
        "$hostile_code": "'" + HOSTILE_CODE.replace("'", "''") + "'",
    }  # fmt: skip
    for name in sorted(values, key=len, reverse=True):
        sql = sql.replace(name, values[name])
    return sql
