with happened as (
    select *
    from (
        unpivot orders
        on order_purchase_timestamp, order_approved_at, order_delivered_carrier_date, order_delivered_customer_date
        into name moment value occurred_at
    )
),

named as (
    select
        *,
        case moment
            when 'order_purchase_timestamp' then 'created'
            when 'order_approved_at' then 'approved'
            when 'order_delivered_carrier_date' then 'shipped'
            when 'order_delivered_customer_date' then 'delivered'
        end as event_type
    from happened
)

select
    'olist' as source_system,
    order_id || '/' || event_type as event_code,
    'olist' as order_source_system,
    order_id as order_code,
    event_type,
    occurred_at,
    'system' as actor_kind,
    _source_file,
    _source_row
from named
