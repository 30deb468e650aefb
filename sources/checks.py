"""The landing contract as one SELECT a table: cast every value, and give every reason to refuse the row.

Belongs here: the SQL of casts, checks and row rules, and what each reason means. Does not belong here: checks between
rows or tables other than regions (relations), and where rows go (landing).

The reasons and the mapped values are built only for rows that break something, so that good rows cost their casts and
one boolean.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sources.contracts import Column, Table
from sources.raw import literal, quoted

#: Columns of a checked table beside the contract's own.
PLACE = ("_source_file", "_source_row")
_EARLIEST, _LATEST = "1900-01-01", "2200-01-01"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")

_MEANINGS = {
    "required": "is empty, but required",
    "type": "cannot be read as {type}",
    "range": "lies outside {range}",
    "pattern": "does not match {pattern}",
    "enum": "is not one of {allowed}",
    "reference": "is not a known {reference}",
    "unknown_code": "refers to no known {reference}",
    "rounded": "has more decimals than {type} keeps",
}
_REMEDIES = {
    "required": "Fill it in the source, or map another column to it.",
    "type": "Correct the value, or convert it in the adapter's SQL.",
    "range": "Correct the value or its unit.",
    "pattern": "Correct the value, or convert it in the adapter's SQL.",
    "enum": "Correct the value, or map it in the adapter's SQL.",
    "reference": "Add the region to the regions table, or correct the code.",
    "unknown_code": "Land the record that it refers to, or correct the code.",
    "rounded": "Round in the source if the difference matters.",
}
_WHOLE_ROW = {
    "duplicate_identical": ("The same record came twice.", "Nothing is lost; find out why the source repeats it."),
    "duplicate_superseded": ("A newer record of this key came in the same batch.", "Nothing to do."),
    "duplicate_conflicting": ("The same key came with other values; the later row was kept.",
                              "Find out which is right; give `updated_at` so that the newer one is known."),
    "not_mapped": ("The adapter's SELECT made no row of it.", "Drop the filter, or turn the join into a left join."),
    "malformed:too_many_fields": ("More fields than the header.", "Quote the field that holds the delimiter."),
    "malformed:too_few_fields": ("Fewer fields than the header.", "Repair the line in the source."),
    "malformed:stray_quote": ("A quote stands inside a quoted field.", "Double quotes inside quoted fields."),
    "malformed:field_too_large": ("A field is longer than 16 MiB.", "Look for a quote that is not closed."),
    "malformed:nul_byte": ("The line holds NUL bytes.", "Export it again; the file was damaged or is UTF-16."),
    "malformed:json": ("The line is not JSON.", "Write one JSON object a line."),
    "malformed:not_an_object": ("The line is JSON, but no object.", "Write one JSON object a line."),
}  # fmt: skip


@dataclass(frozen=True)
class _Check:
    reason: str
    condition: str


def checked_select(table: Table, mapped: str, given: Collection[str], regions: str | None) -> str:
    """The SELECT that casts and judges the rows of an adapter's SELECT.

    Args:
        table: The contract's table.
        mapped: The adapter's SELECT.
        given: Columns that it gives.
        regions: Relation with the known `region_code`s; None when the company has no regions.

    Returns:
        A SELECT with the contract's columns typed, `_source_file`, `_source_row`, `_reasons` (null for a good row),
        `_values` (JSON of the mapped text, only for refused rows) and `_rounded` (columns that lost decimals, or null).
    """
    present = [c for c in table.columns if c.name in given]
    texts = ", ".join(f"{_text_of(quoted(c.name))} as {_t(c)}" for c in present)
    references = [c for c in present if regions and c.reference and c.reference.severity == "error"]
    known = "".join(
        f", {_t(c)} is null or {_t(c)} in (select region_code from {regions}) as {quoted('k:' + c.name)}"
        for c in references
    )
    casts = ", ".join(_cast(c) if c.name in given else f"null::{c.type} as {quoted(c.name)}" for c in table.columns)
    checks = [check for c in table.columns for check in _checks(c, c.name in given)]
    checks += [_Check(f"reference:{c.name}", f"not {quoted('k:' + c.name)}") for c in references]
    checks += [_Check(f"rule:{r.name}", f"({r.predicate}) is false") for r in table.rules if r.severity == "error"]
    rounded = [_Check(c.name, _loses_decimals(c)) for c in present if c.type.startswith("DECIMAL")]
    columns = ", ".join(quoted(c.name) for c in table.columns)
    values = ", ".join(f"{quoted(c.name)} := {_t(c)}" for c in present)
    return f"""
        with mapped as ({mapped}),
        texts as (select {texts}, _source_file, _source_row from mapped),
        typed as (select *, {casts}{known} from texts),
        judged as (select *, coalesce({_any(checks)}, false) as _is_bad, coalesce({_any(rounded)}, false) as _is_rounded
                   from typed)
        select {columns}, cast(_source_file as varchar) as _source_file, cast(_source_row as bigint) as _source_row,
            case when _is_bad then {_list(checks)} end as _reasons,
            case when _is_bad then cast(to_json(struct_pack({values})) as varchar) end as _values,
            case when _is_rounded then {_list(rounded)} end as _rounded
        from judged"""


def explain(table: Table | None, reason: str, value: str | None = None) -> str:
    """A reason in words: column, rule, value and remedy."""
    if reason in _WHOLE_ROW:
        return " ".join(_WHOLE_ROW[reason])
    kind, _, subject = reason.partition(":")
    if table is None:
        return reason
    if kind == "rule":
        rule = next(r for r in table.rules if r.name == subject)
        return f"Rule {rule.name} does not hold: {rule.predicate}. {rule.remedy}"
    column = table.column(subject)
    met = "" if value is None else f" {value!r}"
    return f"{subject}{met} {_MEANINGS[kind].format_map(_facts(column))}. {_REMEDIES[kind]}"


def _facts(column: Column) -> Mapping[str, str]:
    low = "-∞" if column.minimum is None else f"{column.minimum:g}"
    high = "∞" if column.maximum is None else f"{column.maximum:g}"
    reference = f"{column.reference.table}.{column.reference.column}" if column.reference else ""
    return {"type": column.type, "range": f"{low} to {high}", "pattern": column.pattern or "",
            "allowed": ", ".join(column.allowed), "reference": reference}  # fmt: skip


def _checks(column: Column, is_given: bool) -> list[_Check]:
    name, text, value = column.name, _t(column), quoted(column.name)
    if not is_given:
        return [_Check(f"required:{name}", "true")] if column.required else []
    checks = [_Check(f"required:{name}", f"{text} is null")] if column.required else []
    if column.type != "VARCHAR":
        checks.append(_Check(f"type:{name}", f"{text} is not null and {value} is null"))
    limits = [f"{value} < {column.minimum!r}"] if column.minimum is not None else []
    limits += [f"{value} > {column.maximum!r}"] if column.maximum is not None else []
    limits += [f"not isfinite({value})"] if column.type == "DOUBLE" else []
    if limits:
        checks.append(_Check(f"range:{name}", " or ".join(limits)))
    if column.pattern:
        checks.append(_Check(f"pattern:{name}", f"not regexp_matches({text}, {literal(column.pattern)})"))
    if column.allowed:
        checks.append(_Check(f"enum:{name}", f"{text} not in ({', '.join(map(literal, column.allowed))})"))
    return checks


def _t(column: Column) -> str:
    return quoted("t:" + column.name)


def _text_of(name: str) -> str:
    """Text as the SELECT gives it; blank is null."""
    text = f"cast({name} as varchar)"
    # What begins above the blank is not blank: a comparison of prefixes, far cheaper than trimming every value.
    return f"case when {text} >= '!' then {text} when trim({text}, E' \\t\\r\\n') <> '' then {text} end"


def _cast(column: Column) -> str:
    text, name = _t(column), quoted(column.name)
    if column.type == "VARCHAR":
        return f"{text} as {name}"
    if column.type == "TIMESTAMP":
        return f"{_timestamp(text)} as {name}"
    if column.type == "DATE":
        return f"case when try_cast({text} as date) >= '{_EARLIEST}' and try_cast({text} as date) < '{_LATEST}' " \
               f"and regexp_matches({text}, '^\\s*\\d{{4}}-\\d\\d-\\d\\d([ T]00:00(:00(\\.0+)?)?)?\\s*$') " \
               f"then try_cast({text} as date) end as {name}"  # fmt: skip
    if column.type in _INTEGERS:
        # DuckDB would round '1.5' to 2 and read '1_000' and '0x1F'.
        return f"case when regexp_matches({text}, '^\\s*[+-]?\\d+(\\.0*)?\\s*$') " \
               f"then try_cast({text} as {column.type}) end as {name}"  # fmt: skip
    if column.type == "BOOLEAN":
        return f"try_cast({text} as boolean) as {name}"
    if re.match(r"DECIMAL|DOUBLE", column.type):
        return f"case when not contains({text}, '_') then try_cast({text} as {column.type}) end as {name}"
    raise ValueError(f"The contract's column {column.name} has the type {column.type}, which landing cannot cast.")


def _timestamp(text: str) -> str:
    """A cast to a UTC timestamp that honours an offset, which DuckDB's cast to TIMESTAMP drops."""
    plain = f"length({text}) = 10 or (length({text}) = 19 and {text}[17] = ':')"
    # DuckDB reads an offset only right behind the seconds.
    joined = f"regexp_replace({text}, '\\s+([+-]\\d\\d)', '\\1')"
    whole = f"regexp_replace({joined}, '^(\\s*\\d+-\\d+-\\d+[T ]\\d+:\\d+)(Z|UTC|[+-]\\d\\d.*)$', '\\1:00\\2')"
    # TRY: of the last second that it knows, the cast raises an error all the same.
    value = f"case when {plain} then try_cast({text} as timestamp) " \
            f"else try(timezone('UTC', try_cast({whole} as timestamptz))) end"  # fmt: skip
    return f"case when {value} >= '{_EARLIEST}' and {value} < '{_LATEST}' then {value} end"


def _loses_decimals(column: Column) -> str:
    # Half a millionth forgives the noise of binary fractions, such as 12.340000000000002.
    return f"abs(try_cast({_t(column)} as double) - cast({quoted(column.name)} as double)) > 0.0000005"


def _any(checks: Collection[_Check]) -> str:
    return " or ".join(f"({c.condition})" for c in checks) or "false"


def _list(checks: Collection[_Check]) -> str:
    cases = ", ".join(f"case when {c.condition} then {literal(c.reason)} end" for c in checks)
    return f"list_filter([{cases}]::varchar[], lambda r: r is not null)"
