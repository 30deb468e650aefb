"""Golden ids: who keeps which, what counts as a merger or a split, where an old id leads."""

import polars as pl
import pytest

from ml.core.matching.identities import Change, UnknownId, assign, resolve

NOBODY = pl.DataFrame(schema={"record_id": pl.String, "golden_id": pl.String})


def records(*clusters: str) -> pl.DataFrame:
    """One record a letter; those of one text share a cluster. `a` landed first, then `b`, …; `a` founds `c_a`."""
    rows = [(letter, f"c_{letter}", number) for number, cluster in enumerate(clusters) for letter in cluster]
    return pl.DataFrame(rows, schema=["record_id", "own_id", "cluster"], orient="row").with_columns(
        first_landed_at="record_id"
    )


def ids(assigned: pl.DataFrame) -> dict[str, str]:
    return dict(assigned.iter_rows())


def test_a_second_run_changes_nothing() -> None:
    first, _ = assign(records("ab", "cd", "e"), NOBODY)
    assert ids(first) == {"a": "c_a", "b": "c_a", "c": "c_c", "d": "c_c", "e": "c_e"}
    again, changes = assign(records("e", "dc", "ba"), first)
    assert ids(again) == ids(first)
    assert changes == []


def test_a_merger_keeps_the_founders_id_and_is_told() -> None:
    first, _ = assign(records("a", "bcd"), NOBODY)
    merged, changes = assign(records("abcd"), first)
    assert set(ids(merged).values()) == {"c_a"}
    assert changes == [Change("merged", "c_b", ("c_a",))]


def test_a_split_leaves_the_id_with_the_founder_and_the_rest_get_a_new_one() -> None:
    first, _ = assign(records("abc"), NOBODY)
    split, changes = assign(records("a", "bc"), first)
    assert ids(split) == {"a": "c_a", "b": "c_b", "c": "c_b"}
    assert changes == [Change("split", "c_a", ("c_b", "c_a"))]


def test_an_older_record_that_joins_later_does_not_take_the_id_away() -> None:
    first, _ = assign(records("bc"), NOBODY)
    grown, changes = assign(records("abc"), first)
    assert set(ids(grown).values()) == {"c_b"}
    assert changes == []


def test_no_two_clusters_ever_share_an_id() -> None:
    first, _ = assign(records("bc"), NOBODY)
    grown, _ = assign(records("abc"), first)
    parted, _ = assign(records("ac", "b"), grown)
    assert len(set(ids(parted).values())) == 2
    assert ids(parted)["a"] == ids(parted)["c"]


def test_old_ids_lead_through_mergers_and_splits_to_what_stands() -> None:
    history = [{"golden_id": "x", "into": ("y",)}, {"golden_id": "y", "into": ("z", "v")}]
    assert resolve("x", {"z", "v"}.__contains__, history) == ["z", "v"]
    assert resolve("z", {"z", "v"}.__contains__, history) == ["z"]
    with pytest.raises(UnknownId, match="No record has or ever had"):
        resolve("c_unheard_of", {"z"}.__contains__, history)
