{{ config(materialized='view', tags=['before_matching']) }}

with customers as (
    select * from {{ ref('stg_customers') }}
),

first_landings as (
    select
        source_system,
        customer_code,
        min(_landed_at) as first_landed_at
    from {{ source('landing', 'customers') }}
    group by source_system, customer_code
),

countries as (
    select
        regions.region_code,
        calling_codes.calling_code
    from {{ ref('stg_regions') }} as regions
    inner join {{ ref('country_calling_codes') }} as calling_codes using (country_code)
),

-- A company in one country dials within it; in several, a number without country code says nothing across them.
home_country as (
    select max(calling_code) as calling_code
    from countries
    having count(distinct calling_code) = 1
),

-- Some systems swap the two: an address has an @, a number has none.
told_by_shape as (
    select
        *,
        case
            when email like '%@%' then email
            when phone like '%@%' then phone
        end as mailbox,
        case
            when phone not like '%@%' then phone
            when email not like '%@%' then email
        end as line
    from customers
),

normalised as (
    select
        told_by_shape.*,
        first_landings.first_landed_at,
        ltrim(told_by_shape.line) like '+%' or ltrim(told_by_shape.line) like '00%' as is_international,
        ltrim({{ digits('told_by_shape.line') }}, '0') as phone_digits,
        coalesce(countries.calling_code, home_country.calling_code) as calling_code
    from told_by_shape
    left join first_landings using (source_system, customer_code)
    left join countries using (region_code)
    left join home_country on true
),

dialled as (
    select
        *,
        case
            when is_international then phone_digits
            -- Ten digits are left of a national number that was written with its country code but without a plus.
            when starts_with(phone_digits, calling_code) and length(phone_digits) - length(calling_code) >= 10
                then phone_digits
            when calling_code is not null then calling_code || phone_digits
        end as number
    from normalised
)

select
    source_system,
    customer_code as code,
    first_landed_at,
    nullif(trim(person_code), '') as person_code,
    full_name,
    mailbox as email,
    case when length(number) between 9 and 15 then number end as phone,
    address_line,
    city,
    postal_code,
    region_code
from dialled
