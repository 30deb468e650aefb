"""How frequent values are among strangers, and which equal names chance explains."""

import numpy as np
import polars as pl
import pytest

from ml.core.matching.frequencies import chances, equal_beyond_chance, frequencies_among_strangers
from ml.core.matching.model import BY_WORDS, RARER


def records(names: list[str | None], side: list[int] | None = None) -> pl.DataFrame:
    words = [None if name is None else name.split() for name in names]
    return pl.DataFrame({"name_letters": names, "name_words": pl.Series(words, dtype=pl.List(pl.String)),
                         "side": side or [0] * len(names)})  # fmt: skip


def test_a_name_is_as_likely_as_its_words_in_any_order() -> None:
    people = records(["ida hill", "ida moor", "eva hill", "eva lake", None])["name_words"]
    found = chances(pl.Series([["hill", "ida"], ["eva", "lake"], ["ida"], None]), people)
    assert found.to_list() == pytest.approx([0.25, 0.125, 0.5, None])


def test_names_whose_words_meet_by_chance_leave_nothing_to_explain() -> None:
    luck = np.random.default_rng(3)
    names = [f"g{luck.integers(10)} f{luck.integers(20)}" for _ in range(400)]
    # 79,800 pairs share one of 200 names by chance 399 times, give or take 20.
    assert equal_beyond_chance(records(names), is_linking=False) < 60
    rare = [f"g{n} rare{n}" for n in range(100)]
    assert equal_beyond_chance(records([*names, *rare, *rare]), is_linking=False) == pytest.approx(100, abs=60)


def test_a_name_that_many_have_is_common_even_if_its_words_are_rare() -> None:
    # Twenty people of another language among two hundred: their words occur with each other only.
    names = [f"given{n} family{n}" for n in range(200)]
    assert equal_beyond_chance(records([*names, *["wei wang"] * 20]), is_linking=False) < 60
    people = records([*names, *["wei wang"] * 20, "ida hill", "ida hill"])
    found = frequencies_among_strangers(
        people, "name_letters", people.get_column, {RARER: {"name_letters": 1.0}, BY_WORDS: ["name_letters"]}
    )
    frequency = dict(found.iter_rows())
    assert frequency["wei wang"] == pytest.approx(15 / 222)
    assert frequency["ida hill"] == pytest.approx(2 / 222 * 2 / 222)


def test_between_two_tables_only_pairs_of_both_count() -> None:
    both = records(["ada hill", "ada hill", "bo moor", "cy lake", "bo moor"], [0, 0, 0, 1, 1])
    # One pair of equal names; chance makes (2/5 × 2/5 × 4 + 1/25) / 5 of the six pairs.
    assert equal_beyond_chance(both, is_linking=True) == 1.0
    assert equal_beyond_chance(both, is_linking=False) == 1.0


def test_whole_names_count_as_no_likelier_than_their_words_where_the_model_says_so() -> None:
    people = records(["ida hill", "ida hill", "ida moor", "eva hill", *["bo lake"] * 6])
    model = {RARER: {"name_letters": 1.0}}
    plain, by_words = (
        dict(frequencies_among_strangers(people.head(2), "name_letters", people.get_column, document).iter_rows())
        for document in (model, model | {BY_WORDS: ["name_letters"]})
    )
    assert plain == {"ida hill": pytest.approx(0.2)}
    assert by_words == {"ida hill": pytest.approx(0.3 * 0.3)}
