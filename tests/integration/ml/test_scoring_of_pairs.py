"""Scores of pairs: explained by the sum of their weights, the same when only changed records are compared, on Spark."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from text_unidecode import unidecode

from ml.core.matching.customers import CUSTOMER
from ml.core.matching.weights import probability_of
from ml.io.linking_database import BackendMissing, linking_database
from ml.jobs.explain import pair_steps
from ml.jobs.linking import Prepared, prepared_for, score, score_changed, train
from ml.jobs.match import match_table
from workspace.settings import Settings

WITHOUT_SPARK = (
    "PySpark is not installed (extra spark)" if find_spec("pyspark") is None
    else "sqlglotc is installed, on which Splink's Spark dialect does not run" if find_spec("sqlglotc")
    else "Java is not installed" if shutil.which("java") is None else ""
)  # fmt: skip

#: What was compared, its pairs, and the model of their scores.
Scored = tuple[Prepared, pl.DataFrame, dict[str, Any]]
GIVEN, FAMILY = ("Ada", "Grace", "Alan", "Tony", "Eva"), ("Hill", "Wood", "Lake", "Moor")


def people(count: int) -> pl.DataFrame:
    """Namesakes among them; the last fifth are the first ones with another phone."""
    who = np.r_[np.arange(count - count // 5), np.arange(count // 5)]
    is_again = np.arange(count) >= count - count // 5
    return pl.DataFrame({
        "record_id": [f"r{n}" for n in range(count)],
        "full_name": [f"{GIVEN[n % 5]} {FAMILY[n % 4]}{n % 30}" for n in who],
        "email": [None if n % 3 == 0 else f"person{n * 7919 % 10**6:06d}@mail.example" for n in who],
        "phone": [f"0170{(n * 31 + 5 * again) % 10**6:08d}" for n, again in zip(who, is_again, strict=True)],
        "address_line": [f"{n % 97} Long Road {n % 13}" for n in who],
        "postal_code": [f"{n % 40 + 1000}" for n in who],
    })  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), company="c")


@pytest.fixture(scope="module")
def scored(settings: Settings) -> Scored:
    return scored_with(settings, people(400))


def scored_with(settings: Settings, table: pl.DataFrame) -> Scored:
    prepared = prepared_for(CUSTOMER, table)
    with linking_database(settings) as database:
        pairs, model = score(prepared, train(CUSTOMER, prepared, database), database)
    return prepared, pairs, model


@pytest.mark.parametrize("columns", [["full_name"], people(5).columns[1:]], ids=["names alone", "all"])
def test_the_steps_of_a_pair_add_up_to_its_score(columns: list[str], settings: Settings) -> None:
    prepared, pairs, model = scored_with(settings, people(400).select("record_id", *columns))
    for left, right, probability in pairs.sample(8, seed=1).iter_rows():
        two = pl.concat([prepared.records[left], prepared.records[right]])
        steps = pair_steps(settings, two, prepared.records, model)
        assert probability_of(model, steps) == pytest.approx(probability, rel=1e-6)


def test_comparing_only_what_changed_gives_the_scores_of_comparing_all(scored: Scored, settings: Settings) -> None:
    prepared, pairs, model = scored
    is_changed = pl.Series(np.arange(prepared.records.height) % 50 == 7)
    changed = prepared.records.filter(is_changed)
    with linking_database(settings) as database:
        found = score_changed(CUSTOMER, changed, prepared.records.filter(~is_changed), model, database)
    numbers = changed["record"].implode()
    touched = pairs.filter(pl.col("left").is_in(numbers) | pl.col("right").is_in(numbers))
    assert 0 < found.height < pairs.height / 5, "only pairs of a changed record are compared"
    assert found.select("left", "right").rows() == touched.select("left", "right").rows()
    assert found["probability"].to_list() == pytest.approx(touched["probability"].to_list(), rel=1e-6)


def two_scripts() -> pl.DataFrame:
    """People of two systems, in Chinese and in Latin script; slips in some mailboxes, few fields in the second."""
    luck = np.random.default_rng(2)
    family = "王李张刘陈杨赵黄周吴"
    given = ("伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明",
             "超", "霞", "平")  # fmt: skip
    rows = []
    for n in range(600):
        last, first = family[luck.integers(10)], given[luck.integers(20)]
        first += given[luck.integers(20)] if luck.random() < 0.5 else ""
        latin = [unidecode(part).replace(" ", "").title() for part in (first, last)]
        crm = {"record_id": f"c{n}", "full_name": last + first, "phone": f"+86 13{luck.integers(10**8, 10**9)}",
               "email": f"{latin[0].lower()}{luck.integers(10**4)}@mail.example",
               "address_line": f"{luck.integers(1, 200)} Long Road {luck.integers(40)}",
               "postal_code": f"{luck.integers(510_000, 510_060)}"}  # fmt: skip
        rows.append(crm)
        if n < 250:
            kind = luck.integers(5)
            rows.append({
                "record_id": f"s{n}", "full_name": " ".join(latin), "phone": crm["phone"] if kind < 2 else None,
                "email": crm["email"] if kind in (0, 2) else None if kind == 3 else crm["email"].replace("a", "e"),
                "address_line": f"{luck.integers(1, 200)} Other Street {n % 40}" if kind == 1 else crm["address_line"],
                "postal_code": crm["postal_code"] if kind < 4 else None,
            })  # fmt: skip
    return pl.DataFrame(rows)


def strangers_at_every_door() -> pl.DataFrame:
    """People of whom no two share an address."""
    return people(300).with_columns(address_line=pl.format("{} Road", "record_id"))


@pytest.mark.parametrize("table", [two_scripts(), strangers_at_every_door()], ids=["ends at zero", "no pairs"])
def test_a_round_of_training_that_fails_takes_no_comparison_with_it(
    table: pl.DataFrame, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "ml.jobs.linking"):
        _, _, model = scored_with(settings, table)
    assert "nothing to learn from pairs that agree on ('key_address', 'address')" in caplog.text
    assert [comparison["output_column_name"] for comparison in model["comparisons"]] == [
        "name", "email", "phone", "place"
    ]  # fmt: skip


@pytest.mark.skipif(not WITHOUT_SPARK, reason="Spark is installed here")
def test_spark_that_cannot_run_is_named_with_the_remedy(tmp_path: Path) -> None:
    with (
        pytest.raises(BackendMissing, match=r"leave .* at duckdb"),
        linking_database(Settings(home=tmp_path, matching_backend="spark")),
    ):
        pass


# Py4J leaves the sockets of its pool to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(bool(WITHOUT_SPARK), reason=WITHOUT_SPARK)
def test_spark_links_what_duckdb_links(tmp_path: Path) -> None:
    links = [
        match_table(CUSTOMER, people(250), Settings(home=tmp_path, company="c", matching_backend=backend))
        .pairs.filter(pl.col("zone") == "linked").select("left_record", "right_record").sort("left_record").rows()
        for backend in ("duckdb", "spark")
    ]  # fmt: skip
    assert links[0] == links[1]
