"""SQL of the models page: names for the groups of an audit, and how much each version has scored."""

from dashboards.queries.base import Query

REGION_NAMES = Query("models.region_names", ("dim_regions",), "select region_code, name from dim_regions")

SCORED = Query(
    "models.scored", ("predictions",),
    """
    select model_name, model_version, count(*) as count_orders, max(scored_at) as scored_at
    from predictions group by model_name, model_version
    """,
)  # fmt: skip
