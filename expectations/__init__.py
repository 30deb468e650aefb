"""Great Expectations: suites as code, custom expectations, the runner and offline Data Docs.

Does not belong here: types, keys and relations inside the warehouse (dbt_project).
"""
