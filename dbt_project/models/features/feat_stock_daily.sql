{{ config(event_time='stock_date', meta={'replaces': 'stock'}) }}

with counts as (
    select *
    from {{ ref('fct_inventory_daily') }}
    where {{ of_stock_built('warehouse_id, product_id, stock_date') }}
),

allocated as (
    select * from {{ ref('int_units_allocated') }}
),

by_day as (
    select
        warehouse_id,
        product_id,
        allocated_date as day,
        sum(units) as units,
        count(*) as lines
    from allocated
    group by warehouse_id, product_id, allocated_date
),

-- Days with a count and days with demand on one line of time, so that demand on a day without a count is not lost.
moments as (
    select
        warehouse_id,
        product_id,
        stock_date as day,
        0 as units,
        0 as lines,
        null as active_day,
        0 as days_out,
        1 as is_asked
    from counts
    union all
    select
        warehouse_id,
        product_id,
        stock_date as day,
        0 as units,
        0 as lines,
        null as active_day,
        cast(is_stocked_out as integer) as days_out,
        0 as is_asked
    from {{ ref('fct_inventory_daily') }}
    where {{ in_days_up_to_range('stock_date', 29, 'stock_date') }}
    union all
    select
        warehouse_id,
        product_id,
        day,
        units,
        lines,
        day as active_day,
        0 as days_out,
        0 as is_asked
    from by_day
),

-- One row a day and days as numbers: the windows over them take less than half the time.
days as (
    select
        warehouse_id,
        product_id,
        day,
        {{ day_number('day') }} as day_number,
        cast(sum(units) as bigint) as units,
        cast(sum(lines) as bigint) as lines,
        max(active_day) as active_day,
        cast(sum(days_out) as bigint) as days_out,
        max(is_asked) as is_asked
    from moments
    group by warehouse_id, product_id, day
),

past as (
    select
        warehouse_id,
        product_id,
        day,
        coalesce(sum(units) over week_before, 0) as allocated_units_7d,
        coalesce(sum(units) over month_before, 0) as allocated_units_28d,
        coalesce(sum(units) over two_months_before, 0) as allocated_units_56d,
        coalesce(sum(units * units) over two_months_before, 0) as allocated_units_squared_56d,
        coalesce(sum(lines) over two_months_before, 0) as allocated_lines_56d,
        count(active_day) over two_months_before as demand_days_56d,
        max(active_day) over two_months_before as last_demand_day,
        coalesce(sum(days_out) over month_before, 0) as days_out_28d,
        is_asked
    from days
    window
        week_before as (
            partition by warehouse_id, product_id order by day_number range between 7 preceding and 1 preceding
        ),
        month_before as (
            partition by warehouse_id, product_id order by day_number range between 28 preceding and 1 preceding
        ),
        two_months_before as (
            partition by warehouse_id, product_id order by day_number range between 56 preceding and 1 preceding
        )
),

today as (
    select
        counts.warehouse_id,
        counts.product_id,
        counts.stock_date,
        sum(allocated.units) as units
    from counts
    inner join allocated
        on
            counts.warehouse_id = allocated.warehouse_id
            and counts.product_id = allocated.product_id
            and counts.stock_date = allocated.allocated_date
            and counts.observed_at >= allocated.allocated_at
    group by counts.warehouse_id, counts.product_id, counts.stock_date
),

waiting as (
    select
        counts.warehouse_id,
        counts.product_id,
        counts.stock_date,
        sum(lines.units) as units
    from counts
    inner join {{ ref('int_lines_waiting') }} as lines
        on
            counts.warehouse_id = lines.warehouse_id
            and counts.product_id = lines.product_id
            and counts.observed_at >= lines.waits_from
            and counts.observed_at < lines.waits_until
    group by counts.warehouse_id, counts.product_id, counts.stock_date
),

inbound as (
    select
        counts.warehouse_id,
        counts.product_id,
        counts.stock_date,
        sum(receipts.quantity) as units,
        sum(receipts.quantity) filter (where receipts.expected_at <= counts.observed_at) as units_overdue,
        sum(receipts.quantity) filter (
            where receipts.expected_at <= counts.observed_at + interval 24 hour
        ) as units_due_24h,
        sum(receipts.quantity) filter (
            where receipts.expected_at <= counts.observed_at + interval 48 hour
        ) as units_due_48h,
        sum(receipts.quantity) filter (
            where receipts.expected_at <= counts.observed_at + interval 72 hour
        ) as units_due_72h,
        min({{ hours_between('counts.observed_at', 'receipts.expected_at') }}) as next_due_hours,
        max({{ hours_between('receipts.created_at', 'counts.observed_at') }}) as oldest_age_hours
    from counts
    inner join {{ ref('fct_inbound_deliveries') }} as receipts
        on
            counts.warehouse_id = receipts.warehouse_id
            and counts.product_id = receipts.product_id
            and counts.observed_at >= receipts.created_at
            and (receipts.received_at is null or counts.observed_at < receipts.received_at)
    -- A receipt that is open after 90 days counts as forgotten.
    where counts.observed_at < receipts.created_at + interval 90 day
    group by counts.warehouse_id, counts.product_id, counts.stock_date
),

product_days as (
    select
        product_id,
        order_date as day,
        sum(quantity) as units,
        0 as is_asked
    from {{ ref('fct_order_lines') }}
    where {{ in_days_up_to_range('order_date', 28, 'stock_date') }}
    group by product_id, order_date
    union all
    select distinct
        product_id,
        stock_date as day,
        0 as units,
        1 as is_asked
    from counts
),

