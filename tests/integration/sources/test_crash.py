"""A landing that is killed leaves what was there before, and the next one completes."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sources.history import landing_history
from sources.landing import land
from sources.manifest import load_adapter
from tests.support.shops import landed, make_adapter, order, orders_csv, quarantined, write_files
from workspace.settings import Settings

ROWS, DAYS, KILLS = 2000, 40, 6

_CHILD = """
import sys
from pathlib import Path
from sources.landing import land
from sources.manifest import load_adapter
from workspace.settings import Settings
home, adapter, extract = map(Path, sys.argv[1:])
settings, adapter = Settings(home=home, company="acme"), load_adapter(adapter)
print("ready", flush=True)
report = land(settings, adapter, extract, settle_seconds=0)
print(report.status, flush=True)
"""


def _start(settings: Settings, tmp_path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(settings.home), str(tmp_path / "adapter"), str(tmp_path / "x")],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def _visible(settings: Settings) -> tuple[int, int, int, int]:
    """Landed rows, different codes, quarantined rows and landings, as any reader sees them."""
    if not settings.paths.landing.is_dir() or not list(settings.paths.landing.glob("orders/day=*")):
        return 0, 0, 0, len(landing_history(settings))
    rows, codes = landed(settings, "orders", "count(*) over (), order_code")[0][0], len(landed(settings, "orders"))
    return rows, codes, len(quarantined(settings, "orders")), len(landing_history(settings))


@pytest.mark.slow
def test_kills_at_any_moment_leave_all_or_nothing(settings: Settings, tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapter")
    lines = [
        order(f"A{n}", ordered_at=f"2026-0{1 + n % DAYS // 20}-{1 + n % 20:02d} 10:00:00", promised_at="")
        for n in range(ROWS)
    ]
    write_files(tmp_path / "x", {"orders.csv": orders_csv(*lines, "broken")})
    nothing, everything = (0, 0, 0, 0), (ROWS, ROWS, 1, 1)

    child = _start(settings, tmp_path)
    began = time.monotonic()
    assert child.communicate()[0] == "landed\n"
    whole = time.monotonic() - began
    assert _visible(settings) == everything
    shutil.rmtree(settings.home)

    outcomes = []
    for kill in range(KILLS):
        child = _start(settings, tmp_path)
        time.sleep(whole * kill / KILLS)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        outcomes.append(_visible(settings))
        assert outcomes[-1] in (nothing, everything), f"after kill {kill}"
        if outcomes[-1] == everything:
            shutil.rmtree(settings.home)
    assert nothing in outcomes

    child = _start(settings, tmp_path)
    assert child.communicate()[0] in ("landed\n", "already_landed\n")
    assert _visible(settings) == everything
    hidden = [p.name for p in settings.paths.root.iterdir() if p.name.startswith(".scratch")]
    assert hidden == []
    assert not list((settings.paths.root / ".landed").glob(".building-*"))


def test_a_full_disk_leaves_what_was_there_and_says_so(settings: Settings, tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapter")
    write_files(tmp_path / "x", {"orders.csv": orders_csv(order("A1"))})
    land(settings, load_adapter(tmp_path / "adapter"), tmp_path / "x", settle_seconds=0)
    write_files(tmp_path / "x", {"orders_2.csv": orders_csv(*(order(f"B{n}") for n in range(ROWS)))})
    # A limit on the size of files is how a test gets a full disk: writing on ends with an error.
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))\n" + _CHILD
    child = subprocess.run(
        [sys.executable, "-c", limited, str(settings.home), str(tmp_path / "adapter"), str(tmp_path / "x")],
        capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert child.returncode != 0
    assert "LandingFailed" in child.stderr
    assert "land again" in child.stderr
    assert _visible(settings)[0] == 1
    assert len(landing_history(settings)) == 1
    assert land(settings, load_adapter(tmp_path / "adapter"), tmp_path / "x", settle_seconds=0).status == "landed"
    assert _visible(settings)[0] == 1 + ROWS


@pytest.mark.slow
def test_a_reader_never_sees_half_a_landing(settings: Settings, tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapter")
    adapter = load_adapter(tmp_path / "adapter")
    write_files(tmp_path / "x", {"orders.csv": orders_csv(*(order(f"A{n}") for n in range(500)))})
    land(settings, adapter, tmp_path / "x", settle_seconds=0)
    days = [f"2026-01-{1 + n % 28:02d} 10:00:00" for n in range(ROWS)]
    lines = (order(f"B{n}", ordered_at=day) for n, day in enumerate(days))
    write_files(tmp_path / "x", {"orders_2.csv": orders_csv(*lines)})
    child = _start(settings, tmp_path)
    seen = set()
    while child.poll() is None:
        # Codes begin with A in the first landing and with B in the second, which must come as one.
        seen.add(len(landed(settings, "orders", "order_code")))
    child.communicate()
    seen.add(len(landed(settings, "orders", "order_code")))
    assert seen == {500, 500 + ROWS}
