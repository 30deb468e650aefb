select
    customer_id,
    {{ golden_value('full_name') }} as full_name,
    {{ golden_value('email', expression='lower(trim(email))') }} as email,
    {{ golden_value('phone') }} as phone,
    {{ golden_value('address_line', 'address') }} as address_line,
    {{ golden_value('city', 'address') }} as city,
    {{ golden_value('postal_code', 'address') }} as postal_code,
    {{ golden_value('region_code') }} as region_code,
    {{ golden_value('latitude', 'position') }} as latitude,
    {{ golden_value('longitude', 'position') }} as longitude,
    {{ golden_value('segment') }} as segment,
    {{ golden_value('value_tier') }} as value_tier,
    min(created_at) as first_seen_at,
    cast(count(*) as integer) as count_records
from {{ ref('int_customers_ranked') }}
group by customer_id
