"""The warehouse build beside the same SQL run bare: what dbt, its contracts and its tests cost.

Both sides build every model of a simulated company from the same landed Parquet into a new DuckDB file, in turn. The
bare side executes the SQL that dbt compiled, in order of dependence, in one connection.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from ml.core.matching.entities import ENTITIES
from ml.jobs.master import match_entity
from orchestration.defs.transform import STAGING
from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment
from sources.landing import land
from sources.manifest import load_adapter
from twin.generate import generate_company
from twin.parameters import load_preset
from workspace.settings import Settings, quiet_environment
from workspace.warehouse import duckdb_config

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PRESET = os.environ.get("BENCH_PRESET", "demo")


def dbt(settings: Settings, *arguments: str) -> None:
    """Run dbt on the company's warehouse."""
    target = settings.paths.root / "dbt_bench"
    subprocess.run(
        [str(EXECUTABLE), "--quiet", *arguments, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
         "--target-path", str(target), "--log-path", str(target)],
        env={**quiet_environment(), **dbt_environment(settings)}, check=True, capture_output=True,
    )  # fmt: skip


def compiled_models(settings: Settings) -> list[dict[str, Any]]:
    """Seeds and models with compiled SQL, in order of dependence; ephemeral ones are inlined by dbt."""
    manifest = json.loads((settings.paths.root / "dbt_bench" / "manifest.json").read_text(encoding="utf-8"))
    nodes = {key: n for key, n in manifest["nodes"].items() if n["resource_type"] in {"model", "seed"}}
    order = TopologicalSorter({key: n["depends_on"].get("nodes", []) for key, n in nodes.items()}).static_order()
    return [nodes[key] for key in order if key in nodes and nodes[key]["config"]["materialized"] != "ephemeral"]


def build_bare(settings: Settings, models: list[dict[str, Any]]) -> None:
    """Execute the compiled SQL in one connection."""
    config = duckdb_config(settings, settings.paths)
    with duckdb.connect(str(settings.paths.warehouse), config=config) as connection:
        for node in models:
            if node["resource_type"] == "seed":
                seed = PROJECT / node["original_file_path"]
                connection.execute(f"create table {node['name']} as from read_csv('{seed}', all_varchar = true)")
                continue
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            connection.execute(f"create {kind} {node['name']} as {node['compiled_code']}")


def timed(settings: Settings, work: Callable[[], None]) -> float:
    """Seconds of `work` on a new warehouse."""
    settings.paths.warehouse.unlink(missing_ok=True)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Generate, land, then build in turn; print medians, spread and ratios."""
    folder = Path(tempfile.mkdtemp(prefix="bench-pipeline-"))
    try:
        settings = Settings(home=folder, company="demo")
        report = generate_company(load_preset(PRESET), settings.paths)
        land(settings, load_adapter("demo"), settings.paths.extracts)
        settings.paths.ensure()
        # Matching stands between staging and master data; it is done once, and both sides read what it found.
        dbt(settings, "build", "--select", *STAGING.split(), "--exclude-resource-type", "unit_test", "test")
        for entity in ENTITIES.values():
            match_entity(settings, entity)
        dbt(settings, "compile")
        models = compiled_models(settings)
        ways: dict[str, Callable[[], None]] = {
            "same SQL, bare DuckDB": lambda: build_bare(settings, models),
            "`dbt build` without tests": lambda: dbt(settings, "build", "--exclude-resource-type", "unit_test", "test"),
            "`dbt build` with all data tests": lambda: dbt(settings, "build", "--exclude-resource-type", "unit_test"),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                times[name].append(timed(settings, work))
        show(times, report.lines)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(times: dict[str, list[float]], lines: int) -> None:
    """Print the table."""
    bare = statistics.median(times["same SQL, bare DuckDB"])
    print(f"{lines:,} order lines, preset `{PRESET}`, {ROUNDS} rounds in turn.\n")
    print("| build | median s | min–max s | s per million order lines | ÷ bare |\n|---|---|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        spread = f"{min(taken):.1f}–{max(taken):.1f}"
        print(f"| {name} | {median:.1f} | {spread} | {median / lines * 1e6:,.0f} | {median / bare:.2f} |")


if __name__ == "__main__":
    main()
