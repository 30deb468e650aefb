{{ config(event_time='order_date') }}

with parcels as (
    select
        *,
        case
            when delivered_at <= promised_at then delivered_at
            when promised_at is not null and (shipped_at is not null or delivered_at is not null)
                then greatest(promised_at, coalesce(shipped_at, delivered_at))
        end as outcome_at
    from {{ ref('fct_shipments') }}
    where
        has_order and created_at is not null and warehouse_id is not null
        and {{ in_day_range('order_date') }}
)

select
    parcels.shipment_id,
    parcels.order_id,
    parcels.order_date,
    parcels.created_at as allocated_at,
    parcels.promised_at,
    parcels.region_code,
    coalesce(customers.segment, 'unknown') as segment,
    parcels.warehouse_id,
    parcels.origin_region_code,
    coalesce(parcels.service_level, 'standard') as service_level,
    {{ distance_km(
        'nodes.latitude', 'nodes.longitude', 'places.latitude', 'places.longitude'
    ) | indent(4) }} as distance_km,
    {{ hours_between('parcels.created_at', 'parcels.promised_at') }} as slack_hours,
    cast(extract(hour from parcels.created_at) as integer) as allocated_hour,
    cast(isodow(parcels.created_at) as integer) as allocated_weekday,
    -- News of the destination as they stood when the order was placed, which is before the allocation.
    news.destination_late_share_28d,
    news.destination_late_share_90d,
    news.destination_late_outlook_7d,
    news.destination_late_outlook_14d,
    news.destination_late_outlook_28d,
    news.company_late_outlook_7d,
    coalesce(news.weather_destination_severity, 0.0) as weather_destination_severity,
    -- A cancelled order's parcel is called back; whether it would have been late nobody knows.
    case
        when parcels.outcome_at is not null and coalesce(parcels.order_cancelled_at > parcels.outcome_at, true)
            then parcels.delivered_at is null or parcels.delivered_at > parcels.promised_at
    end as is_late,
    case
        when coalesce(parcels.order_cancelled_at > parcels.outcome_at, true) then parcels.outcome_at
    end as label_known_at
from parcels
left join {{ ref('dim_warehouses') }} as nodes on parcels.warehouse_id = nodes.warehouse_id
left join {{ ref('dim_regions') }} as places on parcels.region_code = places.region_code
left join {{ ref('dim_customers') }} as customers on parcels.customer_id = customers.customer_id
left join {{ ref('feat_order_delivery') }} as news on parcels.order_id = news.order_id
