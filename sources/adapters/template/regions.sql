select
    region_code,
    name,
    getvariable('country') as country_code,
    latitude,
    longitude,
    _source_file,
    _source_row
from lands
