{{ config(materialized='view') }}

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

normalised as (
    select
        customers.source_system,
        customers.customer_code as code,
        first_landings.first_landed_at,
        nullif(trim(customers.person_code), '') as person_code,
        regexp_replace(lower(trim(customers.email)), '\+[^@]*@', '@') as email,
        ltrim(customers.phone) like '+%' or ltrim(customers.phone) like '00%' as is_international,
        ltrim({{ digits('customers.phone') }}, '0') as phone_digits,
        coalesce(countries.calling_code, home_country.calling_code) as calling_code
    from customers
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
        end as phone
    from normalised
),

keys as (
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        'person_code' as key_kind,
        source_system || chr(31) || person_code as key_value
    from dialled
    where person_code is not null
    union all
    -- Eight signs are a card's number; less may be a counter that two systems run on their own.
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        'person_code' as key_kind,
        person_code as key_value
    from dialled
    where length(person_code) >= 8
    union all
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        'email' as key_kind,
        email as key_value
    from dialled
    where {{ matches('email', '[^@\s]+@[^@\s]+\.[^@\s]+') }}
    union all
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        'phone' as key_kind,
        phone as key_value
    from dialled
    where length(phone) between 9 and 15
),

keyless as (
    select
        dialled.source_system,
        dialled.code,
        dialled.code as local_identity,
        dialled.first_landed_at,
        cast(null as varchar) as key_kind,
        cast(null as varchar) as key_value
    from dialled
    anti join keys using (source_system, code)
)

select * from keys
union all
select * from keyless
