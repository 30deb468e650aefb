"""The data sheet of what a version learned from: origin, composition, gaps, and who is in it.

Belongs here: the data sheet in markdown, after Gebru et al. 2021 (Datasheets for Datasets, Communications of the ACM
64). Does not belong here: the model card (ml/jobs/evidence), the audit of outcomes (ml/jobs/audit).

Every line is counted from the published snapshot, so that the same snapshot gives the same sheet.
"""

from collections.abc import Sequence
from typing import Any

import duckdb

from ml.core.fairness.suppression import SUPPRESS_BELOW
from ml.jobs.catalogue import ModelSpec
from workspace.published import Snapshot

MOST_VALUES = 60


def data_sheet(snapshot: Snapshot, spec: ModelSpec) -> str:
    """The data sheet of the model's table in a snapshot, in markdown."""
    roles = spec.roles
    with snapshot.connect() as connection:
        rows, first, last, known, positive = _one(
            connection,
            f"""
            select count(*), min("{roles.time}"), max("{roles.time}"), count("{roles.target}"),
                count(*) filter ("{roles.target}" = true) from "{spec.table}"
        """,
        )
        columns = [str(row[0]) for row in connection.execute(f'describe "{spec.table}"').fetchall()]
        missing = _one(connection, f"select {', '.join(f'count(*) - count({_quoted(c)})' for c in columns)} "
                                   f'from "{spec.table}"')  # fmt: skip
        shares = [_composition(connection, spec, group, rows) for group in roles.groups if group in columns]
    incomplete = sorted(((n, c) for n, c in zip(missing, columns, strict=True) if n), reverse=True)
    gaps = "\n".join(f"| `{c}` | {n:,} | {n / max(rows, 1):.1%} |" for n, c in incomplete)
    tables = "\n".join(
        f"| `{name}` | {entry['rows']:,} | `{str(entry['sha256'])[:16]}` |" for name, entry in snapshot.tables.items()
    )
    return f"""# Data sheet: {spec.table}

What `{spec.name}` learns from and is judged on.

## Why it exists
{spec.title}. One row an order, as of the moment it was placed; the label is what became of it later.

## What it consists of
- {rows:,} rows from {first:%Y-%m-%d} to {last:%Y-%m-%d} (UTC), {len(columns)} columns.
- Label `{roles.target}`: known for {known:,} rows ({_share(known, rows)}), positive for {positive:,} of them
  ({_share(positive, known)}). The others were open, cancelled, or their delivery was never recorded.
- The rows are orders that were placed; orders that people never placed are not in it.

{chr(10).join(shares)}
## How it was collected
Operational systems landed files; the pipeline resolved customers, products and nodes across them, kept refused rows in
quarantine with a reason, and computed each feature from what was known when the order was placed.

## Tables of the snapshot
Snapshot `{snapshot.version}`, digest `{snapshot.digest}`.

| table | rows | SHA-256, first 16 |
|---|---|---|
{tables}

## What is missing
| column | rows without it | share |
|---|---|---|
{gaps or "| none | 0 | 0.0% |"}

## Sensitive content
Names, addresses, phones and mail addresses are not in this table. {spec.group_use} Groups of fewer than
{SUPPRESS_BELOW} orders are counted together above.

## Use and care
Meant for ranking and warning with a person or a policy deciding. Not meant for judging carriers, persons or regions by
single rows. Rows follow the retention of the landed files; an erasure removes the person from the next snapshot.
"""


def _composition(connection: duckdb.DuckDBPyConnection, spec: ModelSpec, group: str, rows: int) -> str:
    """Rows and known labels by value of a group column; thin values are counted together."""
    found = connection.execute(f"""
        select case when n < {SUPPRESS_BELOW} then 'fewer than {SUPPRESS_BELOW}' else value end as value, sum(n), sum(k)
        from (
            select coalesce(cast({_quoted(group)} as varchar), 'unknown') as value, count(*) as n,
                count("{spec.roles.target}") as k
            from "{spec.table}" group by all
        ) group by all order by 2 desc, 1 limit {MOST_VALUES}
    """).fetchall()
    lines = "\n".join(
        f"| {str(value).replace('|', chr(92) + '|')} | {n:,} | {_share(n, rows)} | {_share(k, n)} |"
        for value, n, k in found
    )
    return f"| {group} | rows | share | label known |\n|---|---|---|---|\n{lines}\n"


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Sequence[Any]:
    return connection.execute(query).fetchall()[0]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
