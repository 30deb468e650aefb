"""The store of landed rows changes as a whole, or not at all."""

import os
from pathlib import Path

import pytest

from sources.store import LandingBusy, landing_lock, next_version
from workspace.settings import CompanyPaths


@pytest.fixture
def paths(tmp_path: Path) -> CompanyPaths:
    return CompanyPaths(tmp_path, "acme").ensure()


def _write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def _seen(paths: CompanyPaths) -> dict[str, str]:
    roots = (paths.landing, paths.quarantine, paths.landing_files)
    files = [p for root in roots for p in root.rglob("*") if p.is_file()]
    return {str(p.relative_to(paths.root)): p.read_text() for p in files}


def test_versions_add_up(paths: CompanyPaths) -> None:
    for number in (1, 2, 3):
        with next_version(paths) as building:
            _write(building, f"landing/orders/day=2026-01-0{number}/b{number}.parquet", str(number))
            _write(building, "landing/orders/empty.parquet", f"shape {number}")
            _write(building, f"landing_files/b{number}.json", "{}")
    assert _seen(paths) == {
        **{f"landing/orders/day=2026-01-0{n}/b{n}.parquet": str(n) for n in (1, 2, 3)},
        "landing/orders/empty.parquet": "shape 3",
        **{f"landing_files/b{n}.json": "{}" for n in (1, 2, 3)},
    }


def test_an_error_while_building_leaves_everything_as_it_was(paths: CompanyPaths) -> None:
    with next_version(paths) as building:
        _write(building, "landing/a.parquet", "1")

    def fail() -> None:
        with next_version(paths) as building:
            _write(building, "landing/b.parquet", "2")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert _seen(paths) == {"landing/a.parquet": "1"}
    assert not list((paths.root / ".landed").glob(".building-*"))


def test_files_that_lay_in_plain_folders_are_kept(paths: CompanyPaths) -> None:
    _write(paths.landing, "orders/day=2026-01-01/old.parquet", "old")
    with next_version(paths) as building:
        _write(building, "landing/orders/day=2026-01-01/new.parquet", "new")
    assert _seen(paths) == {
        "landing/orders/day=2026-01-01/old.parquet": "old", "landing/orders/day=2026-01-01/new.parquet": "new",
    }  # fmt: skip
    paths.ensure()


def test_what_a_crash_left_is_cleared(paths: CompanyPaths) -> None:
    with next_version(paths) as building:
        _write(building, "landing/a.parquet", "1")
    store = paths.root / ".landed"
    _write(store, ".building-999/landing/half.parquet", "half")
    _write(store, "v77/landing/never_pointed_at.parquet", "x")
    (store / ".link").symlink_to("v77")
    with next_version(paths) as building:
        _write(building, "landing/b.parquet", "2")
    assert _seen(paths) == {"landing/a.parquet": "1", "landing/b.parquet": "2"}
    assert not (store / ".building-999").exists()
    assert not (store / "v77").exists()


def test_a_reader_keeps_the_file_names_it_listed(paths: CompanyPaths) -> None:
    with next_version(paths) as building:
        _write(building, "landing/a.parquet", "1")
    listed = list(paths.landing.rglob("*.parquet"))
    opened = listed[0].open()
    for number in range(4):
        with next_version(paths) as building:
            _write(building, f"landing/b{number}.parquet", "2")
    assert listed[0].read_text() == "1"
    assert opened.read() == "1"
    opened.close()
    assert len(list((paths.root / ".landed").glob("v*"))) <= 3


def test_a_second_landing_waits_and_is_told_who_holds_it(paths: CompanyPaths) -> None:
    with landing_lock(paths, 0), pytest.raises(LandingBusy, match=rf"acme.*{os.getpid()}"), landing_lock(paths, 0.1):
        pass
    with landing_lock(paths, 0):
        pass
