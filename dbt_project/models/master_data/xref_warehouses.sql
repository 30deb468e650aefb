{{ with_stable_ids(ref('int_warehouses_clustered'), 'warehouse_code', 'warehouse_id') }}
