"""The evidence pack of a promoted version: whole, in two languages, and checkable without the platform."""

import hashlib
import json
import subprocess
import sys
import zipfile

import pytest
from typer.testing import CliRunner

from ml.jobs.pack import NothingToPack, PackJob
from ml.jobs.pack_texts import ANNEX_IV, TEXTS
from orchestration.cli.evidence import app


@pytest.fixture(scope="module")
def pack(promoted):
    return PackJob("1", promoted.spec).run(promoted.settings)


def check(folder, excerpt=None):
    """What the pack's own program says of its excerpt, or of a changed one."""
    path = folder / "ledger.json"
    if excerpt is not None:
        path = folder.parent / "changed.json"
        path.write_text(json.dumps(excerpt))
    return subprocess.run([sys.executable, str(folder / "verify.py"), str(path)], capture_output=True, text=True)


def test_it_holds_every_part_in_both_languages_and_the_sums_of_all(pack):
    stems = ("index", "data_sheet", "impact", "annex")
    pages = {f"{stem}.{language}.md" for stem in stems for language in TEXTS}
    parts = {"dossier.json", "ledger.json", "verify.py", "model_card.md", "evaluation.json", "fairness.en.html",
             "fairness.zh.html", "SHA256SUMS"}  # fmt: skip
    assert pages | parts <= set(pack.files)
    sums = dict(line.split("  ")[::-1] for line in (pack.folder / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == set(pack.files) - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((pack.folder / name).read_bytes()).hexdigest() == digest
    with zipfile.ZipFile(pack.archive) as archive:
        assert set(archive.namelist()) == {f"{pack.folder.name}/{name}" for name in pack.files}


def test_pages_are_filled_and_what_is_missing_is_printed_as_missing(pack):
    english, chinese = ((pack.folder / f"index.{language}.md").read_text() for language in TEXTS)
    missing = [point for point, *_, parts in ANNEX_IV if not parts]
    assert len(pack.missing) == len(missing)
    assert all(f"- {what}" in english for what in pack.missing)
    assert "附件四条目 8：" in chinese.replace(": ", "：")
    assert "north" in (pack.folder / "impact.zh.md").read_text()
    assert "system:gates" in (pack.folder / "impact.en.md").read_text()
    assert "feat_order_delivery" in (pack.folder / "data_sheet.zh.md").read_text()
    assert "**缺失**" in (pack.folder / "annex.zh.md").read_text()


def test_both_languages_say_the_same_things():
    assert TEXTS["en"].keys() == TEXTS["zh"].keys()


def test_the_excerpt_is_proved_without_the_platform(pack):
    done = check(pack.folder)
    assert (done.returncode, "5 events hold" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (lambda e: e["events"][3].update(actor="wang.li"), "event 4 is not what the chain holds"),
        (lambda e: e["links"][1].update(at="2020-01-01T00:00:00+00:00"), "link 2 was changed"),
        (lambda e: e["links"].pop(2), "does not follow"),
        (lambda e: e["links"][2].update(signature=e["links"][1]["signature"]), "not signed with the key"),
        (lambda e: e["head"].update(hash="0" * 64), "does not end at the stated head"),
    ],
)
def test_a_changed_excerpt_is_found(pack, change, answer):
    excerpt = json.loads((pack.folder / "ledger.json").read_text())
    change(excerpt)
    done = check(pack.folder, excerpt)
    assert done.returncode == 1
    assert answer in done.stdout


def test_without_an_audit_the_fairness_report_is_missing_and_said_so(company):
    company.train()
    from ml.jobs.promote import PromoteJob

    PromoteJob(company.spec).run(company.settings, company.snapshot)
    pack = PackJob("1", company.spec).run(company.settings)
    assert "fairness report" in pack.missing
    assert "missing" in (pack.folder / "impact.en.md").read_text()


def test_the_command_prints_what_is_missing_and_refuses_a_version_that_is_not_there(promoted, monkeypatch):
    monkeypatch.setenv("OI_HOME", str(promoted.settings.home))
    monkeypatch.setenv("OI_COMPANY", promoted.settings.company)
    shown = CliRunner().invoke(app, ["1"])
    assert shown.exit_code == 0, shown.output
    assert "missing: point of Annex IV 8" in shown.stdout
    with pytest.raises(NothingToPack, match="has no dossier"):
        PackJob("../../1", promoted.spec).run(promoted.settings)
