"""Where the columns of the warehouse come from: for each column of a dbt model, the columns that its value is made of.

Belongs here: reading lineage out of the SQL that dbt compiled, keeping it (`dbt_project/column_lineage.json`), its page
(`docs/column-lineage.md`), and its form in Dagster. Does not belong here: lineage of rows (`trace.py`).

sqlglot resolves names and stars and follows each column through sub-queries and CTEs. Columns that a value is computed,
chosen or ordered by count; what only filters or joins rows does not. A count of rows comes from no column.

`python -m orchestration.lib.column_lineage` writes both files anew; a test fails when a column is missing from them.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg

from ml.io.matching import TABLES as MATCHING_TABLES
from orchestration.lib.dbt import EXECUTABLE, PROJECT, DbtParseFailed, dbt_environment
from sources.contracts import load_contract
from sources.mapping import META_COLUMNS
from workspace.settings import Settings, quiet_environment

KEPT = PROJECT / "column_lineage.json"
PAGE = PROJECT.parent / "docs" / "column-lineage.md"
#: Table → column → the columns, as `table.column`, that it is made of directly.
Lineage = Mapping[str, Mapping[str, list[str]]]
#: dbt-duckdb puts the files of a source where its name would stand.
_FILES = re.compile(r"read_parquet\('[^']*/(landing|matching)/(\w+)(?:\.parquet|/)[^)]*\)")


@lru_cache(maxsize=1)
def kept_lineage() -> Lineage:
    """The lineage as it was written last."""
    found: Lineage = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def origins(lineage: Lineage, table: str, column: str) -> list[str]:
    """Columns of landing, matching and seeds that a column goes back to, in name order.

    Raises:
        KeyError: no model has that column.
    """
    lineage[table][column]
    seen: set[str] = set()
    waiting, found = [f"{table}.{column}"], set()
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        parent, _, name = at.rpartition(".")
        if parent in lineage:
            waiting += lineage[parent].get(name, [])
        else:
            found.add(at)
    return sorted(found)


def asset_lineage(table: str) -> dg.TableColumnLineage | None:
    """A model's lineage as Dagster shows it; None for what is not kept."""
    columns = kept_lineage().get(table)
    if columns is None:
        return None
    return dg.TableColumnLineage({
        column: [
            dg.TableColumnDep(dg.AssetKey(source.rpartition(".")[0].split(".")), source.rpartition(".")[2])
            for source in sources
        ]
        for column, sources in columns.items()
    })  # fmt: skip


def compile_project() -> dict[str, Any]:
    """The manifest with compiled SQL, for a build of all days; needs no warehouse.

    Raises:
        DbtParseFailed: with dbt's own words.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), company="lineage")
        settings.paths.ensure()
        target = Path(folder) / "target"
        done = subprocess.run(
            [str(EXECUTABLE), "--quiet", "compile", "--no-introspect", "--no-populate-cache", "--project-dir",
             str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target), "--log-path", str(target)],
            env={**quiet_environment(), **dbt_environment(settings)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise DbtParseFailed(f"dbt could not compile {PROJECT}:\n{done.stdout}{done.stderr}")
        manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        return manifest


def lineage_of(
    manifest: Mapping[str, Any], wanted: Collection[str] | None = None
) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """The name of each built model, or of the wanted ones, and the lineage of its columns; the widest take seconds."""
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    built = {name: node for name, node in models.items() if node["config"]["materialized"] != "ephemeral"}
    schema = {name: list(node["columns"]) for name, node in built.items()}
    for name, table in load_contract().items():
        schema[f"landing__{name}"] = [*(column.name for column in table.columns), *META_COLUMNS]
    schema |= {f"matching__{name}": list(columns) for name, columns in MATCHING_TABLES.items()}
    for name, node in sorted(built.items()):
        if wanted is not None and name not in wanted:
            continue
        yield name, _columns_of(node["compiled_code"], list(node["columns"]), schema)


def _columns_of(sql: str, columns: list[str], schema: Mapping[str, list[str]]) -> dict[str, list[str]]:
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    known: dict[str, object] = {table: dict.fromkeys(names, "text") for table, names in schema.items() if names}
    tree = parse_one(re.sub(r'"[^"]+"\."main"\.', "", _FILES.sub(r"\1__\2", sql)), dialect="duckdb")
    tree = qualify(tree, schema=known, dialect="duckdb", validate_qualify_columns=False, identify=False)
    scope = build_scope(tree)
    found = {}
    for column in columns:
        nodes = lineage(column, tree, schema={}, dialect="duckdb", scope=scope).walk()
        leaves = [n for n in nodes if not n.downstream and isinstance(n.source, exp.Table) and n.source.name]
        names = {(n.source.name.replace("__", ".", 1), n.name.rpartition(".")[2]) for n in leaves}
        found[column] = sorted(f"{table}.{name}" for table, name in names)
    return found


def as_page(lineage: Lineage, published: list[str]) -> str:
    """The page: every column of the published tables, what it is made of, and where that came in."""
    parts = [
        "# Column lineage\n\nWritten by `python -m orchestration.lib.column_lineage` from the SQL that dbt compiles; "
        "do not edit it. For each column\nof a published table: the columns that its value is made of, and the landed "
        "columns that these go back to. What only\nfilters or joins rows does not count; a count of rows comes from no "
        "column. Dagster shows the same beside each asset.\n"
    ]
    for table in published:
        rows = [
            f"| `{column}` | {_listed(lineage[table][column])} | {_listed(origins(lineage, table, column))} |"
            for column in lineage[table]
        ]
        head = f"\n## {table}\n\n| column | made of | goes back to |\n|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "".join(parts)


def _listed(columns: list[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns) or "–"


def main() -> None:
    """Write the kept lineage and its page anew."""
    manifest = compile_project()
    lineage = dict(lineage_of(manifest))
    nodes = manifest["nodes"].values()
    published = sorted(
        n["name"] for n in nodes if n["resource_type"] == "model" and n["config"]["meta"].get("published")
    )
    KEPT.write_text(json.dumps(lineage, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(as_page(lineage, published), encoding="utf-8")


if __name__ == "__main__":
    main()
