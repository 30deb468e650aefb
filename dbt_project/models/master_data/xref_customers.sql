{{ matched_ids('customer', 'c') }}
