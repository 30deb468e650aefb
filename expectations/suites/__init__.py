"""Suites as code: one module a boundary, each with `suite() -> Suite`. A suite is data; nothing here runs anything.

Does not belong here: types, keys and relations that dbt tests enforce inside the warehouse (dbt_project).
"""
