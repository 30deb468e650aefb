select
    'tms' as source_system,
    carrier,
    service as service_level,
    origin as origin_region_code,
    destination as destination_region_code,
    from_kg as min_weight_kg,
    fixed as fixed_amount,
    per_kg as per_kg_amount,
    currency,
    planned_days,
    _source_file,
    _source_row
from tms_rates
