import polars as pl
import pytest

from ml.core.matching.customers import CUSTOMER, comparisons_for, settings_for
from ml.core.matching.records import CUSTOMER_KEYS, SMALLEST_LIMIT, NothingToCompare, prepare_customers, with_keys
from ml.core.matching.romanise import romanised


def prepared(**columns: list[str | None]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return prepare_customers(pl.DataFrame({"record_id": [str(i) for i in range(count)], **columns}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("吴伟明", "Weiming Wu"),  # another alphabet, another order
        ("罗军", "军罗"),
        ("曾娜", "Na Zeng"),  # read otherwise in a name
        ("西安朱建超贸易有限公司", "Xi'an Zhu Jianchao Trading Co., Ltd."),
        ("José  Álvarez", "alvarez jose"),
        ("ＡＢＣ１２３", "abc 123"),
    ],
)
def test_one_name_in_two_spellings_has_the_same_letters(one: str, other: str) -> None:
    letters = prepared(full_name=[one, other])["name_letters"]

    assert letters[0] == letters[1]


def test_a_company_named_by_its_trade_alone_keeps_its_words() -> None:
    assert romanised(pl.Series(["Trading Company"])).to_list() == ["trading company"]


def test_phone_and_email_are_told_by_their_shape() -> None:
    found = prepared(email=["13800000001", "a.b+shop@Mail.example"], phone=["someone@mail.example", "0138 0000 0001"])

    assert found["email"].to_list() == ["someone@mail.example", "a.b@mail.example"]
    assert found["phone"].to_list() == ["13800000001", "13800000001"]


def test_a_short_code_counts_within_its_system_only() -> None:
    found = prepared(source_system=["a", "b", "b"], person_code=["17", "17", "L5000017"], full_name=["x", "y", "z"])

    assert found["person_code"].to_list() == ["a:17", "b:17", "l5000017"]


def test_a_value_without_end_is_cut_and_signs_alone_are_no_name() -> None:
    found = prepared(full_name=["x" * 1_000_000, "🙂🙂"])

    assert len(found["name_native"][0]) == 200
    assert found["name_native"][1] is None
    assert found["name_letters"][1] is None


def test_a_table_that_names_nobody_is_refused() -> None:
    with pytest.raises(NothingToCompare, match="--columns"):
        prepared(city=["Bern", "Basel"])


def test_ten_thousand_equal_names_bring_no_pairs_together() -> None:
    keyed = with_keys(prepared(full_name=["Ann Lee"] * 10_000 + ["Bo Ek", "Ek Bo"]))

    assert keyed["key_name"].value_counts().sort("key_name")["count"].to_list() == [10_000, 2]
    assert keyed["key_name"].null_count() == 10_000


def test_a_small_table_is_compared_as_a_whole() -> None:
    keyed = with_keys(prepared(full_name=["Ann Lee"] * SMALLEST_LIMIT))

    assert keyed["key_name"].null_count() == 0


def test_every_key_and_comparison_says_why_and_stands_on_prepared_columns() -> None:
    columns = prepared(full_name=["a"]).columns

    assert all(key.why and set(key.parts) <= set(columns) for key in CUSTOMER_KEYS)
    assert all(compared.why and set(compared.columns) <= set(columns) for compared in comparisons_for(columns))
    assert set(CUSTOMER.priors) <= {key.name for key in CUSTOMER_KEYS}


def test_settings_compare_only_what_a_table_has() -> None:
    document = settings_for(["email", "key_email"]).create_settings_dict("duckdb")

    assert [comparison["output_column_name"] for comparison in document["comparisons"]] == ["email"]


def test_where_only_towns_are_known_true_pairs_are_taken_to_share_them() -> None:
    def shares(columns: list[str]) -> dict[str, float]:
        place = settings_for(["name_letters", *columns]).comparisons[-1].get_comparison("duckdb").as_dict()
        return {level["label_for_charts"]: level.get("m_probability") for level in place["comparison_levels"]}

    # What the levels of doors, streets and post codes would hold passes to the town.
    assert shares(["suburb"])["same town"] == pytest.approx(0.5 + 0.05 + 0.1 + 0.1 + 0.1 + 0.06)
    assert "same door" not in shares(["suburb", "postal_code"])
    assert shares(["address", "house", "postal_code", "suburb"])["same door"] == 0.5
