with records as (
    {{ records_by_recency(ref('stg_warehouses'), ref('xref_warehouses'), 'warehouse') | indent(4) }}
)

select
    warehouse_id,
    {{ newest_known('name') }} as name,
    {{ newest_known('kind') }} as kind,
    {{ newest_known('city') }} as city,
    {{ newest_known('postal_code') }} as postal_code,
    {{ newest_known('region_code') }} as region_code,
    -- Both halves of a position come from one record.
    min_by(latitude, recency_rank) filter (where latitude is not null and longitude is not null) as latitude,
    min_by(longitude, recency_rank) filter (where latitude is not null and longitude is not null) as longitude,
    {{ newest_known('daily_capacity_orders') }} as daily_capacity_orders,
    {{ newest_known('cutoff_hour') }} as cutoff_hour,
    {{ newest_known('time_zone') }} as time_zone,
    {{ newest_known('opened_date') }} as opened_date,
    {{ newest_known('closed_date') }} as closed_date,
    cast(count(*) as integer) as count_records
from records
group by warehouse_id
