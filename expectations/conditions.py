"""Rules over single rows as SQL: the condition under which a row breaks the rule.

Belongs here: those conditions, for whoever counts or shows such rows. Does not belong here: Great Expectations
(`translation.py`), or rules over a whole table.
"""

from expectations.checks import Between, InSet, Matches, NotNull, Reference, RowRule, Rule, quoted


def breaks(rule: Rule) -> str | None:
    """SQL that is true of the rows which break a rule; None for a rule that no single row can break."""
    match rule:
        case NotNull(column=column):
            return f"{quoted(column)} is null"
        case InSet(column=column, values=values):
            return f"{quoted(column)} not in ({', '.join(map(literal, values))})"
        case Between(column=column, low=low, high=high):
            sides = [f"{quoted(column)} < {low!r}"] if low is not None else []
            sides += [f"{quoted(column)} > {high!r}"] if high is not None else []
            return " or ".join(sides) or "false"
        case Matches(column=column, pattern=pattern):
            return f"not regexp_matches({quoted(column)}, {literal(pattern)})"
        case RowRule(condition=condition):
            return f"not ({condition})"
        case Reference(columns=key, to_table=table, to_columns=target):
            filled = " and ".join(f"{quoted(c)} is not null" for c in key)
            known = " and ".join(f"{quoted(c)} is not null" for c in target)
            there = f"select {quoted(*target)} from {quoted(table)} where {known}"
            return f"{filled} and ({quoted(*key)}) not in ({there})"
    return None


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
