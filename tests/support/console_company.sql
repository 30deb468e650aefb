-- The tables of the console's test company: one statement a table, after a line that names it.
-- $first, $days, $a_day, $as_of, $hostile_at and $hostile_code are filled in by console_company.py.

-- table: fct_orders
with numbered as (
    select i, $first::date + (i // $a_day)::int as order_date, i % $a_day as slot from range($days * $a_day) t(i)
), placed as (
    select
        i, order_date, order_date + (slot * 86400 // $a_day + 300 * u(i, 3))::int * interval 1 second as ordered_at,
        u(i, 5) as pick,
        list_aggregate([p for p in [0.24, 0.41, 0.55, 0.66, 0.75, 0.83, 0.90, 0.95, 0.97, 0.985, 0.996, 0.998]
                        if p < u(i, 7)], 'count') + 1 as region_index
    from numbered
), named as (
    select p.*, case when u(i, 9) < 0.012 then 'unknown' else coalesce(r.region_code, 'unknown') end as region_code,
        case when region_index between 9 and 12 then 1 else 0 end as is_far
    from placed p left join region_list r on r.position = p.region_index
), promised as (
    select *, ordered_at + interval 1 hour * (72 + 48 * is_far)::int as promised_at,
        greatest(1.5, 14 + 7 * z(i, 11) + 3 * sin(extract(doy from order_date) / 9.0)) as handling,
        exp(3.62 + 0.36 * z(i, 13) + 0.62 * is_far) as transit
    from named
), timed as (
    select *, ordered_at + interval 1 second * (3600 * (handling + transit))::int as done_at, u(i, 15) < 0.022 as is_cancelled
    from promised
)
select
    'o' || lpad(i::varchar, 7, '0') as order_id, case when pick < 0.6 then 'shop' else 'pos' end as source_system,
    case when i = $hostile_at then $hostile_code
         else case when pick < 0.6 then 'W-' else 'S-' end || lpad((i * 37 % 900001 + 100000)::varchar, 7, '0') end as order_code,
    order_date, ordered_at, promised_at,
    case when not is_cancelled and done_at <= $as_of then done_at end as delivered_at,
    ['web', 'app', 'store', 'marketplace'][1 + (pick * 4)::int % 4] as channel,
    'c' || lpad((i * 13 % 4001)::varchar, 6, '0') as customer_id, region_code,
    case when u(i, 17) < 0.8 then 'consumer' else 'business' end as segment,
    ['gold', 'silver', 'bronze'][1 + (u(i, 19) * 3)::int % 3] as value_tier,
    case when u(i, 21) < 0.1 then 'express' else 'standard' end as priority,
    case when is_cancelled then 'cancelled' when done_at <= $as_of then 'delivered'
         when ordered_at + interval 1 hour * handling::int <= $as_of then 'shipped' else 'processing' end as status,
    1 + (u(i, 23) * 3)::int as count_lines, case when is_cancelled then 0 else 1 end as count_shipments,
    u(i, 25) < 0.47 as is_cross_region, is_cancelled,
    case when not is_cancelled and done_at <= $as_of then done_at > promised_at end as is_late,
    case when not is_cancelled and ordered_at + interval 1 hour * handling::int <= $as_of then handling end as handling_hours,
    u(i, 27) < 0.19 + 0.06 * is_far as is_touched_by_person,
    6 as count_events, case when u(i, 27) < 0.19 + 0.06 * is_far then 1 + (u(i, 29) * 2)::int else 0 end as count_person_events,
    case when not is_cancelled and done_at + interval 2 day <= $as_of and u(i, 31) < 0.34
         then greatest(1, least(5, round(4.5 - case when done_at > promised_at then 1.6 else 0 end + 0.9 * z(i, 33))))::int end as review_score
from timed;

-- table: fct_order_lines
select o.order_id, n::int as line_number, o.order_date, 'p' || lpad((hash(o.order_id || n) % 60)::varchar, 4, '0') as product_id,
    q as quantity, case when o.status in ('shipped', 'delivered') then q else 0 end as shipped_quantity,
    case when o.status = 'cancelled' then q else 0 end as cancelled_quantity,
    case when o.status = 'processing' then q else 0 end as open_quantity,
    price as unit_price_amount, 0.00::decimal(18,2) as discount_amount, (q * price)::decimal(18,2) as line_amount, 'CNY' as currency
from (select *, unnest(range(1, count_lines + 1)) as n from orders_raw) o,
    lateral (select 1 + (hash(o.order_id || n || 'q') % 3)::int as q, (199 + hash(o.order_id || n || 'p') % 6800)::decimal(18,2) as price);

-- table: fct_shipments
select 's' || order_id[2:] || '-1' as shipment_id, order_id, order_date, 'w' || (1 + hash(order_id) % 6)::varchar as warehouse_id,
    ['SF Express', 'JD Logistics', 'ZTO'][1 + (hash(order_id || 'k') % 3)::int] as carrier, priority as service_level,
    ordered_at + interval 2 hour as created_at,
    case when handling_hours is not null then ordered_at + interval 1 second * (handling_hours * 3600)::int end as shipped_at,
    promised_at, delivered_at, is_late, is_cross_region, (80 + hash(order_id || 'd') % 1900)::double as distance_km,
    (1 + hash(order_id || 'w') % 60)::double as weight_kg, (9 + hash(order_id || 'c') % 90)::decimal(18,2) as cost_amount, 'CNY' as currency,
    case when delivered_at is not null then date_diff('second', ordered_at, delivered_at) / 3600.0 end as lead_time_hours
from orders_raw where count_shipments > 0;

-- table: fct_order_events
select order_id || '-' || k as event_id, order_id, (ordered_at + h * interval 1 minute)::date as event_date, kind as event_type,
    ordered_at + h * interval 1 minute as occurred_at, ordered_at + (h + lag_minutes) * interval 1 minute as recorded_at, actor_kind,
    actor_kind = 'person' as is_intervention, reason_code
from (select *, unnest([
    {'k': 1, 'kind': 'created', 'h': 0, 'lag_minutes': 0, 'actor_kind': 'system', 'reason_code': null, 'person': false},
    {'k': 2, 'kind': 'approved', 'h': 6, 'lag_minutes': 0, 'actor_kind': 'system', 'reason_code': null, 'person': false},
    {'k': 3, 'kind': 'allocated', 'h': 21, 'lag_minutes': 1, 'actor_kind': 'system', 'reason_code': 'nearest_stock', 'person': false},
    {'k': 4, 'kind': 'held', 'h': 35, 'lag_minutes': 0, 'actor_kind': 'system', 'reason_code': 'address_check', 'person': true},
    {'k': 5, 'kind': 'released', 'h': 190, 'lag_minutes': 95, 'actor_kind': 'person', 'reason_code': 'address_confirmed', 'person': true}
], recursive := true) from orders_raw)
where is_touched_by_person or not person;

-- table: dim_regions
select region_code, name, local_name, null::varchar as parent_region_code, 'CN' as country_code, latitude, longitude from region_list;

-- table: dim_products
select 'p' || lpad(i::varchar, 4, '0') as product_id, ['Refrigerator', 'Washing machine', 'Air conditioner', 'Range hood'][1 + i % 4] || ' ' || (200 + i * 7) as name,
    'Aster' as brand, ['cooling', 'laundry', 'air', 'kitchen'][1 + i % 4] as category, 20.0 + i as weight_kg from range(60) t(i);

-- table: dim_warehouses
select 'w' || i as warehouse_id, ['Guangzhou', 'Hangzhou', 'Nanjing', 'Wuhan', 'Chengdu', 'Tianjin'][i::int] || ' DC' as name, 'dc' as kind,
    ['CN-GD', 'CN-ZJ', 'CN-JS', 'CN-HB', 'CN-SC', 'CN-HE'][i::int] as region_code from range(1, 7) t(i);

-- table: kpi_daily
select order_date as kpi_date, region_code, count(*) as count_orders, count(is_late) as count_delivered,
    count(*) filter (where is_late) as count_late, 100.0 * count(*) filter (where not is_late) / nullif(count(is_late), 0) as on_time_pct,
    median(handling_hours) as handling_hours_median, count(*) filter (where is_touched_by_person) as count_orders_touched,
    100.0 * count(*) filter (where is_touched_by_person) / count(*) as human_intervention_pct,
    avg(review_score) as review_score_mean, count(review_score) as count_reviews,
    100.0 * count(*) filter (where is_cross_region) / count(*) as cross_region_pct, 0.0 as shipping_cost_amount
from orders_raw group by all;

-- table: unmapped_codes
select *, 0 as count_stock_rows, count_orders as count_uses, count_orders as count_feature_rows from (values
    ('product', 'pos', 'SKU-0071', 412), ('product', 'pos', 'AC-26GW/09', 133), ('warehouse', 'wms', 'WH_CD_2', 88),
    ('product', 'erp', '<b>000417</b>', 31), ('customer', 'crm', 'K-99120', 3)) t(entity, source_system, code, count_orders);

-- table: unmapped_uses
select 'customer' as entity, 'crm' as source_system, 'C-absent' as code, 'no-such-order' as order_id, 1 as count_uses;

-- table: fct_inventory_daily
select 'w1' as warehouse_id, 'p0001' as product_id, $first::date + i::int as stock_date, 20 as on_hand_quantity, 4 as reserved_quantity,
    16 as available_quantity, false as is_stocked_out from range($days - 1) t(i);

-- table: feat_order_delivery
select order_id, ordered_at, promised_at, region_code, segment, channel, is_late, delivered_at as label_known_at from orders_raw;

-- table: predictions
select order_id, region_code, 'late-delivery-risk' as model_name, '3' as model_version, $as_of::timestamp as as_of,
    $as_of::timestamp + interval 12 minute as scored_at,
    1 / (1 + exp(-(-2.1 + 1.1 * z(hash(order_id) % 100000, 41) + case when region_code in ('CN-XJ', 'CN-XZ', 'CN-GS') then 1.2 else 0 end)))
        as late_probability,
    '[{"feature": "promise_hours", "value": 40.0, "log_odds": 0.6931}, {"feature": "main_category", "value": null, "log_odds": -0.6931}]'
        as reasons
from orders_raw where delivered_at is null and status <> 'cancelled' and promised_at > $as_of;

-- table: priced_orders
select bare.*, goods as goods_amount, 12.00::decimal(18,2) as shipping_amount, (goods * 0.13)::decimal(18,2) as tax_amount,
    0.00::decimal(18,2) as discount_amount, (goods + 12.00 + (goods * 0.13)::decimal(18,2))::decimal(18,2) as total_amount,
    (goods + 12.00 + (goods * 0.13)::decimal(18,2) + case when hash(order_id) % 50 = 0 then 5 else 0 end)::decimal(18,2) as stated_total_amount, 'CNY' as currency
from bare join (select order_id, sum(line_amount)::decimal(18,2) as goods from priced group by order_id) using (order_id);

-- table: plain_orders
select * replace (null::int as review_score, 0 as count_person_events, null::boolean as is_touched_by_person, null::double as handling_hours)
from orders_raw;
