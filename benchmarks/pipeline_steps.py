"""The steps that the pipeline's benchmark times, each run in a process of its own so that its memory can be told.

Usage: `python -m benchmarks.pipeline_steps STEP HOME`; prints the seconds of the step, without the start of Python.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from orchestration.defs.transform import slice_variables
from orchestration.lib.dbt import PROJECT
from workspace.settings import Settings
from workspace.warehouse import duckdb_config, open_warehouse

TARGET = "dbt_bench"
#: Boundaries whose tables a build writes.
BUILT = ("master_data", "marts", "features")


def manifest_of(settings: Settings) -> dict[str, Any]:
    """The compiled manifest of the benchmark's dbt target."""
    found: dict[str, Any] = json.loads((settings.paths.root / TARGET / "manifest.json").read_text(encoding="utf-8"))
    return found


def bare(settings: Settings) -> None:
    """Execute the SQL that dbt compiled, in order of dependence, in one connection; ephemeral models are inlined.

    What dbt builds slice by slice is built slice by slice: in one go, large companies do not fit into the memory limit.
    """
    found = manifest_of(settings)["nodes"]
    nodes = {key: n for key, n in found.items() if n["resource_type"] in {"model", "seed"}}
    order = TopologicalSorter({key: n["depends_on"].get("nodes", []) for key, n in nodes.items()}).static_order()
    starts = [date.fromisoformat(day) for day in slice_variables(settings).get("slices", [])]
    slices = list(zip([date.min, *starts], [*(day - timedelta(days=1) for day in starts), date.max], strict=True))
    config = duckdb_config(settings, settings.paths)
    with duckdb.connect(str(settings.paths.warehouse), config=config) as connection:
        for node in (nodes[key] for key in order if key in nodes):
            name, materialized = node["name"], node["config"]["materialized"]
            if node["resource_type"] == "seed":
                seed = PROJECT / node["original_file_path"]
                connection.execute(f"create table {name} as from read_csv('{seed}', all_varchar = true)")
            elif materialized != "ephemeral":
                kind = "view" if materialized == "view" else "table"
                statement = f"create {kind} {name} as {node['compiled_code']}"
                for first, last in slices if node["config"]["event_time"] == "order_date" else [(date.min, date.max)]:
                    connection.execute(
                        f"set variable slice_first = date '{first}'; set variable slice_last = date '{last}'"
                    )
                    try:
                        connection.execute(statement)
                    except duckdb.Error as error:
                        error.add_note(f"while building {name}")
                        raise
                    statement = f"insert into {name} by name {node['compiled_code']}"


def publication(settings: Settings) -> None:
    """Export and publish every published model, as the asset does."""
    from orchestration.lib.export import export_tables, published_models
    from workspace.published import publish

    with tempfile.TemporaryDirectory(dir=settings.paths.ensure().published, prefix=".export-") as scratch:
        with open_warehouse(settings, "benchmark", read_only=True) as connection:
            tables = published_models(manifest_of(settings))
            files = export_tables(connection, tables, Path(scratch), settings.paths.published)
        publish(settings.paths.published, files, {}, settings.keep_snapshots)


def validation(settings: Settings) -> None:
    """Run the suites of what was landed and of what was built."""
    from expectations.runner import validate

    for boundary in ("landing", *BUILT):
        report = validate(settings, boundary)
        print(boundary, report.seconds, f"{sum(report.rows.values()):,} rows", file=sys.stderr)


STEPS: dict[str, Callable[[Settings], None]] = {"bare": bare, "publication": publication, "validation": validation}


def main() -> None:
    """Run one step; prints its wall and processor seconds."""
    step, home = sys.argv[1:]
    settings = Settings(home=Path(home), company="demo")
    started, processor = time.perf_counter(), time.process_time()
    STEPS[step](settings)
    print(time.perf_counter() - started, time.process_time() - processor)


if __name__ == "__main__":
    main()
