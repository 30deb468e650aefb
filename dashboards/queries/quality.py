"""SQL of the data-quality page: how many codes no mapping knows, and how fresh each published table is."""

from dashboards.queries.base import Query

UNMAPPED_TOTALS = Query(
    "quality.unmapped_totals", ("unmapped_codes",),
    """
    select entity, count(*) as count_codes
    from unmapped_codes group by entity order by entity
    """,
)  # fmt: skip


def _built(table: str) -> Query:
    sql = f"""
    select table_name, source_file, sum(count_landed)::bigint as count_landed,
        sum(count_in_mart)::bigint as count_in_mart, sum(count_superseded)::bigint as count_superseded,
        sum(count_apart)::bigint as count_apart
    from {table} group by all
    """
    return Query(f"quality.built.{table}", (table,), sql)


#: What the published build made of landed rows: of tables with a day, and of master data.
BUILT = {table: _built(table) for table in ("fct_landed_rows", "landed_records")}


def _freshness(table: str, column: str) -> Query:
    sql = f"select max({column})::timestamp as latest, min({column})::timestamp as earliest from {table}"
    return Query(f"quality.freshness.{table}", (table,), sql)


#: Published table → query for its newest fact. Reference tables without a time of their own are not listed.
FRESHNESS = {
    table: (column, _freshness(table, column))
    for table, column in {
        "fct_orders": "ordered_at",
        "fct_shipments": "created_at",
        "fct_order_events": "occurred_at",
        "fct_inventory_daily": "stock_date",
        "feat_order_delivery": "ordered_at",
        "kpi_daily": "kpi_date",
        "predictions": "scored_at",
    }.items()
}
