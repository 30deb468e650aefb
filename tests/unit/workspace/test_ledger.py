import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from workspace.ledger import Ledger
from workspace.users import Users


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def at(url: str) -> Ledger:
    folder = Path(url.removeprefix("sqlite:///")).parent
    return Ledger(url, Users(folder), folder / "ledger.head")


def write(url: str, count: int, actor: str = "lee") -> None:
    ledger = at(url)
    for number in range(count):
        ledger.append("promotions", "proposed", f"model/{number}", actor, "because", {"n": number, "名": "值"})
    ledger.close()


def test_events_come_back_in_order_and_the_chain_is_whole(url: str) -> None:
    write(url, 3)
    ledger = at(url)
    assert [event.payload["n"] for event in ledger.events("promotions")] == [0, 1, 2]
    assert [event.subject for event in ledger.events(subject="model/1")] == ["model/1"]
    assert ledger.verify() == []


@pytest.mark.parametrize(
    ("attack", "located"),
    [
        ("update ledger_events set actor = 'mallory' where sequence = 2", 2),
        ("update ledger_events set payload = '{}' where sequence = 3", 3),
        ("delete from ledger_events where sequence = 2", 3),
        ("update ledger_events set hash = previous_hash where sequence = 1", 1),
        ("delete from ledger_events where sequence = 1", 2),
    ],
)
def test_tampering_is_found_and_located(url: str, attack: str, located: int) -> None:
    write(url, 4)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute(attack)
    assert located in [finding.sequence for finding in at(url).verify()]


def test_writers_in_several_processes_lose_nothing(url: str) -> None:
    write(url, 0)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write, args=(url, 25, f"writer-{i}")) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    ledger = at(url)
    assert len(ledger.events()) == 100
    assert ledger.verify() == []
