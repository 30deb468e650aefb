select
    'shop' as source_system,
    clean(customer_no) as customer_code,
    name as full_name,
    mail as email,
    city,
    postcode as postal_code,
    'DE-' || clean(land) as region_code,
    'b2c' as segment,
    _source_file,
    _source_row
from shop_customers
