"""Verdicts: what fits together, what is refused and with which chain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.matching.verdicts import APART, LINKED, WITHDRAWN, VerdictRefused, Verdicts, fold, give


def held(*said: tuple[str, str, str]) -> Verdicts:
    verdicts = Verdicts()
    for verdict, left, right in said:
        verdicts = give(verdicts, verdict, left, right)
    return verdicts


def test_apart_within_a_chain_of_links_is_refused_with_the_chain() -> None:
    chain = held((LINKED, "a", "b"), (LINKED, "b", "c"), (LINKED, "c", "d"))
    with pytest.raises(VerdictRefused, match="a = b = c = d are linked by verdicts"):
        give(chain, APART, "d", "a")


def test_a_link_that_would_join_what_is_apart_is_refused_with_the_chain() -> None:
    two_groups = held((LINKED, "a", "b"), (LINKED, "c", "d"), (APART, "a", "d"))
    with pytest.raises(VerdictRefused, match="then a = b = c = d would be one, and a and d are apart"):
        give(two_groups, LINKED, "b", "c")


def test_a_withdrawn_verdict_no_longer_contradicts() -> None:
    chain = held((LINKED, "a", "b"), (LINKED, "b", "c"), (WITHDRAWN, "c", "b"))
    assert give(chain, APART, "a", "c").of_pair == {("a", "b"): LINKED, ("a", "c"): APART}


@pytest.mark.parametrize(
    ("verdict", "left", "right", "says"),
    [
        (LINKED, "a", "a", "named twice"),
        (WITHDRAWN, "a", "b", "no verdict"),
        ("maybe", "a", "b", "linked, apart or withdrawn"),
    ],
)
def test_what_is_no_verdict_on_a_pair_is_refused(verdict: str, left: str, right: str, says: str) -> None:
    with pytest.raises(VerdictRefused, match=says):
        give(Verdicts(), verdict, left, right)


@given(st.lists(st.tuples(st.sampled_from([LINKED, APART]), st.sampled_from("abcdef"), st.sampled_from("abcdef"))))
def test_verdicts_that_hold_never_contradict_each_other(said: list[tuple[str, str, str]]) -> None:
    events = [
        {"sequence": number, "verdict": verdict, "left": left, "right": right}
        for number, (verdict, left, right) in enumerate(said)
    ]
    verdicts = fold(events)
    group = {record: record for record in "abcdef"}
    for left, right in verdicts.pairs(LINKED):
        joined = (group[left], group[right])
        group = {record: joined[0] if label == joined[1] else label for record, label in group.items()}
    assert all(group[left] != group[right] for left, right in verdicts.pairs(APART))
