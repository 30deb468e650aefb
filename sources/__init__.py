"""The landing contract, the adapters that map an extract to it, landing and quarantine.

Does not belong here: what the rows mean together (dbt_project), and checks of quality across tables (expectations).
"""
