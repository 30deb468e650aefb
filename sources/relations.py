"""Checks that need more than one row: duplicates within a batch, rows that the SELECT lost, unknown codes.

Belongs here: those checks, each only as dear as what it finds. Does not belong here: checks of one row (checks).

All work on `checked`, the table of one contract table's judged rows (see `sources.checks.checked_select`).
"""

from collections.abc import Sequence

import duckdb

from sources.contracts import Reference, Table
from sources.manifest import AdapterError
from sources.raw import literal, quoted
from sources.record import Warned

_SAMPLES = 5


def quarantine_unmapped(
    connection: duckdb.DuckDBPyConnection, table: Table, inputs: Sequence[str], only: Sequence[str] | None
) -> None:
    """Add the raw rows that the SELECT made no row of, as refused ones.

    Args:
        connection: The landing's database.
        table: The contract's table.
        inputs: Inputs of which every row becomes exactly one row.
        only: Files looked at; None for all.

    Raises:
        AdapterError: the SELECT made several rows of one, or rows of none.
    """
    chosen = "" if only is None else f" where _source_file in ({', '.join(map(literal, only))})"
    places = " union all ".join(f"select _source_file, _source_row from {quoted(name)}{chosen}" for name in inputs)
    # Two sets of places are equal when count and sum of hashes agree, which costs one pass instead of a join.
    digest = "select _source_file, count(*) as n, sum(hash(_source_row)) as h from ({}) group by 1"
    expected = set(connection.execute(digest.format(places)).fetchall())
    if expected == set(connection.execute(digest.format("from checked")).fetchall()):
        return
    connection.execute(f"create temp table places as {places}")
    odd = connection.execute(
        "select _source_file, _source_row, count(*) from checked group by all having count(*) > 1 "
        "union all select _source_file, _source_row, 0 from checked anti join places using (_source_file, _source_row) "
        "order by 1, 2 limit 1"
    ).fetchone()
    if odd:
        made = (
            f"{odd[2]} rows of {odd[0]}, line {odd[1]}"
            if odd[2]
            else f"a row of {odd[0]}, line {odd[1]}, which is not there"
        )
        raise AdapterError(
            f"{table.name}.sql: the manifest says that each row of {', '.join(inputs)} becomes exactly one row, but "
            f"the SELECT made {made}. Join on a unique key, or declare the table `derived_from`."
        )
    connection.execute(
        "insert into checked by name select _source_file, _source_row, ['not_mapped'] as _reasons "
        "from places anti join checked using (_source_file, _source_row)"
    )
    connection.execute("drop table places")


def quarantine_duplicates(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Of good rows with one key keep the newest (`updated_at`, then the later row), and refuse the others by kind."""
    key = ", ".join(map(quoted, table.key))
    connection.execute(
        f"create temp table repeated as select hash({key}) as h from checked where _reasons is null "
        f"group by h having count(*) > 1"
    )
    if connection.execute("select 1 from repeated limit 1").fetchone():
        content = ", ".join(quoted(c.name) for c in table.columns)
        texts = ", ".join(f"{quoted(c.name)} := {quoted(c.name)}" for c in table.columns)
        has_time = any(c.name == "updated_at" for c in table.columns)
        updated = "updated_at" if has_time else "null::timestamp"
        connection.execute(f"""
            create temp table refused as
            with rivals as (
                select rowid as id, row({content}) as content, {updated} as updated,
                    row_number() over newest as place,
                    first_value(row({content})) over newest as kept,
                    first_value({updated}) over newest as kept_updated
                from checked where _reasons is null and hash({key}) in (select h from repeated)
                window newest as (partition by {key}
                                  order by {updated} desc nulls last, _source_file desc, _source_row desc)
            )
            select id, case when content is not distinct from kept then 'duplicate_identical'
                            when updated < kept_updated then 'duplicate_superseded'
                            else 'duplicate_conflicting' end as reason
            from rivals where place > 1""")
        connection.execute(
            f"update checked set _reasons = [reason], _values = cast(to_json(struct_pack({texts})) as varchar) "
            f"from refused where checked.rowid = refused.id"
        )
        connection.execute("drop table refused")
    connection.execute("drop table repeated")


def count_warnings(
    connection: duckdb.DuckDBPyConnection, table: Table, known: dict[str, list[str]]
) -> dict[str, Warned]:
    """Good rows by warning: rules of severity warning, lost decimals, unknown codes.

    Args:
        connection: The landing's database.
        table: The contract's table.
        known: Table → relations with its rows, nearest first: those of this batch, then those landed before.
    """
    found: dict[str, Warned] = {}
    for rule in table.rules:
        if rule.severity == "warning":
            found[f"rule:{rule.name}"] = _warned(connection, f"({rule.predicate}) is false")
    if connection.execute("select 1 from checked where _rounded is not null limit 1").fetchone():
        for column in table.columns:
            found[f"rounded:{column.name}"] = _warned(connection, f"list_contains(_rounded, {literal(column.name)})")
    for column in table.columns:
        if column.reference and column.reference.severity == "warning":
            relations = known.get(column.reference.table, [])
            found[f"unknown_code:{column.name}"] = _unknown_codes(connection, column.name, column.reference, relations)
    return {reason: warned for reason, warned in found.items() if warned.count}


def _unknown_codes(
    connection: duckdb.DuckDBPyConnection, column: str, reference: Reference, relations: Sequence[str]
) -> Warned:  # fmt: skip
    """Rows whose code no relation knows; each relation is asked only for codes that the ones before did not know."""
    if not relations:
        return _warned(connection, f"{quoted(column)} is not null")
    connection.execute(
        f"create temp table asked as select distinct {quoted(reference.scope)} as scope, {quoted(column)} as code "
        f"from checked where _reasons is null and {quoted(column)} is not null"
    )
    for relation in relations:
        if not connection.execute("select 1 from asked limit 1").fetchone():
            break  # every landed file of the table would be opened for nothing
        there = f"select source_system as scope, {quoted(reference.column)} as code from {relation}"
        connection.execute(
            f"create temp table unanswered as select asked.* from asked anti join ({there}) as t using (scope, code)"
        )
        connection.execute("drop table asked")
        connection.execute("alter table unanswered rename to asked")
    pair = f"({quoted(reference.scope)}, {quoted(column)})"
    condition = f"{pair} in (select (scope, code) from asked)"
    is_any = connection.execute("select 1 from asked limit 1").fetchone()
    warned = _warned(connection, condition) if is_any else Warned(0)
    connection.execute("drop table asked")
    return warned


def _warned(connection: duckdb.DuckDBPyConnection, condition: str) -> Warned:
    where = f"from checked where _reasons is null and {condition}"
    count = (connection.execute(f"select count(*) {where}").fetchone() or (0,))[0]
    if not count:
        return Warned(0)
    place = "_source_file || ':' || _source_row"
    query = f"select {place} {where} order by _source_file, _source_row limit {_SAMPLES}"
    return Warned(count, tuple(row[0] for row in connection.execute(query).fetchall()))
