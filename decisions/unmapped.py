"""Codes that no master record explains, ranked by what they touched: orders, features, predictions, decisions.

Belongs here: counting what used such a code. Does not belong here: finding the codes (dbt_project, `unmapped_uses`),
mapping them (a mapping of the company's own, or a steward's verdict).
"""

from pathlib import Path
from typing import Any

from decisions.routing.kept import DECISIONS, newest_plan
from workspace.published import Snapshot

_ORDER_IDS = "select null::varchar as order_id where false"


def unmapped_codes(snapshot: Snapshot, plans: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """The codes, those with the greatest impact first: decisions, then predictions, orders and stock that used one.

    Args:
        snapshot: The published marts; tables that it lacks count nothing.
        plans: Folder of the routing plans; the newest one is counted.
        limit: Most codes given.

    Returns:
        `entity`, `source_system`, `code`, `count_orders`, `count_uses` (orders, lines and parcels), `count_stock_rows`,
        `count_feature_rows`, `count_predictions`, `count_decisions`.
    """
    if not {"unmapped_codes", "unmapped_uses"} <= set(snapshot.tables):
        return []
    plan = newest_plan(plans)
    predicted = "select order_id from predictions" if "predictions" in snapshot.tables else _ORDER_IDS
    decided = "select order_id from read_parquet($decisions)" if plan else _ORDER_IDS
    values: dict[str, Any] = {"decisions": str(plan.folder / DECISIONS)} if plan else {}
    with snapshot.connect() as connection:
        found = connection.execute(
            f"""
            with predicted as (select order_id, count(*) as predictions from ({predicted}) group by order_id),
            decided as (select order_id, count(*) as decisions from ({decided}) group by order_id),
            touched as (
                select entity, source_system, code, sum(predictions) as predictions, sum(decisions) as decisions
                from unmapped_uses left join predicted using (order_id) left join decided using (order_id)
                group by all
            )
            select
                codes.*, coalesce(predictions, 0)::bigint as count_predictions,
                coalesce(decisions, 0)::bigint as count_decisions
            from unmapped_codes as codes left join touched using (entity, source_system, code)
            order by
                count_decisions desc, count_predictions desc, count_orders desc, count_stock_rows desc, entity,
                source_system, code
            limit {"all" if limit is None else int(limit)}
            """, values,
        )  # fmt: skip
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
