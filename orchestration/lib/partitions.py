"""Daily partitions of the facts, and how a run names a range of them.

Belongs here: the calendar of partitions. Does not belong here: which days were touched (sources, dbt_project).
"""

from datetime import date

import dagster as dg

FIRST_DAY = date(2016, 1, 1)
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"

#: One partition a day of business, UTC. Open to the present; a company fills the days it has.
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat())

#: Marks a run that builds what new landings touched; its range says on which days the new rows lie.
CHANGES_TAG = {"oi/changes": "true"}

#: A range of days is one run: dbt replaces it in one statement.
ONE_RUN = dg.BackfillPolicy.single_run()


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that select the days from `first` to `last`, both included.

    Raises:
        ValueError: the days are out of order or before the first partition.
    """
    if not FIRST_DAY <= first <= last:
        raise ValueError(f"Days must run forward from {FIRST_DAY} on; got {first} to {last}. Swap or move them.")
    return {RANGE_START_TAG: first.isoformat(), RANGE_END_TAG: last.isoformat()}
