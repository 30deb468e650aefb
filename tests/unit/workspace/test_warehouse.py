import multiprocessing
import os
import re
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.lib.dbt import PROJECT, dbt_environment
from workspace.locks import owner_of
from workspace.settings import Settings
from workspace.warehouse import WarehouseBusy, duckdb_config, open_warehouse, warehouse_lock


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


def test_a_waiting_writer_says_for_whom_it_waits(settings: Settings, other_writer, caplog) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WarehouseBusy), warehouse_lock(settings, "mine"):
        pass
    assert [f"process {other_writer.pid} since 0 s (a long build)" in line for line in caplog.messages] == [True]


def test_a_note_that_a_killed_owner_left_is_known_as_stale(settings: Settings, other_writer) -> None:  # type: ignore[no-untyped-def]
    lock = settings.paths.warehouse_lock
    owner = owner_of(lock)
    assert owner is not None
    assert (owner.pid, owner.purpose) == (other_writer.pid, "a long build")
    os.kill(other_writer.pid, signal.SIGKILL)
    other_writer.join()
    assert "a long build" in lock.read_text(encoding="utf-8")
    assert owner_of(lock) is None


def _keep_open(settings: Settings, held: Event, seconds: float) -> None:
    connection = duckdb.connect(str(settings.paths.warehouse))
    held.set()
    time.sleep(seconds)
    connection.close()


@pytest.mark.parametrize(("seconds", "is_refused"), [(0.1, False), (60.0, True)])
def test_a_child_that_outlived_its_killed_parent_is_waited_for(
    settings: Settings, seconds: float, is_refused: bool
) -> None:
    with open_warehouse(settings, "make it") as connection:
        connection.execute("create table kept as select 1")
    context = multiprocessing.get_context("fork")
    held = context.Event()
    orphan = context.Process(target=_keep_open, args=(settings, held, seconds))
    orphan.start()
    assert held.wait(30)
    try:
        if is_refused:
            with pytest.raises(WarehouseBusy, match=f"process {orphan.pid}, whose run was killed"):
                open_warehouse(settings, "mine").__enter__()
        else:
            with open_warehouse(settings, "mine") as connection:
                assert connection.execute("from kept").fetchall() == [(1,)]
    finally:
        orphan.kill()
        orphan.join()


def test_work_beyond_the_memory_limit_spills_into_the_folder_that_the_settings_name(tmp_path: Path) -> None:
    fast_disk = tmp_path / "fast"
    settings = Settings(home=tmp_path / "home", company="acme", memory_limit="96MB", spill_folder=fast_disk)
    with open_warehouse(settings, "a build") as connection:
        # About 400 MB: it cannot be sorted in memory.
        connection.execute(
            "create temp table wide as select random() as r, md5(i::varchar) as t from range(6000000) n(i)"
        )
        spilt = connection.execute("select path from duckdb_temporary_files()").fetchall()
        assert spilt
        assert all(Path(path).is_relative_to(fast_disk / "acme") for (path,) in spilt)
        [(rows, smallest)] = connection.execute(
            "select count(*), min(t) from (select * from wide order by t)"
        ).fetchall()
    assert (rows, smallest < "0001") == (6_000_000, True)
    assert not (settings.paths.root / "spill").exists()


def test_dbt_is_given_the_same_limits(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, company="acme", memory_limit="96MB", threads=1, spill_folder=tmp_path / "fast")
    given = dbt_environment(settings)
    profile = yaml.safe_load((PROJECT / "profiles.yml").read_text(encoding="utf-8"))
    options = profile["order_intelligence"]["outputs"]["duckdb"]["config_options"]
    asked = {name: re.findall(r"env_var\('(\w+)'", str(value)) for name, value in options.items()}
    for name, value in duckdb_config(settings, settings.paths).items():
        assert given[asked[name][0]] == str(value) if asked[name] else options[name] == value, name
