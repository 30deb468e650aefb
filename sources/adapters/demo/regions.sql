select
    region_code,
    name,
    local_name,
    parent_region_code,
    getvariable('country') as country_code,
    latitude,
    longitude,
    _source_file,
    _source_row
from regions
