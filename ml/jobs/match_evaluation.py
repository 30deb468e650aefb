"""How well matching does on somebody's own tables, and a matcher taught by their labelled pairs.

Belongs here: from files to links, a verdict against a truth, a taught matcher. Does not belong here: matching
(products, match), how it is shown (orchestration/cli).
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from ml.core.matching.agreement import Agreement, agreement, ordered, over_thresholds
from ml.core.matching.columns import Aliases, recognised
from ml.core.matching.model import BY_WORDS, SplinkEntity
from ml.core.matching.products.matcher import SEED, Matcher
from ml.core.matching.products.records import PRODUCT_ALIASES
from ml.core.matching.records import NothingToCompare
from ml.io.match_tables import Pairs, UnreadableTable, read_pairs, read_table
from ml.jobs.match import Matched, match_table
from ml.jobs.products import Lesson, ProductMatches, ProductTable, match_products, product_table, teach
from workspace.settings import Settings

#: Columns that say nothing of who or what a record is.
NO_EVIDENCE = ("record_id", "source_system")
#: Rivals of a true pair that are taught as others: more of them teach nothing new, and take long.
MOST_RIVALS = 20


@dataclass(frozen=True)
class Evaluation:
    """What matching found in somebody's tables, and how it agrees with the truth, where one was given.

    Attributes:
        found: Pairs, clusters, thresholds.
        taught_by: `labels`, `codes`, `nobody`, or `table`: the table's own agreements, without any label.
        count_taught: Pairs that taught the matcher, where they were counted.
        links: `left_id`, `right_id`, `probability`, `rule` of the linked pairs, likeliest first.
        columns: Canonical columns that were recognised in both tables.
        chosen: At the chosen threshold; None without a truth.
        curve: Over thresholds.
        count_unknown: Pairs of the truth that name a record which is not there; they are left out.
        notes: What the tables lack, where that keeps pairs from being linked.
    """

    found: ProductMatches | Matched
    taught_by: str
    count_taught: int
    links: pl.DataFrame
    columns: tuple[str, ...]
    chosen: Agreement | None
    curve: tuple[Agreement, ...]
    count_unknown: int
    notes: tuple[str, ...] = ()


def evaluate_products(
    left: Path, right: Path | None, pairs: Path | None, columns: Mapping[str, str], matcher: Matcher | None = None,
    floor: float | None = None,
) -> Evaluation:  # fmt: skip
    """Match a product table, or link two, and compare with true pairs.

    Args:
        left: Table.
        right: Second table; None: duplicates within the first are looked for.
        pairs: True pairs of record ids.
        columns: Canonical column → the tables' own.
        matcher: One taught by people.
        floor: Least expected precision of the links; None: where expected F1 is greatest.
    """
    table, other = _tables(left, right, columns, PRODUCT_ALIASES)
    with _told_of_columns(left, right, PRODUCT_ALIASES):
        found = match_products(table, other, matcher, floor)
    used = found.matcher
    count_taught = used.count_same + used.count_other if used.taught_by == "labels" else used.count_same
    free = found.pairs.filter(~pl.col("is_doubtful"))
    result = _judged(found, free, used.taught_by, count_taught, table, other, pairs)
    return replace(result, notes=_unlinked(result, PRODUCT_ALIASES))


def evaluate_records(
    entity: SplinkEntity, left: Path, right: Path | None, pairs: Path | None, columns: Mapping[str, str],
    settings: Settings, floor: float | None = None,
) -> Evaluation:  # fmt: skip
    """Match a table of customers or warehouses, or link two, and compare with true pairs.

    Args:
        entity: What the records are of.
        left: Table.
        right: Second table; None: duplicates within the first are looked for.
        pairs: True pairs of record ids.
        columns: Canonical column → the tables' own.
        settings: For the scratch database.
        floor: Least expected precision of the links; None: where expected F1 is greatest.
    """
    table, other = _tables(left, right, columns, entity.aliases)
    with _told_of_columns(left, right, entity.aliases):
        found = match_table(entity, table, settings, other, floor)
    result = _judged(found, found.pairs, "table", 0, table, other, pairs)
    return replace(result, notes=(*_namesakes(result, entity), *_unlinked(result, entity.aliases)))


def _namesakes(result: Evaluation, entity: SplinkEntity) -> tuple[str, ...]:
    """What a table that knows people by their names alone cannot say."""
    if not isinstance(result.found, Matched) or BY_WORDS not in result.found.model:
        return ()
    known = ", ".join(column for column in result.columns if column not in NO_EVIDENCE)
    return (
        f"Known of a record: {known}. That does not tell one person twice from two namesakes. Equal names are linked "
        f"where their words are too rare to meet by chance; others are left to a person. To tell namesakes apart, add "
        f"or map one of {', '.join(entity.telling)}.",
    )  # fmt: skip


def _unlinked(result: Evaluation, aliases: Aliases) -> tuple[str, ...]:
    """Why no pair at all was linked, and what might help."""
    if result.links.height:
        return ()
    pairs, missing = result.found.pairs, [name for name in aliases if name not in (*result.columns, *NO_EVIDENCE)]
    reason = "no two records share a rare enough value of what was compared to be candidates"
    if pairs.height:
        likeliest = float(pairs["probability"].to_numpy().max())
        reason = (
            f"the likeliest of {pairs.height:,} candidate pairs has probability {likeliest:.2g}, and linking needs "
            f"{result.found.zones.link_at:.3g}"
        )
    lacking = f" Not found: {', '.join(missing)}; map yours with --columns ours=theirs." if missing else ""
    return (f"Nothing is linked: {reason}.{lacking}",)


def _judged(
    found: ProductMatches | Matched, free: pl.DataFrame, taught_by: str, count_taught: int, table: pl.DataFrame,
    other: pl.DataFrame | None, pairs: Path | None,
) -> Evaluation:  # fmt: skip
    """What was found beside the truth; `free` are the pairs that a threshold alone decides about."""
    linked = found.pairs.filter(pl.col("zone") == "linked").sort("probability", descending=True)
    links = linked.select("probability", "rule", left_id="left_record", right_id="right_record")
    links = links.select("left_id", "right_id", "probability", "rule")
    used = tuple(column for column in table.columns if other is None or column in other.columns)
    if pairs is None:
        return Evaluation(found, taught_by, count_taught, links, used, None, (), 0)
    true, count_unknown = _known(read_pairs(pairs).true, table, other, pairs)
    together = _together(found.clusters) if other is None else list(links.select("left_id", "right_id").iter_rows())
    chosen = agreement(together, true, found.zones.link_at, is_linking=other is not None)
    curve = tuple(_curve(free, true, other is not None))
    return Evaluation(found, taught_by, count_taught, links, used, chosen, curve, count_unknown)


def teach_products(left: Path, right: Path | None, pairs: Path, columns: Mapping[str, str]) -> Lesson:
    """Teach a matcher by labelled pairs of record ids.

    Where the file lists only true pairs, the other candidates of their records are taken for not the same.
    """
    table, other = _tables(left, right, columns, PRODUCT_ALIASES)
    given = read_pairs(pairs)
    _known(given.true, table, other, pairs)
    products = product_table(table, other)
    labelled = _positions(products, table.height, given, right is not None)
    if given.same is None:
        labelled = _with_rivals(products, labelled)
    return teach(products, *(labelled[column].to_numpy() for column in ("left", "right", "same")))


def _tables(
    left: Path, right: Path | None, columns: Mapping[str, str], aliases: Aliases
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Both tables under our names; a mapping may be of a column that only one of them has."""
    raw = [(path, read_table(path)) for path in (left, right) if path is not None]
    everywhere = {own for _, table in raw for own in table.columns}
    tables = []
    for path, table in raw:
        given = {name: own for name, own in columns.items() if own in table.columns or own not in everywhere}
        tables.append(recognised(table, aliases, given, path.name))
    return tables[0], tables[1] if right is not None else None


