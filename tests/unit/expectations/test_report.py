"""Reports are kept for ever, whole or not at all, and read back as they were."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from expectations import report as reporting
from expectations.report import CheckResult, InvalidRunId, ValidationReport
from workspace.settings import Settings

PASSED = CheckResult("t.a", "t", "Rule", "error", "passed", "0 of 9 rows", "a holds", "Because.", value=1.5)
WARNED = replace(PASSED, id="t.b", severity="warning", status="failed", sample=({"x": "1", "y": None},))
FAILED = replace(PASSED, id="t.c", status="failed", unexpected_count=3, unexpected_pct=33.3)


def report(run_id: str = "run", *checks: CheckResult, started: str = "2026-05-01T00:00:00+00:00") -> ValidationReport:
    """A report of boundary `marts`."""
    return ValidationReport("marts", run_id, started, 0.1, {"t": 9}, checks or (PASSED,))


def test_only_failed_errors_make_a_report_fail() -> None:
    assert report("run", PASSED, WARNED).success
    assert not report("run", PASSED, FAILED).success


def test_a_report_reads_back_as_it_was_written(settings: Settings) -> None:
    saved = reporting.save_report(settings, report("run", PASSED, WARNED, FAILED))
    assert saved == report("run", PASSED, WARNED, FAILED)
    assert saved.path is not None
    assert reporting.load_report(saved.path) == saved
    assert json.loads(saved.path.read_text())["success"] is False


def test_a_run_id_that_comes_again_overwrites_nothing(settings: Settings) -> None:
    names = [reporting.save_report(settings, report("run")).name for _ in range(3)]
    assert names == ["run", "run~2", "run~3"]
    assert len(reporting.reports(settings, "marts")) == 3


def test_concurrent_writers_of_one_run_id_lose_nothing(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reporting.save_report(settings, report("run")), range(24)))
    assert len(reporting.reports(settings, "marts")) == 24
    assert list((settings.paths.validations / "marts").glob(".writing-*")) == []


@pytest.mark.parametrize("run_id", ["", "../up", "a/b", ".hidden", "a b", "x" * 200, "run~2", "line\n"])
def test_a_run_id_that_cannot_name_a_file_is_refused(settings: Settings, run_id: str) -> None:
    with pytest.raises(InvalidRunId, match="Rename the run"):
        reporting.save_report(settings, report(run_id))


def test_a_half_written_file_is_not_read(settings: Settings) -> None:
    reporting.save_report(settings, report("run"))
    (settings.paths.validations / "marts" / ".writing-x.json").write_text("{")
    assert [r.name for r in reporting.reports(settings, "marts")] == ["run"]


def test_a_report_of_a_later_format_is_refused_with_a_remedy(settings: Settings) -> None:
    path = reporting.save_report(settings, report("run")).path
    assert path is not None
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(ValueError, match=r"format 9; this version reads 1\. Upgrade"):
        reporting.load_report(path)


def test_history_and_matrix_follow_each_check_over_runs(settings: Settings) -> None:
    runs = [
        report("one", PASSED, started="2026-05-01T00:00:00+00:00"),
        report("two", PASSED, WARNED, started="2026-05-02T00:00:00+00:00"),
        report("three", replace(FAILED, id="t.a"), WARNED, started="2026-05-03T00:00:00+00:00"),
    ]
    for given in runs:
        reporting.save_report(settings, given)
    rows = reporting.history(settings)
    assert [(row.run_id, row.check_id, row.status) for row in rows] == [
        ("one", "t.a", "passed"), ("two", "t.a", "passed"), ("two", "t.b", "failed"),
        ("three", "t.a", "failed"), ("three", "t.b", "failed"),
    ]  # fmt: skip
    matrix = reporting.matrix(settings, "marts")
    assert matrix.runs == ("one", "two", "three")
    assert matrix.statuses == {"t.a": ("passed", "passed", "failed"), "t.b": (None, "failed", "failed")}
    assert matrix.as_markdown().splitlines()[2:] == ["| t.a | P | P | F |", "| t.b |  | W | W |"]
    assert [r.run_id for r in reporting.reports(settings, "marts", last=2)] == ["two", "three"]
    latest = reporting.latest(settings, "marts")
    assert latest is not None
    assert latest.run_id == "three"


def test_nothing_validated_yet_is_no_error(settings: Settings) -> None:
    assert reporting.history(settings) == []
    assert reporting.latest(settings, "marts") is None
