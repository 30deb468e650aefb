"""What must hold for landed rows: generated from the landing contract, so that a rule is written once, there.

Belongs here: how a contract becomes checks. Does not belong here: any rule of a single table; put it in the contract.

Landing itself refuses rows that break the contract. This suite is the independent second look, by another engine, at
the files that really lie there, and it adds what no single row can show: volume, freshness and unknown codes.
"""

import re
from collections.abc import Iterator

from expectations.checks import (
    Between,
    Check,
    HasColumns,
    HasRows,
    InSet,
    LearnedMeasure,
    Matches,
    NotNull,
    Reference,
    RowRule,
    Suite,
    UniqueKey,
)  # fmt: skip
from sources.contracts import Column, Table, load_contract

LINEAGE = ("_source_file", "_source_row", "_batch", "_landed_at")


def suite() -> Suite:
    """The landing suite of every table of the contract."""
    contract = load_contract()
    return Suite(
        boundary="landing",
        title="Landed extracts against the landing contract",
        checks=tuple(check for table in contract.values() for check in _checks_of(table)),
        identity={name: (*table.key, "_source_file", "_source_row") for name, table in contract.items()},
        absent={name: f"capability {table.capability} is off" for name, table in contract.items() if table.capability},
        days={name: table.day_column for name, table in contract.items() if table.day_column},
    )


def _checks_of(table: Table) -> Iterator[Check]:
    name = table.name
    if table.required:
        yield Check(f"{name}.rows", name, HasRows(), "error", f"Nothing can be built without {name}.")
    names = tuple(column.name for column in table.columns)
    yield Check(
        f"{name}.columns", name, HasColumns((*names, *LINEAGE)), "error",
        "Staging reads every column of the contract by name.",
    )  # fmt: skip
    for lineage in LINEAGE:
        yield Check(
            f"{name}.{lineage.lstrip('_')}.filled", name, NotNull(lineage), "error",
            "A row whose file, row, batch or time of landing is unknown cannot be traced or replayed.",
        )  # fmt: skip
    yield Check(
        f"{name}.key.once", name, UniqueKey((*table.key, "_batch")), "error",
        "A key that lies there twice in one batch was landed twice; which row is true would be chance.",
    )  # fmt: skip
    for column in table.columns:
        yield from _checks_of_column(table, column)
    for rule in table.rules:
        read = tuple(c for c in names if re.search(rf"\b{c}\b", rule.predicate))
        yield Check(f"{name}.{rule.name}", name, RowRule(rule.predicate, read), rule.severity, rule.remedy)
    yield from _learned_checks_of(table)


def _checks_of_column(table: Table, column: Column) -> Iterator[Check]:
    prefix = f"{table.name}.{column.name}"
    why = f"{column.description} A row that breaks the contract belongs in quarantine."
    if column.required:
        yield Check(f"{prefix}.filled", table.name, NotNull(column.name), "error", why)
    if column.allowed:
        yield Check(f"{prefix}.allowed", table.name, InSet(column.name, column.allowed), "error", why)
    if column.minimum is not None or column.maximum is not None:
        yield Check(f"{prefix}.range", table.name, Between(column.name, column.minimum, column.maximum), "error", why)
    if column.pattern:
        yield Check(f"{prefix}.pattern", table.name, Matches(column.name, column.pattern), "error", why)
    if column.reference is not None:
        to, scope = column.reference, column.reference.scope
        columns = (scope, column.name) if scope else (column.name,)
        target = ("source_system", to.column) if scope else (to.column,)
        yield Check(
            f"{prefix}.known", table.name, Reference(columns, to.table, target), to.severity,
            f"A code that {to.table} does not know cannot be joined; the row is kept, flagged and counted.",
            needs=(to.table,),
        )  # fmt: skip


def _learned_checks_of(table: Table) -> Iterator[Check]:
    yield Check(
        f"{table.name}.volume", table.name,
        LearnedMeasure(f"number of {table.name}", "count(*)", at_least_relative=0.25), "warning",
        "A table that shrinks or swells at once was delivered in part, or twice.",
    )  # fmt: skip
    if table.day_column:
        age = f"date_diff('second', max({table.day_column}), {{started}}) / 3600.0"
        yield Check(
            f"{table.name}.freshness", table.name,
            LearnedMeasure(
                f"hours since the newest {table.day_column}", age, side="upper", at_least_absolute=24.0,
                columns=(table.day_column,),
            ),
            "warning", "A source that stopped sending looks complete until somebody asks how old its newest row is.",
        )  # fmt: skip
