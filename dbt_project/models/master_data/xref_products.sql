{{ with_stable_ids(ref('int_products_clustered'), 'product_code', 'product_id') }}
