"""Where the rows of the current company went, read from its stores.

Belongs here: asking the stores. Does not belong here: what the numbers mean (sources/reconciliation).
"""

from sources.history import landing_history
from sources.quarantine import count_states
from sources.reconciliation import BuiltRows, FileFate, reconcile
from workspace.published import find_current
from workspace.settings import Settings

#: Published tables that say what a build made of landed rows; they share these columns.
BUILT = ("fct_landed_rows", "landed_records")


def file_fates(settings: Settings) -> list[FileFate]:
    """The fate of every file's rows: landings and quarantine as they stand, marts as last published."""
    return reconcile(landing_history(settings), count_states(settings), _built(settings))


def _built(settings: Settings) -> list[BuiltRows]:
    snapshot = find_current(settings.paths.published)
    tables = [table for table in BUILT if snapshot and table in snapshot.tables]
    if snapshot is None or not tables:
        return []
    union = " union all ".join(
        f"select table_name, source_file, sum(count_landed)::bigint, sum(count_in_mart)::bigint, "
        f"sum(count_superseded)::bigint, sum(count_apart)::bigint from {table} group by 1, 2"
        for table in tables
    )
    with snapshot.connect() as connection:
        return [BuiltRows(*row) for row in connection.execute(union).fetchall()]