@contextmanager
def _told_of_columns(left: Path, right: Path | None, aliases: Aliases) -> Iterator[None]:
    """Where nothing can be compared, the error tells the files' own columns, and ours that they can be mapped to."""
    try:
        yield
    except NothingToCompare as error:
        files = [f"{path.name} has {', '.join(read_table(path).columns)}" for path in (left, right) if path is not None]
        raise NothingToCompare(f"{error} {'; '.join(files)}. Ours are {', '.join(aliases)}.") from error


def _known(
    pairs: list[tuple[str, str]], table: pl.DataFrame, other: pl.DataFrame | None, path: Path
) -> tuple[list[tuple[str, str]], int]:
    """Pairs whose records are there, by the tables' own ids, and the number of those left out.

    Ids may have blanks around them or be written as `7.0`. Where no pair is known, the columns are turned round.
    """
    first = {_plain_id(record): str(record) for record in table["record_id"]}
    second = first if other is None else {_plain_id(record): str(record) for record in other["record_id"]}
    plain = [(_plain_id(a), _plain_id(b)) for a, b in pairs]
    turned = [(b, a) for a, b in plain]
    known = [
        found
        for way in (plain, turned)
        if (found := [(first[a], second[b]) for a, b in way
                      if a in first and b in second and (other is not None or a != b)])
    ]  # fmt: skip
    if pairs and not known:
        raise UnreadableTable(
            f"{path.name} names pairs such as {pairs[0]}, and no record has these ids; the tables' ids are such as "
            f"{sorted(first.values())[:2]}. Give the id column with --columns record_id=…"
        )
    return (known[0], len(pairs) - len(known[0])) if known else ([], 0)


