"""The matching asset on staged records of every quality: what a person sees of it in Dagster, and what it survives."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ml.io.matching import MatchingStore
from orchestration.defs.matching import matching
from orchestration.lib.workspace_resource import workspace_resource
from tests.support.staged_records import Rows, stage
from workspace.settings import Settings

QUALITY = dg.AssetKey(["matching", "match_quality"])


def run(settings: Settings) -> dg.ExecuteInProcessResult:
    return dg.materialize([matching], resources={"workspace": workspace_resource(settings)})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, company="matched")


def shoppers(links: float) -> Rows:
    """Three hundred people of two scripts and regions, in two systems; `links` of the Chinese ones can be found."""
    luck, rows = random.Random(5), []
    surnames, given = "赵钱孙李周吴郑王冯陈", "伟芳娜敏静丽强磊军洋"
    for number in range(300):
        is_chinese = number % 2 == 0
        name = (
            surnames[number % 10] + given[number // 10 % 10] + given[number // 20 % 10]
            if is_chinese
            else f"{luck.choice(['Ada', 'Ben', 'Cleo', 'Dan'])}{number} {luck.choice(['Moor', 'Hill', 'Ford'])}"
        )
        found = not is_chinese or number / 300 < links
        for system in ("shop", "crm"):
            phone = f"86138{number:08d}" if found or system == "shop" else None
            mail = f"person.{number}@mail.example" if found or system == "shop" else None
            rows.append({"source_system": system, "code": f"{number}", "full_name": name if found else name[::-1] + "a",
                         "phone": phone, "email": mail, "region_code": "CN-SH" if is_chinese else "DE-BE"})  # fmt: skip
    return rows


def test_a_rate_that_falls_for_one_script_is_a_warning_that_names_it(settings: Settings) -> None:
    stage(settings, customer=shoppers(1.0))
    first = run(settings)
    rates = first.asset_materializations_for_node("matching")
    shown = {event.asset_key: event.metadata for event in rates}[QUALITY]["match_rates"].value
    assert "| customer | script | chinese |" in str(shown)
    assert "| customer | region | DE-BE |" in str(shown)
    store = MatchingStore(settings.paths.matching)
    past = store.read("match_quality", "customer")
    for day in range(1, 6):
        earlier = past.with_columns(pl.col("measured_at").dt.offset_by(f"-{day}d"))
        store.append("match_quality", "customer", f"day-{day}", earlier)

    stage(settings, customer=shoppers(0.3))
    (check,) = run(settings).get_asset_check_evaluations()
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    told = [line for line in str(check.metadata["rates"].value).splitlines() if "| False |" in line]
    assert [line.split(" | ")[1:3] for line in told] == [["all", "all"], ["region", "CN-SH"], ["script", "chinese"]]


def customers(count: int, row: Callable[[int], Mapping[str, Any]]) -> Rows:
    return [{"source_system": ("shop", "crm")[n % 2], "code": str(n), **row(n)} for n in range(count)]


def other_name(number: int) -> str:
    """A name unlike all others."""
    letters = random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=12)
    return f"{''.join(letters[:6])} {''.join(letters[6:])}"


BROKEN: Mapping[str, tuple[Rows, int]] = {
    "no usable column": (customers(300, lambda n: {"region_code": "R", "city": "Town"}), 1),
    "name and place only": (
        customers(400, lambda n: {"full_name": other_name(n // 2), "postal_code": str(10_000 + n // 4)}), 2,
    ),
    "null-heavy": (customers(600, lambda n: {"full_name": f"Ada Moor{n}" if n % 50 == 0 else None}), 2),
    "constant": (customers(600, lambda n: {
        "full_name": other_name(n), "phone": "8613800000000", "email": "a@b.cn",
    }), 1),
    "ten thousand equal names": (customers(10_000, lambda n: {"full_name": "Wang Wei"}), 2),
    "emoji": (customers(300, lambda n: {"full_name": "🎁🎉" * (n % 5), "email": f"🍎{n}@b.cn"}), 2),
    "full width": (
        customers(400, lambda n: {"full_name": f"Li Na{n // 2}",
                                  "phone": ("1380000", "１３８００００")[n % 2] + f"{n // 2:04d}"}), 2,
    ),
    "a megabyte": (customers(6, lambda n: {"full_name": "x" * 1_000_000 + str(n), "address_line": "y" * 1_000_000}), 6),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_records_go_through_the_asset_without_a_giant(case: str, settings: Settings) -> None:
    rows, largest = BROKEN[case]
    products = [{"source_system": ("a", "b")[n % 2], "code": str(n), "title": row.get("full_name")}
                for n, row in enumerate(rows[:2_000])]  # fmt: skip
    stage(settings, customer=rows, product=products)
    assert run(settings).success
    matched = MatchingStore(settings.paths.matching).read("matched_records", "customer")
    assert matched.height == len(rows)
    sizes = matched["golden_id"].value_counts()["count"]
    assert (sizes <= largest).all()
    if case == "full width":
        assert sizes.min() == 2, "full-width digits are digits"
    articles = MatchingStore(settings.paths.matching).read("matched_records", "product")
    assert articles.height == len(products)
    assert (articles["golden_id"].value_counts()["count"] <= 15).all()
