select
    warehouse_id,
    {{ golden_value('name') }} as name,
    {{ golden_value('kind') }} as kind,
    {{ golden_value('city', 'address') }} as city,
    {{ golden_value('postal_code', 'address') }} as postal_code,
    {{ golden_value('region_code') }} as region_code,
    {{ golden_value('latitude', 'position') }} as latitude,
    {{ golden_value('longitude', 'position') }} as longitude,
    {{ golden_value('daily_capacity_orders') }} as daily_capacity_orders,
    {{ golden_value('cutoff_hour') }} as cutoff_hour,
    {{ golden_value('time_zone') }} as time_zone,
    {{ golden_value('opened_date') }} as opened_date,
    {{ golden_value('closed_date') }} as closed_date,
    cast(count(*) as integer) as count_records
from {{ ref('int_warehouses_ranked') }}
group by warehouse_id
