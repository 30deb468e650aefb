{{ ranked_records(ref('stg_products'), ref('xref_products'), 'product') }}
