"""The corpus of broken extracts gets the verdict that it should, and nothing of it is lost."""

from pathlib import Path

import pytest

from tests.corpus.broken_extracts import CASES, Case
from tests.support.shops import ORDER_COLUMNS, land_files, landed, make_adapter, quarantined
from workspace.settings import Settings


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_verdict(case: Case, settings: Settings, tmp_path: Path) -> None:
    spec = {"glob": "orders*.csv", "columns": ORDER_COLUMNS, **case.spec}
    adapter = make_adapter(tmp_path / "adapter", files={"orders": spec})
    (tmp_path / "extract").mkdir()
    report = land_files(settings, adapter, tmp_path / "extract", case.files)

    if case.refused:
        assert report.status == "refused"
        assert {p["rule"] for p in report.problems} == {case.refused}
        said = " ".join(str(p) for p in map(_sentence, report.problems))
        assert all(word in said for word in case.words), said
        assert all(p["remedy"] for p in report.problems)
        assert not settings.paths.landing.exists() or not list(settings.paths.landing.rglob("day=*"))
        assert len(list(settings.paths.landing_files.glob("*.json"))) == 1
        return

    assert report.status == "landed", report.problems
    rows = landed(settings, "orders", "_source_row, order_code")
    refused = quarantined(settings, "orders")
    assert len(rows) == case.landed
    assert dict(report.tables["orders"].reasons) == dict(case.reasons)
    assert {n: w.count for n, w in report.tables["orders"].warnings.items()} == dict(case.warnings)
    if case.lines:
        assert tuple(row[0] for row in rows) == case.lines
    total = report.tables["orders"].total
    assert (total.read, total.landed, total.quarantined) == (len(rows) + len(refused), len(rows), len(refused))
    assert total.read == sum(f.rows + f.malformed for f in report.files)


def _sentence(problem: dict[str, object]) -> str:
    from sources.problems import Problem

    return str(Problem(**problem))  # type: ignore[arg-type]


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 60
    assert len({c.name for c in CASES}) == len(CASES)
