"""The public stock data of health sites in Côte d'Ivoire as a table of stock-out risk, for measuring.

Belongs here: rows, features, label and naive rules of that data set. Does not belong here: learning and judging.

A row is a site and product at the end of a month in which anything of it was held, came, went or is usually used. The
label is whether the next month's stock at its end is 0, from the stock itself: the column of stock-out days is above 0
in only 0.8 % of rows, while the stock ends at 0 in a sixth.
"""

from pathlib import Path

import duckdb

LOGISTICS, SITES, PRODUCTS = (
    "contraceptive_logistics_data.csv", "service_delivery_site_data.csv", "product.csv",
)  # fmt: skip

#: Naive rules: name → score, higher means sooner out.
RULES = {
    "out now": "cast(stock_end = 0 as double)",
    "months of cover": "-coalesce(cover_months, 1e9)",
    "own past rate": "own_out_rate",
}

_ROWS = """
with months as (
    select
        *,
        make_date(cast(year as integer), cast(month as integer), 1) + interval 1 month as made_at
    from read_csv('{folder}/contraceptive_logistics_data.csv')
),
active as (
    select *
    from months
    where greatest(stock_initial, stock_received, stock_distributed, stock_end, average_monthly_consumption) > 0
),
past as (
    select
        *,
        site_code || '|' || product_code || '|' || made_at as row_key,
        lead(cast(stock_end = 0 as integer)) over pair as next_out,
        lead(made_at) over pair as next_at,
        lag(stock_end) over pair as stock_end_before,
        lag(stock_distributed) over pair as distributed_before,
        lag(stock_received) over pair as received_before,
        avg(stock_distributed) over quarter as distributed_mean_3m,
        stddev_samp(stock_distributed) over half_year as distributed_deviation_6m,
        avg(stock_received) over half_year as received_mean_6m,
        avg(cast(stock_received > 0 as integer)) over half_year as received_share_6m,
        (sum(cast(stock_end = 0 as integer)) over so_far + 1.0) / (count(*) over so_far + 6.0) as own_out_rate,
        avg(cast(stock_end = 0 as integer)) over site_now as site_out_share,
        avg(cast(stock_end = 0 as integer)) over product_now as product_out_share
    from active
    window
        pair as (partition by site_code, product_code order by made_at),
        quarter as (partition by site_code, product_code order by made_at rows between 2 preceding and current row),
        half_year as (partition by site_code, product_code order by made_at rows between 5 preceding and current row),
        so_far as (
            partition by site_code, product_code order by made_at rows between unbounded preceding and current row
        ),
        site_now as (partition by site_code, made_at),
        product_now as (partition by product_code, made_at)
)
select
    past.row_key,
    past.made_at,
    case when past.next_at = past.made_at + interval 1 month then past.next_out end as is_out_next_month,
    past.made_at + interval 1 month as matures_at,
    past.region as region_code,
    sites.site_type,
    products.product_type,
    past.product_code as product,
    past.* exclude (
        row_key, made_at, next_out, next_at, region, district, site_code, product_code, year, stock_stockout_days
    ),
    past.stock_end / nullif(past.distributed_mean_3m, 0) as cover_months,
    past.stock_end / nullif(past.average_monthly_consumption, 0) as cover_by_consumption,
    past.stock_ordered / nullif(past.average_monthly_consumption, 0) as ordered_months
from past
left join read_csv('{folder}/service_delivery_site_data.csv') as sites on past.site_code = sites.site_code
left join read_csv('{folder}/product.csv') as products on past.product_code = products.product_code
"""


def write_rows(folder: Path, into: Path) -> Path:
    """Write the rows with their naive scores (`rule_0`, `rule_1`, …) as Parquet; returns the file."""
    scores = ", ".join(f"{sql} as rule_{number}" for number, sql in enumerate(RULES.values()))
    file = into / "civ_stock.parquet"
    query = f"select *, {scores} from ({_ROWS.replace('{folder}', str(folder))})"
    duckdb.execute(f"copy ({query}) to '{file}' (format parquet)")
    return file
