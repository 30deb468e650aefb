import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event

import pytest

from workspace.settings import Settings
from workspace.warehouse import WarehouseBusy, open_warehouse, warehouse_lock


def _hold(settings: Settings, held: Event) -> None:
    with warehouse_lock(settings, "a long build"):
        held.set()
        time.sleep(60)


@pytest.fixture
def other_writer(settings: Settings):  # type: ignore[no-untyped-def]
    context = multiprocessing.get_context("fork")
    held = context.Event()
    process = context.Process(target=_hold, args=(settings, held))
    process.start()
    assert held.wait(30)
    yield process
    process.kill()
    process.join()


def test_a_second_writer_is_told_who_holds_the_warehouse_and_for_what(settings: Settings, other_writer) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WarehouseBusy, match="a long build") as refusal, open_warehouse(settings, "mine"):
        pass
    assert str(other_writer.pid) in str(refusal.value)


def test_a_writer_that_was_killed_leaves_the_warehouse_free(settings: Settings, other_writer) -> None:  # type: ignore[no-untyped-def]
    os.kill(other_writer.pid, signal.SIGKILL)
    other_writer.join()
    with open_warehouse(settings, "mine") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_next_writer_finds_what_the_last_one_wrote(settings: Settings) -> None:
    with open_warehouse(settings, "first") as connection:
        connection.execute("create table kept as select 42 as answer")
    with open_warehouse(settings, "second", read_only=True) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)
