{{ ranked_records(ref('stg_warehouses'), ref('xref_warehouses'), 'warehouse') }}
