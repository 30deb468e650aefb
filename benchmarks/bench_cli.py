"""Start of the command line: `oi --help` beside a bare interpreter and beside Dagster's own command."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

BINARIES = Path(sys.executable).parent
COMMANDS = {
    "`oi --help`": [str(BINARIES / "oi"), "--help"],
    "`python -c pass`": [sys.executable, "-c", "pass"],
    "`dg --version`": [str(BINARIES / "dg"), "--version"],
    "`dagster --version`": [str(BINARIES / "dagster"), "--version"],
}
ROUNDS = 11
GOAL_SECONDS = 0.5


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the figures; the commands take turns, so that a change of the machine's speed meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(ROUNDS + 1):
        for name, command in COMMANDS.items():
            taken = seconds(command)
            if turn:
                times[name].append(taken)
    ours = statistics.median(times["`oi --help`"])
    print("| command | median s | min–max s | `oi --help` ÷ it |\n|---|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {median:.3f} | {min(taken):.3f}–{max(taken):.3f} | {ours / median:.2f} |")
    verdict = "met" if ours <= GOAL_SECONDS else "**missed**"
    print(f"\nGoal: `oi --help` under {GOAL_SECONDS} s: {verdict}.")


if __name__ == "__main__":
    main()
