"""Runs the benchmarks and writes their figures to RESULTS.md, one section a benchmark.

A benchmark is a script `bench_<subject>.py` beside this file that prints markdown to stdout. Sections of benchmarks
that were not run this time keep what was measured before, with its own date and machine.

Usage: `make bench`, or `make bench ARGS="console routing"` for some of them.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
HEADER = """# Benchmark results

Written by `make bench`. Ratios between two programs come from runs in turn in one session; absolute times are of the
machine named in the section. A goal that was missed is marked as missed.
"""


def main() -> int:
    """Run the named benchmarks, or all; returns the number that failed."""
    subjects = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of: {', '.join(subjects)}")
    chosen = parser.parse_args().subjects or subjects
    if unknown := set(chosen) - set(subjects):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(subjects)}")
    sections = read_sections()
    failed = 0
    for subject in chosen:
        print(f"== {subject}", file=sys.stderr, flush=True)
        section = measure(subject)
        if section is None:
            failed += 1
            continue
        sections[subject] = section
        RESULTS.write_text(HEADER + "".join(f"\n{sections[name]}" for name in sorted(sections)), encoding="utf-8")
    return failed


def measure(subject: str) -> str | None:
    """Run one benchmark; returns its section, or None if it failed."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.bench_{subject}"],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{subject} failed with exit code {done.returncode}", file=sys.stderr)
        return None
    return (
        f"## {subject}\n\n{datetime.now(UTC):%Y-%m-%d}, {machine()}, "
        f"`make bench ARGS={subject}`, {time.monotonic() - started:.0f} s.\n\n{done.stdout.strip()}\n"
    )


def machine() -> str:
    """Cores, memory and interpreter, without naming the host."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {gigabytes:.0f} GiB, Python {platform.python_version()}"


def read_sections() -> dict[str, str]:
    """Sections of the present results by subject."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^## (\w+)\n", RESULTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: f"## {name}\n{body.rstrip()}\n" for name, body in zip(parts[1::2], parts[2::2], strict=True)}


if __name__ == "__main__":
    sys.exit(main())
