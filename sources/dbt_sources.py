"""The dbt side of the landing contract: sources, staging models and their descriptions, written from the ODCS files.

Belongs here: rendering those files, and saying which are stale. Does not belong here: anything past staging, which is
written by hand in `dbt_project/`. Staging only picks the newest record of each key, so the contract says all of it.

Run `python -m sources.dbt_sources` after a change of the contract; `--check` only says what is stale.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sources.contracts import Column, Table, load_contract

PROJECT = Path(__file__).parents[1] / "dbt_project"
MARK = "Written from sources/contract by `python -m sources.dbt_sources`; change the contract, not this file."

#: What landing adds to every row: name → (type, description).
LANDING_COLUMNS = {
    "_source_file": ("VARCHAR", "File of the extract that the row came from."),
    "_source_row": ("BIGINT", "Line or row number in that file, from 1."),
    "_batch": ("VARCHAR", "Identifier of the landing that brought the row."),
    "_landed_at": ("TIMESTAMP", "When the row landed, UTC."),
}
LOCATION = (
    "read_parquet('{{ env_var('OI_DBT_LANDING') }}/{name}/**/*.parquet', union_by_name=true, hive_partitioning=false)"
)


def rendered(contract: Mapping[str, Table]) -> dict[Path, str]:
    """Path below the dbt project → text, for every file that the contract decides."""
    staging = Path("models/staging")
    files = {
        staging / "_landing__sources.yml": _yaml(_sources(contract)),
        staging / "_staging__models.yml": _yaml(_models(contract)),
        Path("macros/landing_contract.sql"): "\n".join(
            [f"{{# {MARK} #}}", *map(_macros, contract.values()), _keys(contract)]
        ),
    }
    for name in contract:
        files[staging / f"stg_{name}.sql"] = f"-- {MARK}\n{{{{ newest_{name}() }}}}\n"
    return files


def stale(project: Path = PROJECT) -> list[str]:
    """Files of the dbt project that differ from what the contract says, by path below the project."""
    wanted = rendered(load_contract())
    surplus = {path.relative_to(project) for path in (project / "models/staging").glob("stg_*.sql")} - set(wanted)
    differing = {path for path, text in wanted.items() if _text(project / path) != text}
    return sorted(str(path) for path in differing | surplus)


def write(project: Path = PROJECT) -> list[str]:
    """Bring the dbt project up to the contract; returns the paths that changed."""
    changed, wanted = stale(project), rendered(load_contract())
    for name in changed:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if Path(name) in wanted:
            path.write_text(wanted[Path(name)], encoding="utf-8")
        else:
            path.unlink()
    return changed


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _yaml(document: dict[str, Any]) -> str:
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return f"# {MARK}\n{body}"


def _sources(contract: Mapping[str, Table]) -> dict[str, Any]:
    tables = [
        {
            "name": table.name,
            "description": f"{table.description} {table.grain}",
            "config": {"meta": {"required": table.required, "capability": table.capability, "key": list(table.key)}},
        }
        for table in contract.values()
    ]
    source = {
        "name": "landing",
        "description": "Typed, checked extracts as Parquet by table and day; staging takes the newest record of a key.",
        "config": {"meta": {"external_location": LOCATION}},
        "tables": tables,
    }
    return {"version": 2, "sources": [source]}


def _models(contract: Mapping[str, Table]) -> dict[str, Any]:
    return {"version": 2, "models": [_model(table) for table in contract.values()]}


def _model(table: Table) -> dict[str, Any]:
    return {
        "name": f"stg_{table.name}",
        "description": f"{table.description} The newest record of each key. {table.grain}",
        "config": {"contract": {"enforced": True}},
        "columns": [*map(_described, table.columns), *_landing_columns()],
    }


def _described(column: Column) -> dict[str, Any]:
    meta = {"personal_data": column.personal_data, "purpose": column.purpose, "retention_days": column.retention_days}
    if column.unit:
        meta["unit"] = column.unit
    return {
        "name": column.name,
        "description": column.description,
        "data_type": column.type.lower(),
        "config": {"meta": meta},
    }


def _landing_columns() -> Iterator[dict[str, Any]]:
    for name, (kind, description) in LANDING_COLUMNS.items():
        meta = {"personal_data": "none"}
        yield {"name": name, "description": description, "data_type": kind.lower(), "config": {"meta": meta}}


def _macros(table: Table) -> str:
    """A macro for a table's newest records; for a daily table another that reads what some days need."""
    names = [column.name for column in table.columns] + list(LANDING_COLUMNS)
    columns = ",\n    ".join(names)
    newest_first = ["updated_at desc nulls last"] if "updated_at" in names else []
    newest_first += ["_landed_at desc", "_source_row desc", "_batch desc", "_source_file desc"]
    newest = f"""
{{% macro newest_{table.name}(only='true') -%}}
select
    {columns}
from {{{{ source('landing', '{table.name}') }}}}
where {{{{ only }}}}
qualify row_number() over (
    partition by {", ".join(table.key)}
    order by {", ".join(newest_first)}
) = 1
{{%- endmacro %}}
"""
    return newest + _staged(table) if table.day_column else newest


def _staged(table: Table) -> str:
    name, key = table.name, ", ".join(table.key)
    # All records of a key that has one in the build: the newest may lie on another day.
    return f"""
{{% macro staged_{name}(only) -%}}
{{%- set staging = ref('stg_{name}') -%}}
{{%- if is_partial() -%}}
{{%- set landed = source('landing', '{name}') -%}}
{{{{ newest_{name}('({key}) in (select {key} from ' ~ landed ~ ' where ' ~ only ~ ')') }}}}
{{%- else -%}}
select * from {{{{ staging }}}}
{{%- endif -%}}
{{%- endmacro %}}
"""


def _keys(contract: Mapping[str, Table]) -> str:
    """A macro that gives the key of every table with a day."""
    keys = ",\n".join(f"        '{t.name}': '{', '.join(t.key)}'" for t in contract.values() if t.day_column)
    return f"""
{{% macro daily_keys() -%}}
    {{{{ return({{
{keys}
    }}) }}}}
{{%- endmacro %}}
"""


def main() -> int:
    """Entry point of the module; see the charter."""
    if "--check" in sys.argv[1:]:
        found = stale()
        print("\n".join(f"stale: dbt_project/{path}" for path in found) or "dbt_project follows the contract")
        return 1 if found else 0
    print("\n".join(f"wrote dbt_project/{path}" for path in write()) or "nothing to change")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
