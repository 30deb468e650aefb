from pathlib import Path

import duckdb
import pytest

from workspace.published import NothingPublished, Snapshot, find_current, open_current, publish


def parquet(path: Path, query: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published"


def test_before_the_first_publication_readers_are_told_what_to_run(published: Path) -> None:
    with pytest.raises(NothingPublished, match="oi run everything"):
        open_current(published)


def test_a_snapshot_states_rows_and_answers_queries(published: Path, tmp_path: Path) -> None:
    snapshot = publish(
        published, {"fct": parquet(tmp_path / "a.parquet", "from range(3)")}, {"as_of": "2026-01-01"}, keep=3
    )
    assert snapshot.tables["fct"]["rows"] == 3
    assert snapshot.notes == {"as_of": "2026-01-01"}
    with snapshot.connect() as connection:
        assert connection.execute("select sum(range) from fct").fetchone() == (3,)


def test_equal_content_is_not_published_twice(published: Path, tmp_path: Path) -> None:
    first = publish(published, {"fct": parquet(tmp_path / "a.parquet", "select 1 as x")}, {}, keep=3)
    second = publish(published, {"fct": parquet(tmp_path / "b.parquet", "select 1 as x")}, {}, keep=3)
    assert second.version == first.version
    assert [p.name for p in published.iterdir() if p.is_dir()] == [first.version]


def test_tables_not_published_anew_are_carried_over(published: Path, tmp_path: Path) -> None:
    publish(published, {"old": parquet(tmp_path / "a.parquet", "select 1 as x")}, {}, keep=3)
    snapshot = publish(published, {"new": parquet(tmp_path / "b.parquet", "select 2 as x")}, {}, keep=3)
    with snapshot.connect() as connection:
        assert connection.execute("select old.x, new.x from old, new").fetchone() == (1, 2)


def test_a_reader_keeps_its_snapshot_while_it_is_collected(published: Path, tmp_path: Path) -> None:
    first = publish(published, {"fct": parquet(tmp_path / "0.parquet", "select 0 as x")}, {}, keep=0)
    stream = first.path("fct").open("rb")
    publish(published, {"fct": parquet(tmp_path / "1.parquet", "select 1 as x")}, {}, keep=0)
    assert not first.folder.exists()
    assert stream.read(4) == b"PAR1"
    stream.close()


def test_old_snapshots_are_kept_as_asked(published: Path, tmp_path: Path) -> None:
    versions = [
        publish(published, {"fct": parquet(tmp_path / f"{i}.parquet", f"select {i} as x")}, {}, keep=2).version
        for i in range(5)
    ]
    assert sorted(p.name for p in published.iterdir() if p.is_dir()) == versions[-3:]


def test_a_publication_that_fails_leaves_the_last_one_in_service(published: Path, tmp_path: Path) -> None:
    first = publish(published, {"fct": parquet(tmp_path / "a.parquet", "select 1 as x")}, {}, keep=3)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 cut short")
    with pytest.raises(duckdb.Error):
        publish(published, {"fct": broken}, {}, keep=3)
    current = find_current(published)
    assert current is not None
    assert current.version == first.version
    assert not list(published.glob(".building-*"))


def test_a_snapshot_under_lease_outlives_its_turn_and_goes_once_it_is_let_go(published: Path, tmp_path: Path) -> None:
    def put(value: int) -> Snapshot:
        return publish(published, {"fct": parquet(tmp_path / "x.parquet", f"select {value} as x")}, {}, keep=0)

    first = put(0)
    with first.lease(), first.connect() as connection:
        put(1)
        assert connection.execute("select x from fct").fetchone() == (0,)
    put(2)
    assert not first.folder.exists()
    with pytest.raises(FileNotFoundError):
        first.lease()
