{{ config(materialized='view') }}

with parcels as (
    select
        *,
        case
            when delivered_at <= promised_at then delivered_at
            when promised_at is not null and (shipped_at is not null or delivered_at is not null)
                then greatest(promised_at, coalesce(shipped_at, delivered_at))
        end as outcome_at
    from {{ ref('fct_shipments') }}
)

select
    shipment_id,
    order_id,
    warehouse_id,
    origin_region_code,
    region_code,
    customer_id,
    cast(outcome_at as date) as outcome_date,
    delivered_at is null or delivered_at > promised_at as is_late,
    cast(shipped_at as date) as shipped_date,
    -- A parcel that lay for months would drown a node's mean.
    case when handling_hours > 720.0 then 720.0 else handling_hours end as handling_hours,
    cast(delivered_at as date) as delivered_date,
    lead_time_hours
from parcels
where order_cancelled_at is null or outcome_at is null or order_cancelled_at > outcome_at
