"""The whole way on the real orders, where they are present."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workspace.published import find_current

OI = Path(sys.executable).parent / "oi"


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_real_orders_go_the_whole_way_and_agree_with_what_is_known_of_them(tmp_path: Path, real_data: Path) -> None:
    environment = {"OI_HOME": str(tmp_path), "PATH": ""}
    landed = subprocess.run([OI, "land", "olist", str(real_data / "olist"), "--json"], capture_output=True, text=True,
                            env=environment, check=False)  # fmt: skip
    assert landed.returncode == 0, landed.stderr
    done = subprocess.run(
        [OI, "run", "everything", "--json"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    summary = json.loads(done.stdout)["summary"]

    # Delivered orders are a 42.06 % sample, the same in each region: rates by region need no weight.
    late = {row["region"]: row for row in summary["on_time_by_region"]}
    known = {
        "BR-AL": (23.1, 6.3),
        "BR-MA": (18.2, 4.0),
        "BR-BA": (15.2, 2.0),
        "BR-RJ": (13.5, 1.0),
        "BR-SP": (5.8, 0.4),
    }
    for region, (rate, tolerance) in known.items():
        assert late[region]["late_pct"] == pytest.approx(rate, abs=tolerance), region
    total = sum(row["orders"] for row in late.values())
    assert 100 * sum(row["late"] for row in late.values()) / total == pytest.approx(8.06, abs=0.3)
    model = summary["models"][0]
    assert model["state"] in {"champion", "proposed", "evaluated"}
    assert all(gate["reason"] for gate in model["gates"])
    assert find_current(tmp_path / "olist" / "published") is not None
