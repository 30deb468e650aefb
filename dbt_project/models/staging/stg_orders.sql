-- Written from sources/contract by `python -m sources.dbt_sources`; change the contract, not this file.
{{ newest_orders() }}
