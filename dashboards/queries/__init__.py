"""The SQL of the console: everything that its pages read from a published snapshot.

Belongs here: one module a page, each a list of `Query` over published tables, checked by a test against the dbt
contracts. Does not belong here: running them (`dashboards.store`), or computing what a mart should hold.
"""
