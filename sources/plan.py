"""Which rows of an extract are new: what each table reads, and what of it has landed before.

Belongs here: the comparison of digests. Does not belong here: reading files or rows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from sources.inputs import Inputs
from sources.manifest import Adapter, AdapterError
from sources.raw import literal
from sources.record import LandingReport, TableReport


@dataclass(frozen=True)
class TablePlan:
    """What of a table is to land.

    Attributes:
        inputs: Logical name → file → digest, of all that the SELECT reads.
        only: Files whose rows are to land; None for all rows of the SELECT.
        skipped: Files whose rows have landed before.
        seen: File → digest, of all files that will have landed after this.
    """

    inputs: Mapping[str, Mapping[str, str]]
    only: tuple[str, ...] | None
    skipped: tuple[str, ...]
    seen: Mapping[str, str]

    @property
    def is_done(self) -> bool:
        """Nothing is left to land."""
        return self.only == ()


def plan_tables(
    adapter: Adapter, digests: Mapping[str, Mapping[str, str]], history: Sequence[LandingReport], contract_digest: str
) -> dict[str, TablePlan]:
    """Plan every table of the adapter.

    Args:
        adapter: The adapter.
        digests: Logical name → file → digest, of all inputs.
        history: Earlier landings of the company, oldest first.
        contract_digest: Digest of the contract now.
    """
    alike = [
        r for r in history
        if r.status == "landed" and r.adapter == adapter.name
        and (r.adapter_digest, r.contract_digest) == (adapter.digest, contract_digest)
    ]  # fmt: skip
    plans = {}
    for table, sql in adapter.sql.items():
        read = referenced_inputs(adapter, table, sql, digests)
        last = next((r.tables[table] for r in reversed(alike) if table in r.tables), None)
        plans[table] = _plan(adapter.manifest.tables[table].from_, {n: digests[n] for n in read}, last)
    return plans


def _plan(drivers: Sequence[str], inputs: Mapping[str, Mapping[str, str]], last: TableReport | None) -> TablePlan:
    now = {file: digest for name in (drivers or inputs) for file, digest in inputs[name].items()}
    if last is None:
        return TablePlan(inputs, None, (), now)
    if not drivers:
        same = all(_contents(inputs[n]) == _contents(last.inputs.get(n, {})) for n in inputs)
        return TablePlan(inputs, () if same else None, tuple(now) if same else (), now)
    lookups = [name for name in inputs if name not in drivers]
    if any(_contents(inputs[n]) != _contents(last.inputs.get(n, {})) for n in lookups):
        return TablePlan(inputs, None, (), now)
    # A digest counts as landed only while it is the latest of some file: content that came back must land again.
    landed = set(last.seen.values())
    new = tuple(f for f, d in now.items() if last.seen.get(f) != d and (f in last.seen or d not in landed))
    return TablePlan(inputs, new, tuple(f for f in now if f not in new), {**last.seen, **now})


def _contents(files: Mapping[str, str]) -> list[str]:
    return sorted(files.values())


def digests_of(inputs: Inputs) -> dict[str, dict[str, str]]:
    """Logical name → file → digest, of an extract's files."""
    found: dict[str, dict[str, str]] = {}
    for file in inputs.files:
        found.setdefault(file.logical, {})[file.name] = file.sha256
    return found


def referenced_inputs(
    adapter: Adapter, table: str, sql: str, names: Mapping[str, object] | Sequence[str]
) -> list[str]:  # fmt: skip
    """Inputs that a table's SELECT reads, by name.

    Raises:
        AdapterError: the SQL cannot be parsed, or does not read what the manifest says that it comes from.
    """
    answer = duckdb.execute(f"select json_serialize_sql({literal(sql)})").fetchone()
    tree = json.loads(answer[0]) if answer else {}
    if tree.get("error"):
        raise AdapterError(f"{adapter.name}/{table}.sql cannot be parsed: {tree.get('error_message')}")
    read = {name for name in _table_names(tree) if name in names}
    for name in adapter.manifest.tables[table].inputs:
        if name not in read:
            raise AdapterError(
                f"{adapter.name}/{table}.sql does not read {name!r}, which the manifest says it comes from."
            )
    return sorted(read)


def _table_names(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["table_name"]} if node.get("type") == "BASE_TABLE" else set()
        return own.union(*(_table_names(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_table_names(value) for value in node))
    return set()
