"""Tables that no matcher was made for, through `oi match evaluate`: sane links or a clear error, no giant merge."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from orchestration.cli.main import main

GIVEN = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "John", "Leslie", "Tony"]
FAMILY = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Allen", "Backus", "Lamport", "Hoare"]
Column = Sequence[str | None]
Table = dict[str, list[str | None]]


def people(count: int) -> Table:
    """Different people, the last tenth of them once more with a slip in the name."""
    luck = random.Random(3)
    who = [*range(count - count // 10), *range(count // 10)]
    number = {n: luck.randrange(10**8) for n in set(who)}
    return {
        "id": [f"r{n}" for n in range(count)],
        "name": [f"{GIVEN[n % 10]} {FAMILY[n // 10 % 10]}{n // 100}" + "h" * (p >= count - count // 10)
                 for p, n in enumerate(who)],
        "email": [f"{GIVEN[n % 10]}.{number[n]}@mail.example".lower() for n in who],
        "phone": [f"0170{number[n]:08d}" for n in who],
    }  # fmt: skip


def evaluated(
    folder: Path, table: Mapping[str, Column], capsys: pytest.CaptureFixture[str], entity: str = "customer"
) -> dict:
    """What the command says of the table; the true pairs are those of `people`."""
    pl.DataFrame(dict(table)).write_csv(folder / "t.csv")
    count = len(next(iter(table.values())))
    last = count - count // 10
    pl.DataFrame(
        {"a": [f"r{n}" for n in range(count // 10)], "b": [f"r{last + n}" for n in range(count // 10)]}
    ).write_csv(folder / "truth.csv")
    with pytest.raises(SystemExit) as ended:
        main(["match", "evaluate", "--entity", entity, "--left", str(folder / "t.csv"), "--truth",
              str(folder / "truth.csv"), "--out", str(folder / "links.csv"), "--json"])  # fmt: skip
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    return json.loads(said.out)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    return tmp_path


def _null_heavy(table: Table) -> Table:
    return {name: values if name in ("id", "email") else [v if n % 5 == 0 else None for n, v in enumerate(values)]
            for name, values in table.items()}  # fmt: skip


def _constant(table: Table) -> Table:
    return table | {"city": ["Town"] * len(table["id"]), "address": ["Main Road 1"] * len(table["id"])}


def _emoji(table: Table) -> Table:
    return table | {"name": [f"{name} 🎉👩‍👩‍👧" for name in table["name"]], "city": ["🏙️"] * len(table["id"])}


def _full_width(table: Table) -> Table:
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    last = len(table["id"]) - len(table["id"]) // 10
    return table | {"phone": [(p or "").translate(wide) if n >= last else p for n, p in enumerate(table["phone"])],
                    "email": [None] * len(table["id"])}  # fmt: skip


def _megabyte(table: Table) -> Table:
    return table | {"address": ["x" * 1_000_000 if n < 3 else f"Road {n}" for n in range(len(table["id"]))]}


@pytest.mark.parametrize("spoil", [_constant, _emoji, _full_width, _megabyte])
def test_spoilt_columns_cost_little_and_weld_nobody(
    spoil: Callable[[Table], Table], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluated(home, spoil(people(300)), capsys)
    assert found["precision"] >= 0.95, found
    assert found["recall"] >= 0.9, found


def test_columns_that_are_mostly_null_are_matched_cautiously(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluated(home, _null_heavy(people(300)), capsys)
    assert found["links"] > 0
    assert found["precision"] >= 0.95, found


def test_ten_thousand_equal_names_are_ten_thousand_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = people(10_000) | {"name": ["Wei Wang"] * 10_000}
    found = evaluated(home, table, capsys)
    assert found["precision"] >= 0.99, found
    assert found["recall"] >= 0.99, found


@pytest.mark.parametrize("entity", ["customer", "product", "warehouse"])
@pytest.mark.parametrize("table", [{"id": ["r0", "r1"], "colour": ["red", "blue"]},
                                   {"id": ["r0", "r1"], "name": [None, None], "title": ["", ""]}])  # fmt: skip
def test_a_table_without_a_usable_column_is_refused_with_the_remedy(
    entity: str, table: dict[str, Column], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame(table, schema=dict.fromkeys(table, pl.String)).write_csv(home / "t.csv")
    with pytest.raises(SystemExit) as ended:
        main(["match", "evaluate", "--entity", entity, "--left", str(home / "t.csv")])
    assert ended.value.code == 1
    assert "Map its columns with --columns" in capsys.readouterr().err
