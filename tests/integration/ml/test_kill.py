"""SIGKILL between any two steps of a promotion."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from ml.io.gate_limits import load_limits
from ml.io.stores import open_stores
from ml.jobs import desk

MODEL = "late-delivery-risk"


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_the_old_champion_or_the_new(waiting, tmp_path):
    company = waiting.copied(tmp_path / "home")
    with open_stores(company.settings) as stores:
        desk.approve(stores, MODEL, "2", company.signer("grace"), "read the report", load_limits())
    shutil.copytree(company.settings.home, tmp_path / "copy")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.kill_promotion", str(company.settings.home), str(tmp_path / "copy")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    left = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(left) > 6
    for found in left:
        assert found["ledger"] in ("1", "2")
        assert found["alias"] in ("1", "2")
        assert found["served"] == found["ledger"]
        assert found["findings"] == 0
        assert found["mended"] == []
    champions = [found["ledger"] for found in left]
    assert champions == sorted(champions)
    assert {champions[0], champions[-1]} == {"1", "2"}
    assert any(found["alias"] != found["ledger"] for found in left), "no kill fell between ledger and alias"
