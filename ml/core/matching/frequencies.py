"""How frequent a value is among strangers, so that agreeing on a rare one says more than on a common one.

Belongs here: frequencies by column, what chance makes of names. Does not belong here: tempering of a model's levels
(model), comparing (customers), Splink (ml/jobs/linking).

In a table that knows nobody by more than name and town, how often a whole name occurs says nothing: two equal ones are
as well one person twice as two namesakes. Its words say more: where one of a hundred is called Ida and one of a
thousand Schmottmeier, a stranger is Ida Schmottmeier once in a hundred thousand, if given and family names do not seek
each other. Where people of several languages are mixed they do: a name that more than a few records have is therefore
taken to be as frequent as all but those few make it.
"""

from collections.abc import Callable

import polars as pl

from ml.core.matching.model import BY_WORDS, RARER, ModelDocument

#: Least chance of a name: nobody's words are drawn quite apart.
LEAST_CHANCE = 1e-6
#: Records of a name that may all be one person; any more of them show how common it is.
OF_ONE_PERSON = 5


def frequencies_among_strangers(
    records: pl.DataFrame, column: str, everybody: Callable[[str], pl.Series], model: ModelDocument
) -> pl.DataFrame:
    """Each value of a column of `records`, and its `frequency` among strangers.

    Args:
        records: Records that are compared.
        column: One of those that the model weighs by frequency (`RARER`).
        everybody: A column's values in all records, compared or not.
        model: The linkage model.
    """
    all_values, values = everybody(column), records[column]
    held = all_values.drop_nulls()
    if values.len() < all_values.len():
        held = held.filter(held.is_in(values.drop_nulls().unique().implode()))
    count_known = max(1, all_values.len() - all_values.null_count())
    counted = held.value_counts(name="count").with_columns(
        frequency=pl.col("count") * model[RARER][column] / count_known
    )
    if column not in model.get(BY_WORDS, ()):
        return counted.select(column, "frequency")
    named = records.filter(pl.col(column).is_not_null()).unique(column)
    by_words = named.select(column, chance=chances(named["name_words"], everybody("name_words")))
    at_most = pl.max_horizontal("chance", (pl.col("count").cast(pl.Int64) - OF_ONE_PERSON) / count_known)
    return counted.join(by_words, on=column, how="left").select(
        column, frequency=pl.min_horizontal("frequency", at_most)
    )


def chances(names: pl.Series, everybody: pl.Series) -> pl.Series:
    """How likely a stranger has each name, if the words of names came together by chance alone.

    Args:
        names: Lists of words; an unknown name has no chance.
        everybody: The names of all records, among which the words are counted.

    >>> people = pl.Series([["ida", "hill"], ["ida", "moor"], ["eva", "hill"], ["eva", "lake"]])
    >>> chances(pl.Series([["hill", "ida"], ["eva", "lake"], None]), people).to_list()
    [0.25, 0.125, None]
    """
    known = everybody.drop_nulls()
    shares = (
        known.list.unique().explode().value_counts(name="count")
        .select(pl.col(known.name).alias("word"), share=pl.col("count") / max(1, known.len()))
    )  # fmt: skip
    words = pl.DataFrame({"name": pl.int_range(names.len(), eager=True), "word": names}).explode("word").unique()
    found = words.join(shares, on="word", how="left").group_by("name").agg(pl.col("share").log().sum().exp())
    each = pl.DataFrame({"name": pl.int_range(names.len(), eager=True)}).join(
        found, on="name", how="left", maintain_order="left"
    )
    chance = each["share"].clip(LEAST_CHANCE, 1.0)
    return chance.set(names.is_null(), None).alias("chance")


def equal_beyond_chance(records: pl.DataFrame, is_linking: bool) -> float:
    """Pairs of records with equal names that chance does not explain; at least one.

    Args:
        records: `name_letters`, `name_words`, and `side` (0, or 1 for a second table).
        is_linking: Only pairs of both tables count.
    """
    known = records.filter(pl.col("name_letters").is_not_null())
    count = known.select(pl.len().over("name_letters").cast(pl.Int64)).to_series()
    by_chance = pl.DataFrame({"by_words": chances(known["name_words"], known["name_words"]),
                              "by_count": (count - OF_ONE_PERSON) / max(1, known.height)})  # fmt: skip
    mean = float(by_chance.max_horizontal().sum()) / max(1, known.height)
    second = int(known["side"].sum())
    sizes = known.group_by("name_letters").agg(pl.col("side").sum().cast(pl.Int64), count=pl.len().cast(pl.Int64))
    if is_linking:
        equal, possible = (sizes["side"] * (sizes["count"] - sizes["side"])).sum(), (known.height - second) * second
    else:
        equal, possible = (sizes["count"] * (sizes["count"] - 1) // 2).sum(), known.height * (known.height - 1) // 2
    return max(1.0, float(equal) - mean * possible)