products_past as (
    select
        product_id,
        day,
        coalesce(sum(units) over (
            partition by product_id order by day_number range between 7 preceding and 1 preceding
        ), 0) as units_7d,
        coalesce(sum(units) over (
            partition by product_id order by day_number range between 28 preceding and 1 preceding
        ), 0) as units_28d,
        is_asked
    from (
        select
            product_id,
            day,
            {{ day_number('day') }} as day_number,
            cast(sum(units) as bigint) as units,
            max(is_asked) as is_asked
        from product_days
        group by product_id, day
    ) as product_totals
),

holders as (
    select
        product_id,
        stock_date,
        count(*) as count_nodes,
        sum(available_quantity) as available_units
    from {{ ref('fct_inventory_daily') }}
    where {{ of_stock_built('product_id, stock_date') }}
    group by product_id, stock_date
),

joined as (
    select
        counts.*,
        past.allocated_units_7d,
        past.allocated_units_28d,
        past.allocated_units_56d,
        past.allocated_units_squared_56d,
        past.allocated_lines_56d,
        past.demand_days_56d,
        past.last_demand_day,
        past.days_out_28d,
        products_past.units_7d as product_units_7d,
        products_past.units_28d as product_units_28d,
        holders.count_nodes,
        holders.available_units as product_available_units,
        coalesce(today.units, 0) as allocated_units_today,
        coalesce(waiting.units, 0) as waiting_units,
        coalesce(inbound.units, 0) as inbound_units,
        coalesce(inbound.units_overdue, 0) as inbound_units_overdue,
        coalesce(inbound.units_due_24h, 0) as inbound_units_due_24h,
        coalesce(inbound.units_due_48h, 0) as inbound_units_due_48h,
        coalesce(inbound.units_due_72h, 0) as inbound_units_due_72h,
        inbound.next_due_hours as inbound_next_due_hours,
        inbound.oldest_age_hours as inbound_oldest_age_hours
    from counts
    inner join past
        on
            counts.warehouse_id = past.warehouse_id
            and counts.product_id = past.product_id
            and counts.stock_date = past.day
            and past.is_asked = 1
    inner join products_past
        on
            counts.product_id = products_past.product_id
            and counts.stock_date = products_past.day
            and products_past.is_asked = 1
    inner join holders on counts.product_id = holders.product_id and counts.stock_date = holders.stock_date
    left join today
        on
            counts.warehouse_id = today.warehouse_id
            and counts.product_id = today.product_id
            and counts.stock_date = today.stock_date
    left join waiting
        on
            counts.warehouse_id = waiting.warehouse_id
            and counts.product_id = waiting.product_id
            and counts.stock_date = waiting.stock_date
    left join inbound
        on
            counts.warehouse_id = inbound.warehouse_id
            and counts.product_id = inbound.product_id
            and counts.stock_date = inbound.stock_date
)

select
    joined.warehouse_id || '|' || joined.product_id || '|' || joined.stock_date as stock_key,
    joined.warehouse_id,
    joined.product_id,
    joined.stock_date,
    joined.observed_at,
    coalesce(nodes.region_code, 'unknown') as region_code,
    coalesce(nodes.kind, 'unknown') as node_kind,
    coalesce(products.category, 'unknown') as product_category,
    joined.on_hand_quantity,
    joined.reserved_quantity,
    joined.available_quantity,
    cast(joined.allocated_units_today as bigint) as allocated_units_today,
    cast(joined.allocated_units_7d as bigint) as allocated_units_7d,
    cast(joined.allocated_units_28d as bigint) as allocated_units_28d,
    cast(joined.allocated_units_56d as bigint) as allocated_units_56d,
    cast(joined.allocated_units_squared_56d as bigint) as allocated_units_squared_56d,
    cast(joined.allocated_lines_56d as bigint) as allocated_lines_56d,
    cast(joined.demand_days_56d as bigint) as demand_days_56d,
    cast(joined.stock_date - joined.last_demand_day as bigint) as days_since_demand,
    cast(joined.days_out_28d as bigint) as days_out_28d,
    cast(joined.product_units_7d as bigint) as product_units_7d,
    cast(joined.product_units_28d as bigint) as product_units_28d,
    cast(joined.count_nodes as bigint) as count_nodes,
    cast(joined.product_available_units as bigint) as product_available_units,
    cast(joined.waiting_units as bigint) as waiting_units,
    cast(joined.inbound_units as bigint) as inbound_units,
    cast(joined.inbound_units_overdue as bigint) as inbound_units_overdue,
    cast(joined.inbound_units_due_24h as bigint) as inbound_units_due_24h,
    cast(joined.inbound_units_due_48h as bigint) as inbound_units_due_48h,
    cast(joined.inbound_units_due_72h as bigint) as inbound_units_due_72h,
    joined.inbound_next_due_hours,
    joined.inbound_oldest_age_hours,
    cast(isodow(joined.stock_date) as integer) as stock_weekday,
    -- A pair's own 28 days, drawn to an equal share of what the company sells as if by 14 days more.
    (joined.allocated_units_28d + 14.0 * joined.product_units_28d / 28 / joined.count_nodes) / 42
        as daily_units_expected
from joined
left join {{ ref('dim_warehouses') }} as nodes on joined.warehouse_id = nodes.warehouse_id
left join {{ ref('dim_products') }} as products on joined.product_id = products.product_id
