"""Reading product texts: units and pack sizes in one spelling, codes without their separators."""

import pytest

from ml.core.matching.products import text


@pytest.mark.parametrize(
    ("written", "measures"),
    [
        ("Flour 0.5 kg", ["mass=500"]),
        ("flour 500g", ["mass=500"]),
        ("cola 12 fl oz", ["volume=355"]),
        ("cola 3 l", ["volume=3000"]),
        ('Screen 15.4"', ["length=391"]),
        ("水 ５００毫升", ["volume=500"]),
        ("disk 1.5 TB", ["data=1500000"]),
        ("monitor arm", []),
    ],
)
def test_a_measure_is_in_its_base_unit_however_it_is_written(written: str, measures: list[str]) -> None:
    assert text.measures(text.folded(written)) == measures


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ("6 x 500 ml cola", 6),
        ("cola 500ml x 6", 6),
        ("Cola, pack of 12", 12),
        ("pack of 2 (6 x 500 ml)", 2),
        ("batteries 4-pack", 4),
        ("水 500毫升*24瓶", 24),
        ("cola 3 l", None),
        ("case 7.6 x 5.3 x 3.2 inches", None),
        ("backpack 15", None),
    ],
)
def test_a_pack_size_is_read_where_one_is_said(written: str, pieces: int | None) -> None:
    assert text.pack_size(text.folded(written)) == pieces


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("kingston ktc-d320/1g memory", {"ktcd3201g", "d320"}),
        ("sony kdl 40ex500 television", {"kdl40ex500"}),
        ("linksys wrt54g router", {"wrt54g"}),
        ("海云冰箱RE103", {"re103"}),
        ("16gb card, 4-pack, 2nd edition", set()),
        ("kodak 1163641", {"1163641"}),
        ("top 100", set()),
    ],
)
def test_codes_are_told_from_measures_and_counts(written: str, codes: set[str]) -> None:
    assert codes <= set(text.codes(text.folded(written)))
    assert codes or not text.codes(text.folded(written))


def test_full_width_digits_marks_and_emoji_make_no_difference() -> None:
    assert text.folded("Café \u200bＡ１２ 🎉 Box") == "cafe a12 box"


def test_a_text_of_a_megabyte_is_cut() -> None:
    assert len(text.folded("ﷺ" * 1_000_000)) <= text.LONGEST_TEXT
