"""Which records speak of the same customer, product or warehouse: pure functions over tables of records.

Belongs here: comparing, scoring, zones, clusters, stable ids, verdicts. Does not belong here: where records lie
(ml/io/matching), running a model over a warehouse (ml/jobs/match), golden values (dbt_project).
"""
