{{ ranked_records(ref('stg_customers'), ref('xref_customers'), 'customer') }}