def _plain_id(record: str) -> str:
    return re.sub(r"(?<=\d)\.0+$", "", record.strip())


def _together(clusters: pl.DataFrame) -> list[tuple[str, str]]:
    """Every pair of records that share a cluster."""
    both = clusters.join(clusters, on="cluster", suffix="_other")
    return list(both.filter(pl.col("record_id") < pl.col("record_id_other")).drop("cluster").iter_rows())


def _curve(free: pl.DataFrame, true: list[tuple[str, str]], is_linking: bool) -> list[Agreement]:
    wanted = set(true) if is_linking else {ordered(pair) for pair in true}
    pairs = free.select("left_record", "right_record").iter_rows()
    is_true = np.array([((a, b) if is_linking else ordered((a, b))) in wanted for a, b in pairs], dtype=bool)
    return over_thresholds(free["probability"].to_numpy(), is_true, len(wanted))


def _positions(products: ProductTable, count_left: int, pairs: Pairs, is_linking: bool) -> pl.DataFrame:
    """Labelled pairs by position: `left`, `right`, `same`; those whose records are there."""
    position = {str(record): number for number, record in enumerate(products.ids[:count_left])}
    second = position
    if is_linking:
        second = {str(record): count_left + number for number, record in enumerate(products.ids[count_left:])}
    same = pairs.same if pairs.same is not None else pl.repeat(True, pairs.left.len(), eager=True)
    rows = [
        (min(position[a], second[b]), max(position[a], second[b]), label)
        for a, b, label in zip(pairs.left, pairs.right, same, strict=True)
        if a in position and b in second and position[a] != second[b]
    ]
    schema = {"left": pl.Int64, "right": pl.Int64, "same": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(["left", "right"], maintain_order=True)


def _with_rivals(products: ProductTable, true: pl.DataFrame) -> pl.DataFrame:
    """True pairs, and the other candidates of their records as pairs that are not the same."""
    named = pl.concat([true["left"], true["right"]]).unique().implode()
    rivals = pl.DataFrame({"left": products.left, "right": products.right}).filter(
        pl.col("left").is_in(named) | pl.col("right").is_in(named)
    )
    apart = rivals.join(true, on=["left", "right"], how="anti").with_columns(same=pl.lit(False))
    return pl.concat([true, apart.sample(min(apart.height, MOST_RIVALS * true.height), seed=SEED)])
