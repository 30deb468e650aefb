{{ matched_ids('warehouse', 'w') }}
