"""A change of the contract is refused until its table has the version that the change asks for."""

from dataclasses import replace
from pathlib import Path

import pytest

from sources.contract_versions import (
    ContractChangeRefused,
    asked_version,
    changes_of,
    faults_of_versions,
    keep_versions,
    read_versions,
)
from sources.contracts import Column, RowRule, Table, load_contract


def _column(name: str, kind: str = "VARCHAR", **more) -> Column:
    given = {"required": False, "key_position": None, "personal_data": "none", "purpose": "p", "retention_days": 1}
    return Column(name=name, type=kind, description="d", **{**given, **more})


KEY = _column("code", required=True, key_position=1)
SIZE = _column("size", "INTEGER", minimum=0, maximum=9)
STATE = _column("state", allowed=("open", "shut"))
BEFORE = Table("things", "d", "One row per thing.", "1.2.3", False, None, None, (KEY, SIZE, STATE), ())
RULE = RowRule("r", "size > 1", "error", "conformity", "d")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    keep_versions({"things": BEFORE}, tmp_path / "versions.yaml")
    return tmp_path / "versions.yaml"


def _columns(*columns: Column) -> Table:
    return replace(BEFORE, columns=columns)


CASES = {
    "same": (BEFORE, "1.2.3"),
    "described better": (replace(BEFORE, description="better"), "1.2.4"),
    "optional column added": (_columns(KEY, SIZE, STATE, _column("note")), "1.3.0"),
    "required column added": (_columns(KEY, SIZE, STATE, _column("note", required=True)), "2.0.0"),
    "column removed": (_columns(KEY, SIZE), "2.0.0"),
    "type widened": (_columns(KEY, replace(SIZE, type="BIGINT"), STATE), "1.3.0"),
    "type narrowed": (_columns(KEY, SIZE, replace(STATE, type="INTEGER")), "2.0.0"),
    "now required": (_columns(KEY, replace(SIZE, required=True), STATE), "2.0.0"),
    "no longer required": (_columns(replace(KEY, required=False), SIZE, STATE), "1.3.0"),
    "value added": (_columns(KEY, SIZE, replace(STATE, allowed=("open", "shut", "ajar"))), "1.3.0"),
    "value removed": (_columns(KEY, SIZE, replace(STATE, allowed=("open",))), "2.0.0"),
    "any value": (_columns(KEY, SIZE, replace(STATE, allowed=())), "1.3.0"),
    "minimum raised": (_columns(KEY, replace(SIZE, minimum=1), STATE), "2.0.0"),
    "maximum raised": (_columns(KEY, replace(SIZE, maximum=99), STATE), "1.3.0"),
    "pattern set": (_columns(replace(KEY, pattern="^A"), SIZE, STATE), "2.0.0"),
    "unit changed": (_columns(KEY, replace(SIZE, unit="cm"), STATE), "2.0.0"),
    "rule added": (replace(BEFORE, rules=(RULE,)), "2.0.0"),
    "table required": (replace(BEFORE, required=True), "2.0.0"),
}


@pytest.mark.parametrize(("table", "version"), CASES.values(), ids=CASES)
def test_a_change_asks_for_its_version(kept: Path, table: Table, version: str) -> None:
    assert asked_version("1.2.3", changes_of(read_versions(kept)["things"], table)) == version
    faults = faults_of_versions({"things": table}, read_versions(kept))
    assert bool(faults) == (version != "1.2.3")
    assert faults_of_versions({"things": replace(table, version=version)}, read_versions(kept)) == []


@pytest.mark.parametrize(
    ("before", "now", "asked"),
    [("DECIMAL(18,2)", "DECIMAL(20,4)", "1.1.0"), ("DECIMAL(18,2)", "DECIMAL(18,4)", "2.0.0"),
     ("DATE", "TIMESTAMP", "1.1.0"), ("TIMESTAMP", "DATE", "2.0.0"), ("DOUBLE", "VARCHAR", "1.1.0")],
)  # fmt: skip
def test_a_type_that_holds_all_earlier_values_is_wider(tmp_path: Path, before: str, now: str, asked: str) -> None:
    def table(kind: str) -> Table:
        return replace(_columns(KEY, _column("x", kind)), version="1.0.0")

    keep_versions({"things": table(before)}, tmp_path / "v.yaml")
    assert asked_version("1.0.0", changes_of(read_versions(tmp_path / "v.yaml")["things"], table(now))) == asked


def test_a_refusal_says_what_changed_and_what_to_do_and_writes_nothing(kept: Path) -> None:
    bytes_before = kept.read_bytes()
    with pytest.raises(ContractChangeRefused, match=r"column state removed.*is 1\.2\.3 after.*`version: 2\.0\.0`"):
        keep_versions({"things": _columns(KEY, SIZE)}, kept)
    assert kept.read_bytes() == bytes_before


def test_a_version_may_not_go_back_and_a_table_may_not_vanish(kept: Path) -> None:
    assert "went back" in faults_of_versions({"things": replace(BEFORE, version="1.2.2")}, read_versions(kept))[0]
    assert "removed" in faults_of_versions({}, read_versions(kept))[0]


def test_the_changelog_keeps_every_version(kept: Path) -> None:
    grown = replace(_columns(KEY, SIZE, STATE, _column("note")), version="1.3.0")
    assert keep_versions({"things": grown}, kept) == ["things"]
    assert keep_versions({"things": grown}, kept) == []
    log = [(e["version"], e["changes"]) for e in read_versions(kept)["things"]["changelog"]]
    assert log == [("1.2.3", ["first version"]), ("1.3.0", ["[minor] column note added"])]


def test_every_rule_and_column_of_the_contract_survives_being_kept(tmp_path: Path) -> None:
    keep_versions(path=tmp_path / "versions.yaml")
    kept = read_versions(tmp_path / "versions.yaml")
    assert {n: changes_of(kept[n], t) for n, t in load_contract().items()} == {n: [] for n in load_contract()}
