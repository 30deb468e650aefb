"""Parts of a long list and their addresses."""

from dashboards.pages.paging import Paging


def test_parts_cover_the_list() -> None:
    parts = [Paging("/orders", {}, asked, 120) for asked in (1, 2, 3)]
    assert [(p.first, p.last) for p in parts] == [(1, 50), (51, 100), (101, 120)]
    assert {p.pages for p in parts} == {3}


def test_what_is_asked_beyond_the_list_is_answered_within() -> None:
    assert Paging("/orders", {}, -4, 120).number == 1
    assert Paging("/orders", {}, 9, 120).number == 3
    empty = Paging("/orders", {}, 2, 0)
    assert (empty.number, empty.first, empty.last) == (1, 0, 0)


def test_addresses_keep_the_filters_and_leave_out_empty_ones() -> None:
    paging = Paging("/orders", {"q": "a&b", "state": ""}, 1, 120)
    assert paging.address(1) == "/orders?q=a%26b"
    assert paging.address(2) == "/orders?q=a%26b&page=2"
    assert Paging("/orders", {}, 1, 120).address(1) == "/orders"
