"""The twin: orders generated per second, memory, the test-bed's speed, and what was asked beside what came out.

Every generation runs in a process of its own, whose peak memory and processor time the kernel tells.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 3
DAYS = {"demo": 90, "medium": 14, "headline": 5}

_GENERATE = """
import json, resource, sys, tempfile, time
from pathlib import Path
from twin.generate import generate
from twin.parameters import load_preset
name, days, root = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
generate(load_preset("demo", days=1), root / "warm", root / "warm_truth")
before = resource.getrusage(resource.RUSAGE_SELF)
made = generate(load_preset(name, days=days), root / "x", root / "truth")
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
size = sum(p.stat().st_size for p in (root / "x").rglob("*") if p.is_file())
calibration = json.loads((root / "truth" / "calibration.json").read_text())
print(json.dumps({"orders": made.orders, "seconds": made.seconds, "cpu": cpu, "gib": after.ru_maxrss / 2**20,
                  "mb": size / 1e6, "rows": sum(made.rows.values()), "calibration": calibration}))
"""
_SIMULATE = """
import json, time
from twin.dispatch import nearest
from twin.parameters import load_preset
from twin.testbed import simulate
from twin.world import build_world
world = build_world(load_preset("headline", days=2))
simulate(nearest(), build_world(load_preset("demo", days=1)), 1)
started = time.perf_counter()
outcome = simulate(nearest(), world, 1)
print(json.dumps({"rate": outcome.orders / (time.perf_counter() - started)}))
"""


def run(code: str, *arguments: str) -> dict:
    """Run a script in a fresh interpreter; it prints one JSON object."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def generate(preset: str) -> dict:
    """Generate a preset once into a passing folder."""
    with tempfile.TemporaryDirectory() as folder:
        return run(_GENERATE, preset, str(DAYS[preset]), str(Path(folder)))


def row(figure: str, goal: str, values: list[float], digits: int) -> str:
    """One line of the table: median and spread."""
    spread = f"{min(values):,.{digits}f}–{max(values):,.{digits}f}"
    return f"| {figure} | {goal} | {statistics.median(values):,.{digits}f} | {spread} |"


def main() -> None:
    """Print the figures and the calibration."""
    large = [generate("headline") for _ in range(ROUNDS)]
    small = [generate("demo") for _ in range(ROUNDS)]
    middle = generate("medium")
    bed = [run(_SIMULATE)["rate"] for _ in range(ROUNDS)]
    first = large[0]
    print(f"`headline`, {DAYS['headline']} days: {first['orders']:,} orders, {first['rows']:,} rows.\n")
    print("| figure | goal | median | min–max |\n|---|---|---|---|")
    print(row("headline, orders per second end to end", "≥ 30,000", [r["orders"] / r["seconds"] for r in large], 0))
    print(row("headline, orders per processor second", "", [r["orders"] / r["cpu"] for r in large], 0))
    print(row("headline, peak memory, GiB", "< 6", [r["gib"] for r in large], 2))
    print(row("demo, 90 days, seconds", "≤ 15", [r["seconds"] for r in small], 1))
    print(row("demo, 90 days, processor seconds", "", [r["cpu"] for r in small], 1))
    print(row("test-bed, headline, orders per second of one policy", "", bed, 0))
    print("\nAsked beside got (`oi twin calibration`):\n")
    print("| figure | asked | demo | medium | headline |\n|---|---|---|---|---|")
    for figure, cell in small[0]["calibration"].items():
        if figure == "orders_per_day":
            continue
        got = [result["calibration"][figure]["got"] for result in (small[0], middle, first)]
        asked = "" if cell["asked"] is None else f"{cell['asked']:g}"
        print(f"| {figure} | {asked} | " + " | ".join("" if value is None else f"{value:g}" for value in got) + " |")


if __name__ == "__main__":
    main()
