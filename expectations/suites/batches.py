"""Checks that every batch of predictions must pass, whatever it predicts.

Belongs here: checks that two suites or more share. Does not belong here: what holds of one kind of prediction only.
"""

from collections.abc import Iterator, Sequence

from expectations.checks import Check, NoGroup, NotNull

_VERSIONS = (
    "select model_name, count(distinct model_version) as count_versions from {batch} "
    "group by all having count(distinct model_version) > 1"
)


def filled(table: str, columns: Sequence[str], why: str) -> Iterator[Check]:
    """Each of these columns has a value in every row."""
    for column in columns:
        yield Check(f"{table}.{column}.filled", table, NotNull(column), "error", why)


def one_version(table: str) -> Check:
    """Each model speaks with one version in a batch."""
    return Check(
        f"{table}.one_version", table,
        NoGroup(_VERSIONS, "each model speaks with one version", ("model_name", "model_version"), "model"), "error",
        "A batch of two versions cannot be attributed to either.",
    )  # fmt: skip
