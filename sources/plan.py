"""Which rows of an extract are new: what each table reads, and what of it has landed before.

Belongs here: the comparison of digests. Does not belong here: reading files or rows.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from sources.inputs import Inputs
from sources.manifest import Adapter, AdapterError, TableMapping
from sources.raw import literal
from sources.record import LandingReport, TableReport

#: Logical name → file → digest.
Digests = Mapping[str, Mapping[str, str]]
_DAY = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?!\d)")


@dataclass(frozen=True)
class TablePlan:
    """What of a table is to land.

    Attributes:
        inputs: Logical name → file → digest, of all that the SELECT reads.
        only: Files whose rows are to land; None for all rows of the SELECT.
        skipped: Files whose rows have landed before.
        seen: File → digest, of all files that will have landed after this.
        reads: Logical name → files whose rows the SELECT needs for that.
    """

    inputs: Digests
    only: tuple[str, ...] | None
    skipped: tuple[str, ...]
    seen: Mapping[str, str]
    reads: Mapping[str, Collection[str]]

    @property
    def is_done(self) -> bool:
        """Nothing is left to land."""
        return self.only == ()


def plan_tables(
    adapter: Adapter, digests: Digests, history: Sequence[LandingReport], contract_digest: str
) -> dict[str, TablePlan]:
    """Plan every table of the adapter.

    Args:
        adapter: The adapter.
        digests: Logical name → file → digest, of all inputs.
        history: Earlier landings of the company, oldest first.
        contract_digest: Digest of the contract now.

    Raises:
        AdapterError: its SQL does not read what the manifest says, or a file that `lookup_days` dates bears no day.
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
        plans[table] = _plan(adapter.manifest.tables[table], {n: digests[n] for n in read}, last)
    return plans


def files_to_read(adapter: Adapter, plans: Iterable[TablePlan], digests: Digests) -> dict[str, set[str]]:
    """Logical name → files that have to be read for all plans; for what is observed of inputs as a whole, all files."""
    wanted: dict[str, set[str]] = {name: set() for name in digests}
    for plan in plans:
        for name, files in plan.reads.items():
            wanted[name].update(files)
    for title, observation in adapter.manifest.observations.items():
        for name in _inputs_read(observation.sql, digests, f"{adapter.name}: observation {title}"):
            wanted[name].update(digests[name])
    return wanted


def _plan(mapping: TableMapping, inputs: Digests, last: TableReport | None) -> TablePlan:
    for name in (*mapping.inputs, *mapping.lookup_days) if mapping.lookup_days else ():
        for file in inputs[name]:
            _day_of(file)  # said before the first landing, not after it
    is_told_by_file = bool(mapping.from_ or mapping.by_file)
    drivers = mapping.inputs if is_told_by_file else tuple(inputs)
    now = {file: digest for name in drivers for file, digest in inputs[name].items()}
    lookups = [name for name in inputs if name not in drivers and name not in mapping.lookup_days]
    if last is None or _have_changed(lookups, inputs, last):
        return TablePlan(inputs, None, (), now, inputs)
    if not is_told_by_file:
        is_same = not _have_changed(drivers, inputs, last)
        return TablePlan(inputs, () if is_same else None, tuple(now) if is_same else (), now, {} if is_same else inputs)
    # A digest counts as landed only while it is the latest of some file: content that came back must land again.
    landed = set(last.seen.values())
    new = {f for f, d in now.items() if last.seen.get(f) != d and (f in last.seen or d not in landed)}
    new |= _reopened(mapping, now, inputs, last)
    only = tuple(f for f in now if f in new)
    reads = _reads(mapping, only, inputs) if mapping.by_file else inputs
    return TablePlan(inputs, only, tuple(f for f in now if f not in new), {**last.seen, **now}, reads if only else {})


def _have_changed(names: Iterable[str], inputs: Digests, last: TableReport) -> bool:
    return any(sorted(inputs[n].values()) != sorted(last.inputs.get(n, {}).values()) for n in names)


def _reopened(mapping: TableMapping, files: Iterable[str], inputs: Digests, last: TableReport) -> set[str]:
    """Files that see a look-up file which came, went or changed since."""
    found: set[str] = set()
    for name, days in mapping.lookup_days.items():
        before = last.inputs.get(name, {})
        changed = {f for f in {*before, *inputs[name]} if before.get(f) != inputs[name].get(f)}
        found |= {f for f in files if any(_sees(f, other, days) for other in changed)}
    return found


def _reads(mapping: TableMapping, only: Sequence[str], inputs: Digests) -> dict[str, Collection[str]]:
    reads: dict[str, Collection[str]] = {}
    for name, files in inputs.items():
        if name in mapping.inputs:
            reads[name] = [f for f in files if f in only]
        elif name in mapping.lookup_days:
            reads[name] = [f for f in files if any(_sees(o, f, mapping.lookup_days[name]) for o in only)]
        else:
            reads[name] = files
    return reads


def _sees(file: str, lookup: str, days: int) -> bool:
    return abs(_day_of(file) - _day_of(lookup)) <= timedelta(days=days)


def _day_of(file: str) -> date:
    """The day in a file's name, such as `parcels_2026-10-31.parquet`; the last if there are several.

    Raises:
        AdapterError: there is none.
    """
    for year, month, day in reversed(_DAY.findall(file)):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    raise AdapterError(
        f"`lookup_days` tells by the day in a file's name (YYYY-MM-DD or YYYYMMDD) which files belong together; "
        f"{file!r} has none. Have it named by day, or drop `lookup_days` from the manifest."
    )


def digests_of(inputs: Inputs) -> dict[str, dict[str, str]]:
    """Logical name → file → digest, of an extract's files."""
    found: dict[str, dict[str, str]] = {}
    for file in inputs.files:
        found.setdefault(file.logical, {})[file.name] = file.sha256
    return found


def referenced_inputs(adapter: Adapter, table: str, sql: str, names: Collection[str]) -> list[str]:
    """Inputs that a table's SELECT reads, by name.

    Raises:
        AdapterError: the SQL cannot be parsed, or does not read what the manifest says that it comes from.
    """
    mapping, place = adapter.manifest.tables[table], f"{adapter.name}/{table}.sql"
    read = _inputs_read(sql, names, place)
    for name in (*mapping.inputs, *mapping.lookup_days):
        if name not in read:
            raise AdapterError(f"{place} does not read {name!r}, which the manifest says it does.")
    return read


def _inputs_read(sql: str, names: Collection[str], place: str) -> list[str]:
    answer = duckdb.execute(f"select json_serialize_sql({literal(sql)})").fetchone()
    tree = json.loads(answer[0]) if answer else {}
    if tree.get("error"):
        raise AdapterError(f"{place} cannot be parsed: {tree.get('error_message')}")
    return sorted(name for name in _table_names(tree) if name in names)


def _table_names(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["table_name"]} if node.get("type") == "BASE_TABLE" else set()
        return own.union(*(_table_names(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_table_names(value) for value in node))
    return set()
