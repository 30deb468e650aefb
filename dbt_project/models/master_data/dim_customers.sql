with records as (
    {{ records_by_recency(ref('stg_customers'), ref('xref_customers'), 'customer') | indent(4) }}
)

select
    customer_id,
    {{ newest_known('full_name') }} as full_name,
    {{ newest_known('lower(trim(email))') }} as email,
    {{ newest_known('phone') }} as phone,
    {{ newest_known('address_line') }} as address_line,
    {{ newest_known('city') }} as city,
    {{ newest_known('postal_code') }} as postal_code,
    {{ newest_known('region_code') }} as region_code,
    -- Both halves of a position come from one record.
    min_by(latitude, recency_rank) filter (where latitude is not null and longitude is not null) as latitude,
    min_by(longitude, recency_rank) filter (where latitude is not null and longitude is not null) as longitude,
    {{ newest_known('segment') }} as segment,
    {{ newest_known('value_tier') }} as value_tier,
    min(created_at) as first_seen_at,
    cast(count(*) as integer) as count_records
from records
group by customer_id
