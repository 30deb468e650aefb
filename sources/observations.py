"""What an adapter notices in its inputs as a whole, before anything of them is mapped.

Belongs here: running a manifest's observations. Does not belong here: checks of single rows (checks, relations).
"""

import duckdb

from sources.manifest import Adapter, AdapterError
from sources.problems import ExtractRefused, Problem
from sources.raw import RawTables
from sources.record import Warned

_SAMPLES = 5


def observe(raw: RawTables, adapter: Adapter) -> dict[str, Warned]:
    """Count the raw rows that each observation of the manifest is true of.

    Raises:
        ExtractRefused: an observation of severity error is true of any.
        AdapterError: the SQL of one is wrong.
    """
    found: dict[str, Warned] = {}
    problems: list[Problem] = []
    for name, observation in adapter.manifest.observations.items():
        try:
            seen = raw.connection.execute(
                f"select count(*), list(_source_file || ':' || _source_row order by _source_file, _source_row)"
                f"[1:{_SAMPLES}] from (select _source_file, _source_row from ({observation.sql}\n))"
            ).fetchone()
        except duckdb.Error as error:
            raise AdapterError(f"{adapter.name}: observation {name}: {error}") from error
        count, samples = seen or (0, None)
        if count and observation.severity == "error":
            problems.append(Problem(name, samples[0].rpartition(":")[0], f"{observation.message} ({count} rows)",
                                    observation.remedy, value=", ".join(samples)))  # fmt: skip
        elif count:
            found[name] = Warned(count, tuple(samples))
    if problems:
        raise ExtractRefused(problems)
    return found
