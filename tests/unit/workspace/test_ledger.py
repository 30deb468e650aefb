"""The ledger on both of its stores: SQLite, and a real PostgreSQL."""

import hashlib
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.postgres import cluster
from workspace import links
from workspace.ledger import Ledger
from workspace.users import Users


@dataclass(frozen=True)
class Place:
    """Where a ledger is: its address, and the folder of its people and its head."""

    url: str
    folder: Path

    def open(self) -> Ledger:
        return Ledger(self.url, Users(self.folder), self.folder / "ledger.head")

    def write(self, count: int, actor: str = "system:lee") -> None:
        with closing(self.open()) as ledger:
            for number in range(count):
                ledger.append("promotions", "proposed", f"model/{number}", actor, "because", {"n": number, "名": "值"})

    def execute(self, statement: str) -> None:
        """Change the store by hand, behind the ledger's back."""
        with create_engine(self.url, poolclass=NullPool).begin() as connection:
            connection.execute(text(statement))

    def findings(self) -> list[int]:
        with closing(self.open()) as ledger:
            return [finding.sequence for finding in ledger.verify()]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a server of this module's own."""
    with cluster() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty ledger."""
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path)
    server, name = request.getfixturevalue("postgres"), f"test_{uuid4().hex}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"create database {name}"))
    return Place(f"{server}/{name}", tmp_path)


def test_events_come_back_in_order_and_the_chain_is_whole(place: Place) -> None:
    place.write(3)
    with closing(place.open()) as ledger:
        assert [event.payload["n"] for event in ledger.events("promotions")] == [0, 1, 2]
        assert [event.subject for event in ledger.events(subject="model/1")] == ["model/1"]
        assert ledger.verify() == []


@pytest.mark.parametrize(
    ("attack", "located"),
    [
        ("update ledger_events set actor = 'mallory' where sequence = 2", 2),
        ("update ledger_events set payload = '{}' where sequence = 3", 3),
        ("update ledger_events set signature = (select signature from ledger_events where sequence = 1)", 2),
        ("delete from ledger_events where sequence = 2", 3),
        ("update ledger_events set hash = previous_hash where sequence = 1", 1),
        ("delete from ledger_events where sequence = 1", 2),
        ("delete from ledger_events where sequence = 4", 4),
        ("update ledger_events set sequence = case sequence when 2 then -2 else sequence end", -2),
    ],
)
def test_tampering_is_found_and_located(place: Place, attack: str, located: int) -> None:
    place.write(4)
    place.execute(attack)
    assert located in place.findings()


def test_writers_in_several_processes_lose_nothing(place: Place) -> None:
    place.write(0)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=place.write, args=(25, f"system:writer-{i}")) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with closing(place.open()) as ledger:
        assert len(ledger.events()) == 100
        assert ledger.verify() == []


def test_writers_of_other_machines_who_share_no_lock_lose_nothing(place: Place, tmp_path: Path) -> None:
    """Two homes with the same keys and ledger, as on two machines: only the store itself can keep them apart."""
    place.write(1)
    others = [tmp_path / f"machine-{number}" for number in range(3)]
    for folder in others:
        folder.mkdir()
        (folder / "signing-keys").symlink_to(place.folder / "signing-keys")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=Place(place.url, folder).write, args=(15,)) for folder in others]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with closing(place.open()) as ledger:
        assert len(ledger.events()) == 46
        assert ledger.verify() == []


def test_a_long_ledger_is_checked_by_several_processes_to_the_same_effect(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workspace.ledger.VERIFY_ALONE", 1)
    monkeypatch.setattr("workspace.ledger.VERIFY_ROWS", 2)
    place.write(7)
    assert place.findings() == []
    stolen = "select signature from ledger_events where sequence = 1"
    place.execute(f"update ledger_events set signature = ({stolen}) where sequence = 6")
    assert place.findings() == [6]


def test_events_after_a_cut_do_not_hide_it_until_somebody_accepts_the_end(place: Place) -> None:
    place.write(4)
    place.execute("delete from ledger_events where sequence > 2")
    place.write(5)
    assert place.findings() == [4]
    with closing(place.open()) as ledger:
        ledger.accept_head()
    assert place.findings() == []
    place.write(1)
    place.execute("delete from ledger_events where sequence = 8")
    assert place.findings() == [8]


@given(st.lists(st.text() | st.integers(), max_size=6))
def test_the_digest_of_values_is_that_of_their_json(values):
    """Written by hand for speed; whoever checks an excerpt elsewhere uses a JSON library."""
    assert links._sha256(values) == hashlib.sha256(json.dumps(values).encode()).hexdigest()
