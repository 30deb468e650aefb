{{ matched_ids('product', 'p') }}
