"""The vocabulary of suites: what a check is, and the rules that a check can apply. Plain data.

Belongs here: `Check`, `Suite` and the rule types, each able to say itself in a sentence. Does not belong here: which
rules hold for which table (`suites/`), how a rule becomes a Great Expectations object (`translation.py`), or how it is
run (`runner.py`).
"""

import re
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]
CHECK_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


class InvalidSuite(ValueError):
    """A suite breaks a rule of its own vocabulary."""


@dataclass(frozen=True)
class HasRows:
    """The table holds at least `at_least` rows."""

    at_least: int = 1
    columns: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"at least {self.at_least:,} row{'s' if self.at_least != 1 else ''}"


@dataclass(frozen=True)
class HasColumns:
    """The table has all of `names`; more are allowed."""

    names: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"has the columns {', '.join(self.names)}"


@dataclass(frozen=True)
class NotNull:
    """A column is filled, in at least the share `at_least` of rows."""

    column: str
    at_least: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the rule reads."""
        return (self.column,)

    def sentence(self) -> str:
        """What must hold, for a person."""
        share = "always" if self.at_least >= 1 else f"in at least {self.at_least:.1%} of rows"
        return f"{self.column} is filled {share}"


@dataclass(frozen=True)
class InSet:
    """A column, where filled, holds one of `values`."""

    column: str
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the rule reads."""
        return (self.column,)

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"{self.column} is one of {', '.join(self.values)}"


@dataclass(frozen=True)
class Between:
    """A column, where filled, lies between `low` and `high`, both included; None leaves a side open."""

    column: str
    low: float | None = None
    high: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the rule reads."""
        return (self.column,)

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"{self.column} is {_range(self.low, self.high)}"


@dataclass(frozen=True)
class Matches:
    """A column, where filled, matches a regular expression (RE2, as DuckDB reads it) somewhere in its text."""

    column: str
    pattern: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the rule reads."""
        return (self.column,)

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"{self.column} matches {self.pattern}"


@dataclass(frozen=True)
class UniqueKey:
    """No two rows share the values of `columns`."""

    columns: tuple[str, ...]

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"({', '.join(self.columns)}) occurs once"


@dataclass(frozen=True)
class Reference:
    """Every fully filled `columns` exists as `to_columns` in `to_table`."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"({', '.join(self.columns)}) exists in {self.to_table} ({', '.join(self.to_columns)})"


@dataclass(frozen=True)
class RowRule:
    """A SQL condition holds for every row; a condition that is null passes. `columns` are those it reads."""

    condition: str
    columns: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What must hold, for a person."""
        return self.condition


@dataclass(frozen=True)
class FiniteNumbers:
    """No floating-point column of the table, whichever it has, holds NaN or an infinity."""

    columns: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What must hold, for a person."""
        return "no number is NaN or infinite"


@dataclass(frozen=True)
class NoGroup:
    """A query over `{batch}` that selects offending *groups* (a day, a region, a golden record) finds none.

    Its rows are counts and sums, not records of a person: in samples only directly identifying columns are hidden.
    `unit` names one such group; `columns` are those of the checked table that the query reads.
    """

    query: str
    says: str
    columns: tuple[str, ...] = ()
    unit: str = "group"

    def sentence(self) -> str:
        """What must hold, for a person."""
        return self.says


@dataclass(frozen=True)
class Measure:
    """An aggregate expression over the table lies between two fixed bounds. `name` says what is measured."""

    name: str
    expression: str
    low: float | None = None
    high: float | None = None
    columns: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"{self.name} is {_range(self.low, self.high)}"


@dataclass(frozen=True)
class LearnedMeasure:
    """An aggregate expression stays near its own past: median ± `spreads` robust spreads of the last `window` runs.

    Attributes:
        name: What is measured.
        expression: SQL aggregate over the table; `{started}` stands for the run's start as a timestamp literal and
            `{empty_share}` for the mean share of empty cells in a row.
        side: Which departure counts.
        spreads: Allowed distance, in robust standard deviations (1.4826 × median absolute deviation).
        at_least_relative: Smallest allowed distance, as a share of the median, so that a quiet past is no trap.
        at_least_absolute: Smallest allowed distance in the measure's own unit.
        minimum_runs: Fewest past runs from which a bound is drawn.
        window: Most past runs that count.
    """

    name: str
    expression: str
    side: Literal["both", "upper", "lower"] = "both"
    spreads: float = 5.0
    at_least_relative: float = 0.1
    at_least_absolute: float = 0.0
    minimum_runs: int = 5
    window: int = 30
    columns: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What must hold, for a person."""
        return f"{self.name} stays near its past"


Rule = (
    HasRows | HasColumns | NotNull | InSet | Between | Matches | UniqueKey | Reference | RowRule | FiniteNumbers
    | NoGroup | Measure | LearnedMeasure
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One expectation with what surrounds it.

    Attributes:
        id: Stable name, `<table>.<what>`; history is kept under it.
        table: Table that is checked.
        rule: What must hold.
        severity: `error` stops what is downstream, `warning` does not.
        why: One plain sentence: what goes wrong for whom when it does not hold.
        needs: Other tables without whose rows the check has no meaning.
    """

    id: str
    table: str
    rule: Rule
    severity: Severity
    why: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """All checks of one boundary.

    Attributes:
        boundary: Name of the place in the way of the data.
        title: What is checked, for a heading.
        checks: The checks; ids are unique.
        identity: Table → columns that a failing row is named by in samples.
        absent: Table → what is switched off while the table has no rows.
        days: Table → its column of date or time whose day is the table's partition.
    """

    boundary: str
    title: str
    checks: tuple[Check, ...]
    identity: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse ids that are malformed or used twice, since history would mix under them."""
        seen: set[str] = set()
        for check in self.checks:
            if not CHECK_ID.fullmatch(check.id):
                raise InvalidSuite(f"A check's id is <table>.<what> in lower case; got {check.id!r}. Rename it.")
            if check.id in seen:
                raise InvalidSuite(f"A check's id is used once in a suite; {check.id!r} is used twice. Rename one.")
            seen.add(check.id)

    @property
    def tables(self) -> tuple[str, ...]:
        """Checked tables, in order of first appearance."""
        return tuple(dict.fromkeys(check.table for check in self.checks))

    @property
    def read_tables(self) -> tuple[str, ...]:
        """Every table that some check reads."""
        return tuple(dict.fromkeys((*self.tables, *(table for check in self.checks for table in check.needs))))


def quoted(*columns: str) -> str:
    """Column names as a quoted, comma-separated SQL list."""
    return ", ".join('"' + column.replace('"', '""') + '"' for column in columns)


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "recorded"
    if low is None:
        return f"at most {high:,.10g}"
    if high is None:
        return f"at least {low:,.10g}"
    return f"between {low:,.10g} and {high:,.10g}"
