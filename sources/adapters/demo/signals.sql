select
    case kind when 'market_shock' then 'market' when 'node_outage' then 'wms' else 'weather' end as source_system,
    id as signal_code,
    case kind
        when 'weather_alert' then 'weather'
        when 'node_outage' then 'outage'
        when 'market_shock' then 'market'
        else kind
    end as kind,
    region as region_code,
    node as warehouse_code,
    category as product_category,
    severity,
    observed as observed_at,
    started as started_at,
    ended as ended_at,
    _source_file,
    _source_row
from outside_signals
