{{ golden_sources('customer') }}
union all
{{ golden_sources('product') }}
union all
{{ golden_sources('warehouse') }}
