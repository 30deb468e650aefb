"""Product tables of any kind through the whole matcher: found what is one, and sane on what is broken."""

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml.core.matching.records import NothingToCompare
from ml.io.match_tables import UnreadableTable, read_pairs, read_table
from ml.io.matchers import MatcherRefused, load_matcher, save_matcher
from ml.jobs.match_evaluation import evaluate_products, teach_products
from ml.jobs.products import match_products

THINGS = ("kettle", "toaster", "blender", "vacuum cleaner", "hair dryer", "rice cooker")
BRANDS = ("Haiyun", "Nordlicht", "Morningstar", "Bolan")
COUNT = 240


def catalogue(system: str, seed: int) -> pl.DataFrame:
    """Products of a shop: half of them without the model code, words in another order, prices of its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(COUNT):
        brand, thing = BRANDS[number % 4], THINGS[number % 6]
        model, size = f"{thing[:2].upper()}-{1000 + 37 * number}", f"{1 + number % 5}.{number % 10} l"
        words = [brand, thing, size, model] if system == "a" else [model, thing, "by", brand, size.replace(" ", "")]
        has_model = rng.random() < 0.5
        rows.append({
            "id": f"{system}{number}", "title": " ".join(words), "brand": brand if rng.random() < 0.7 else None,
            "modelno": model if has_model else None, "price": f"{20 + number * rng.uniform(0.95, 1.05):.2f}",
        })  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`a.csv`, `b.csv`, `true.csv` (pairs) and `labelled.csv` (pairs with labels, some of them wrong ones)."""
    folder = tmp_path_factory.mktemp("tables")
    catalogue("a", 1).write_csv(folder / "a.csv", separator=";")
    catalogue("b", 2).write_parquet(folder / "b.parquet")
    true = pl.DataFrame({"left": [f"a{n}" for n in range(COUNT)], "right": [f"b{n}" for n in range(COUNT)]})
    true.write_csv(folder / "true.csv")
    wrong = true.with_columns(right=pl.col("right").shift(1, fill_value=f"b{COUNT - 1}"))
    pl.concat([true.with_columns(label=1), wrong.with_columns(label=0)]).write_csv(folder / "labelled.csv")
    return folder


def test_two_tables_are_linked_without_labels_and_measured(files: Path) -> None:
    found = evaluate_products(files / "a.csv", files / "b.parquet", files / "true.csv", {})
    assert found.found.matcher.taught_by == "codes"
    assert found.columns == ("record_id", "title", "brand", "model_code", "price")
    assert found.chosen is not None
    assert found.chosen.f1 is not None
    assert found.chosen.f1 > 0.97
    assert found.links.height == found.chosen.linked
    assert found.links.columns[:2] == ["left_id", "right_id"]
    recalls = [measured.recall or 0.0 for measured in found.curve]
    assert recalls == sorted(recalls, reverse=True)


def test_a_matcher_that_people_taught_is_kept_and_used(files: Path, tmp_path: Path) -> None:
    lesson = teach_products(files / "a.csv", files / "b.parquet", files / "labelled.csv", {})
    assert (lesson.matcher.count_same, lesson.matcher.count_other) == (COUNT, COUNT)
    path = save_matcher(tmp_path, "product", lesson.matcher)
    kept = load_matcher(tmp_path, "product")
    assert kept is not None
    assert kept.names == lesson.matcher.names
    found = evaluate_products(files / "a.csv", files / "b.parquet", files / "true.csv", {}, kept)
    assert found.found.matcher.taught_by == "labels"
    assert found.chosen is not None
    assert found.chosen.f1 is not None
    assert found.chosen.f1 > 0.97
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(MatcherRefused, match="Teach anew"):
        load_matcher(tmp_path, "product")


def test_true_pairs_alone_teach_by_their_rivals(files: Path) -> None:
    lesson = teach_products(files / "a.csv", files / "b.parquet", files / "true.csv", {})
    assert lesson.matcher.count_same == COUNT < lesson.matcher.count_other
    assert ((lesson.probability >= 0.5) == lesson.same).mean() > 0.99


def test_equal_numbers_link_and_differing_packs_go_to_a_person() -> None:
    left = pl.DataFrame({"record_id": ["1", "2"], "title": ["Cola 6 x 500 ml", "Teekanne blau"],
                         "gtin": ["4006381333931", "73513537"]})  # fmt: skip
    right = pl.DataFrame({"record_id": ["8", "9"], "title": ["Cola 3 l", "tea pot"], "gtin": left["gtin"]})
    pairs = match_products(left, right).pairs.filter(pl.col("rule") == "gtin").sort("left_record")
    assert pairs.select("left_record", "right_record", "zone").rows() == [("1", "8", "queue"), ("2", "9", "linked")]


