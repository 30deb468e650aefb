"""From a rule to a Great Expectations expectation, with our own expectation classes where GX has none for DuckDB.

Belongs here: the custom expectations and the translation. Does not belong here: which rules apply where (`suites/`).
Importing this module imports Great Expectations (2.5 s), so only functions that validate import it.

`UnexpectedRowsExpectation` formats its query with `str.format` and hands it to `sqlalchemy.text`, hence `escaped`.
"""

import re
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from sqlalchemy import literal_column

from expectations.checks import (
    Between,
    Check,
    HasColumns,
    HasRows,
    InSet,
    Matches,
    Measure,
    NoGroup,
    NotNull,
    Reference,
    RowRule,
    UniqueKey,
    quoted,
)  # fmt: skip
from expectations.conditions import breaks

SAMPLE_ROWS = 5
GX_SEVERITY = {"error": "critical", "warning": "warning"}
_BIND_LIKE = re.compile(r"(?<![:\w\\]):(?=\w)")


class RowsBreaking(TableMetricProvider):
    """How many rows satisfy `condition`: an aggregate, so that GX computes those of a table together in one pass."""

    metric_name = "rows.breaking"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        count: Any = literal_column(f"count(*) filter (where {metric_value_kwargs['condition']})")
        return count, metric_domain_kwargs, {}


class _ExpectNoRows(gxe.UnexpectedRowsExpectation):
    """Base of ours: counts the offending rows in the database, and brings a sample of them only when asked to.

    Attributes:
        brings_rows: Whether a sample is wanted.
        condition: True of an offending row, where a row offends by itself.
    """

    brings_rows: bool = False
    condition: str | None = None

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: Any = None) -> Any:
        """What GX must compute: the count, and the rows when they are wanted.

        Count and rows by query cost a pass over the table each; a count by condition shares one with the others.
        """
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        if self.brings_rows:
            return dependencies
        query = dependencies.metric_configurations["unexpected_rows_query.row_count"]
        dependencies.remove_metric_configuration("unexpected_rows_query.table")
        if self.condition is not None:
            dependencies.remove_metric_configuration("unexpected_rows_query.row_count")
            asked = MetricConfiguration("rows.breaking", query.metric_domain_kwargs, {"condition": self.condition})
            dependencies.set_metric_configuration("rows.breaking", asked)
        return dependencies

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics.get("rows.breaking", metrics.get("unexpected_rows_query.row_count"))
        rows = metrics.get("unexpected_rows_query.table", [])[:SAMPLE_ROWS]
        return {
            "success": count == 0,
            "result": {"observed_value": count, "unexpected_count": count, "details": {"unexpected_rows": rows}},
        }


class ExpectRowsToSatisfyRule(_ExpectNoRows):
    """Every row satisfies a SQL condition; a null condition passes."""


class ExpectColumnToMatchRe2(_ExpectNoRows):
    """Every filled value matches a regular expression; GX's own regex expectations do not support DuckDB."""


class ExpectKeyToOccurOnce(_ExpectNoRows):
    """A key occurs once. One hash aggregation, where GX's compound-unique expectation joins the table to itself."""


class ExpectReferenceToExist(_ExpectNoRows):
    """Every filled reference exists in another table."""


class ExpectNoOffendingGroup(_ExpectNoRows):
    """A query for offending groups, relations between tables or broken accounts finds none."""


class ExpectMeasureToBeWithin(gxe.UnexpectedRowsExpectation):
    """An aggregate lies within bounds; the value is reported also when it does, so that history can learn from it."""

    low: float | None = None
    high: float | None = None

    metric_dependencies = ("unexpected_rows_query.table",)
    success_keys = ("unexpected_rows_query", "low", "high")

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        value = metrics["unexpected_rows_query.table"][0]["value"]
        number = None if value is None else float(value)
        return {"success": within(number, self.low, self.high), "result": {"observed_value": number}}


def within(value: float | None, low: float | None, high: float | None) -> bool:
    """Whether a measured value respects its bounds; a value that could not be measured only passes open bounds."""
    if value is None or value != value:
        return low is None and high is None
    return (low is None or value >= low) and (high is None or value <= high)


def escaped(sql: str) -> str:
    """SQL that survives `str.format` and `sqlalchemy.text` unchanged, whatever its regular expressions hold."""
    return _BIND_LIKE.sub(r"\\:", sql.replace("{", "{{").replace("}", "}}"))


def expectation_for(check: Check, shown: tuple[str, ...], brings_rows: bool = False) -> Any:
    """The Great Expectations object for a check whose learned bounds have been settled.

    Args:
        check: The check; its id travels in the expectation's `meta`.
        shown: Columns of the checked table that a failing row is shown with.
        brings_rows: Whether a sample of the failing rows is wanted.
    """
    common = {"meta": {"id": check.id}, "severity": GX_SEVERITY[check.severity], "description": check.why}
    match check.rule:
        case HasRows(at_least=at_least):
            return gxe.ExpectTableRowCountToBeBetween(min_value=at_least, **common)
        case HasColumns(names=names):
            return gxe.ExpectTableColumnsToMatchSet(column_set=list(names), exact_match=False, **common)
        case NotNull(column=column, at_least=at_least):
            return gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=at_least, **common)
        case InSet(column=column, values=values):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **common)
        case Between(column=column, low=low, high=high):
            return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **common)
        case Measure(low=low, high=high):
            return ExpectMeasureToBeWithin(unexpected_rows_query=_query(check, shown), low=low, high=high, **common)
        case _:
            own = _OWN[type(check.rule)]
            condition = breaks(check.rule)
            return own(
                unexpected_rows_query=_query(check, shown), brings_rows=brings_rows, condition=condition, **common
            )


def _query(check: Check, shown: tuple[str, ...]) -> str:
    columns = quoted(*dict.fromkeys((*shown, *check.rule.columns))) or "*"
    match check.rule:
        case RowRule() | Matches() | Reference():
            return f"select {columns} from {{batch}} where {escaped(str(breaks(check.rule)))}"
        case UniqueKey(columns=key):
            # Hashes first: grouping by one number is far cheaper than by texts, and few rows or none are left.
            repeated = f"select hash({quoted(*key)}) from {{batch}} group by 1 having count(*) > 1"
            return (
                f"select {quoted(*key)}, count(*) as count_rows from {{batch}} "
                f"where hash({quoted(*key)}) in ({repeated}) group by all having count(*) > 1"
            )
        case NoGroup(query=query):
            return query
        case Measure(expression=expression):
            return f"select {escaped(expression)} as value from {{batch}}"
    raise TypeError(f"No translation is defined for rule {check.rule!r}; add it to expectations/translation.py.")


_OWN: dict[type, type] = {
    RowRule: ExpectRowsToSatisfyRule,
    Matches: ExpectColumnToMatchRe2,
    UniqueKey: ExpectKeyToOccurOnce,
    Reference: ExpectReferenceToExist,
    NoGroup: ExpectNoOffendingGroup,
}
