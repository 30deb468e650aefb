"""A challenger's plan beside the champion's: the same open orders, stock and moment, paired by order.

Belongs here: the pairs of two plans as a table. Does not belong here: making plans (`plan`), what is made of the pairs
(ml/jobs/shadow_plans, which says what their columns mean).
"""

import os
from pathlib import Path

import duckdb

from decisions.routing.kept import DECISIONS
from workspace.published import Snapshot

_PAIRS = """
copy (
    select
        c.order_id, coalesce(c.region_code, 'unknown') as region_code, c.plan, o.ordered_at,
        $champion as champion, $challenger as challenger, s.order_id is not null as is_answered,
        c.shipping_amount as cost_before, s.shipping_amount as cost_after,
        c.on_time as on_time_before, s.on_time as on_time_after,
        cast(c.handling = 'automatic' as double) as automatic_before,
        cast(s.handling = 'automatic' as double) as automatic_after
    from read_parquet($decided) as c
    join read_parquet($orders) as o on c.order_id = o.order_id
    left join read_parquet($silent) as s on s.order_id = c.order_id
    where c.status <> 'excluded'
    order by c.order_id
) to '{target}' (format parquet, compression zstd)
"""


def write_pairs(decided: Path, silent: Path, snapshot: Snapshot, versions: tuple[str, str], into: Path) -> None:
    """Write one row an order that the champion did not exclude, whole or not at all.

    Args:
        decided: Folder of the champion's plan.
        silent: Folder of the challenger's.
        snapshot: What both planned from.
        versions: Champion and challenger.
        into: The file.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    unfinished = into.with_name(f".{into.name}.{os.getpid()}")
    values = {"champion": versions[0], "challenger": versions[1], "decided": str(decided / DECISIONS),
              "silent": str(silent / DECISIONS), "orders": str(snapshot.path("fct_orders"))}  # fmt: skip
    with duckdb.connect(":memory:") as connection:
        connection.execute(_PAIRS.format(target=str(unfinished).replace("'", "''")), values)
    unfinished.replace(into)