def test_a_doubtful_pair_is_not_merged_through_a_third_record() -> None:
    table = pl.DataFrame({
        "record_id": ["six", "any", "one"], "source_system": ["a", "b", "c"],
        "title": ["Cola 6 x 500 ml", "Cola", "Cola 500 ml"], "mapped_code": ["X-1"] * 3,
    })  # fmt: skip
    cluster = dict(match_products(table).clusters.iter_rows())
    assert cluster["six"] != cluster["one"]


def titles(*values: str) -> pl.DataFrame:
    return pl.DataFrame({"record_id": [str(number) for number in range(len(values))], "title": list(values)})


@pytest.mark.parametrize(
    "table",
    [
        titles(*["Gift card"] * 10_000),
        titles(*[f"🎁🎉 kettle {'🍎' * (n % 7)}" for n in range(500)]),
        titles(*[f"{'x' * 1_000_000} {n}" for n in range(3)]),
        titles(*[f"{'long word ' * 100_000}{n}" for n in range(3)]),
        titles(*[f"型号１２３４{n}" for n in range(200)]),
        titles(*[f"{'9' * 900} ml {n}" for n in range(20)]).with_columns(
            price=pl.lit("9" * 900), weight=pl.lit("0 g"), pack_size=pl.lit("9" * 30)
        ),
        titles(*[f"kettle ab{n % 40} 0 ml" for n in range(600)]).with_columns(
            source_system=pl.Series([f"system {n // 40}" for n in range(600)])
        ),
        titles("only one"),
        titles("a", "b", "c").with_columns(brand=pl.lit("same"), price=pl.lit("1"), model_code=pl.lit("same1")),
        titles(*["", " ", "kettle", "—", "?"] * 50),
        titles(*[f"thing {n}" for n in range(100)]).with_columns(
            **{column: pl.lit(None, pl.String) for column in ("brand", "price", "weight", "gtin", "model_code")}
        ),
    ],
    ids=["ten thousand equal", "emoji", "a megabyte", "a megabyte of words", "full width",
        "endless numbers",
        "fifteen systems", "one", "constant", "empty",
         "nulls"],
)  # fmt: skip
def test_broken_tables_end_soon_and_make_no_giant(table: pl.DataFrame) -> None:
    started = time.monotonic()
    found = match_products(table)
    assert time.monotonic() - started < 20
    assert found.clusters.height == table.height
    assert found.clusters["cluster"].value_counts()["count"].max() <= 15  # type: ignore[operator]
    assert match_products(table, table).pairs["probability"].is_between(0, 1).all()


@pytest.mark.parametrize(
    "table",
    [titles().clear(), pl.DataFrame({"record_id": ["1"], "price": ["3"]}), titles("", "🎁")],
    ids=["no rows", "no usable column", "nothing in it"],
)
def test_a_table_without_products_is_refused(table: pl.DataFrame) -> None:
    with pytest.raises(NothingToCompare):
        match_products(table)


def test_files_that_are_no_tables_are_refused_with_the_remedy(tmp_path: Path, files: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"not parquet")
    (tmp_path / "one.csv").write_text("id\n1\n")
    (tmp_path / "odd.csv").write_text("left,right,label\na0,b0,perhaps\n")
    (tmp_path / "strangers.csv").write_text("left,right\nq1,q2\n")
    with pytest.raises(UnreadableTable, match="There is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(UnreadableTable, match="Convert it"):
        read_table(Path(__file__))
    with pytest.raises(UnreadableTable, match="cannot be read as a table"):
        read_table(tmp_path / "broken.parquet")
    with pytest.raises(UnreadableTable, match="two columns of record ids"):
        read_pairs(tmp_path / "one.csv")
    with pytest.raises(UnreadableTable, match="'perhaps'"):
        read_pairs(tmp_path / "odd.csv")
    with pytest.raises(UnreadableTable, match="no record has these ids"):
        evaluate_products(files / "a.csv", files / "b.parquet", tmp_path / "strangers.csv", {})


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Café crème, 250 g; naïve", "cp1252"),
        ("海云冰箱RE103", "gb18030"),
        ("海云 café", "utf-8"),
        ("a\ufeff", "utf-8-sig"),
    ],
)
def test_a_table_is_read_in_the_encoding_it_was_written_in(text: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(f'id,title\n1,"{text}"\n'.encode(encoding))
    assert read_table(tmp_path / "table.csv").rows() == [("1", text)]
