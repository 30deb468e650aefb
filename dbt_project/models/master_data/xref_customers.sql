{{ with_stable_ids(ref('int_customers_clustered'), 'customer_code', 'customer_id') }}
