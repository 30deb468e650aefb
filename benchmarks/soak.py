"""Kills at random moments: land, build of changes, build of all days in slices, and score, killed, run again, compared.

Both builds publish.

A simulated company is landed, built and scored once without disturbance, twice over, so that columns that differ from
run to run by themselves (times, ids of runs) are known and left out. Then, round after round: the company as it stood
before a step is restored, the step is started and killed with SIGKILL at a random moment — the whole process group, or
only the leader, so that its children live on — several times in a row, so that recovering is killed too, and then run
to its end. Compared is every published table and every landed row. A reader opens the published snapshot all the while
and checks every file against its manifest.

`make soak` makes 200 kills; `ARGS="--kills 20"` makes fewer. Figures go to RESULTS.md.
"""

import argparse
import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.run import HEADER, RESULTS, machine, read_sections
from twin.generate import generate
from twin.parameters import load_preset
from workspace.published import find_current, parquet_relation, sha256_of_table
from workspace.settings import Settings, quiet_environment

#: One history in files of 21 days; the step that is killed first lands the last four days, as a night would.
HISTORY = load_preset("demo", days=46, chunk_days=21)
KILLS_IN_A_ROW = 4
LAST_FILES = f"*_{HISTORY.last_day}.*"
STEPS = {
    "land": ["land", "demo", "{extracts}"],
    "build": ["run", "refresh"],
    "rebuild": ["run", "build", "--force"],
    "score": ["run", "score", "--force"],
}
#: So few that all days are built in several slices, as those of a large company are.
SLICE_ORDERS = 5_000
Digests = dict[tuple[str, str], tuple[int, str]]


class Company:
    """The company under test, in a home that is put back before each kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(home=folder / "home", company="demo")
        self.extracts = folder / "extracts"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start an `oi` command in a process group of its own."""
        environment = {
            **quiet_environment(), "OI_HOME": str(self.settings.home), "OI_COMPANY": "demo",
            "OI_SLICE_ORDERS": str(SLICE_ORDERS),
        }  # fmt: skip
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("oi")), *arguments], env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def step(self, name: str) -> subprocess.Popen[bytes]:
        """Start a step."""
        return self.start(*(part.format(extracts=self.extracts) for part in STEPS[name]))

    def finish(self, name: str) -> float:
        """Run a step to its end; returns its seconds.

        Raises:
            RuntimeError: it failed, with the end of what it said.
        """
        started, process = time.monotonic(), self.step(name)
        _, said = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{name} ended with {process.returncode}: {said.decode()[-2000:]}")
        return time.monotonic() - started

    def save(self, name: str) -> None:
        """Keep the home as it stands."""
        shutil.copytree(self.settings.home, self.folder / name, symlinks=True)

    def restore(self, name: str) -> None:
        """Put a kept home back."""
        shutil.rmtree(self.settings.home)
        shutil.copytree(self.folder / name, self.settings.home, symlinks=True)

    def digests(self) -> Digests:
        """Rows and content of every column of every published table, and of the landed rows."""
        paths, found = self.settings.paths, Digests()
        snapshot = find_current(paths.published)
        tables = {name: parquet_relation(snapshot.path(name)) for name in snapshot.tables} if snapshot else {}
        for folder in paths.landing.iterdir():
            if folder.is_dir() and next(folder.rglob("*.parquet"), None):
                files = f"'{folder}/**/*.parquet', union_by_name = true, hive_partitioning = false"
                tables[f"landing/{folder.name}"] = f"read_parquet({files})"
        with duckdb.connect(":memory:") as connection:
            for table, source in tables.items():
                names = [row[0] for row in connection.execute(f"describe select * from {source}").fetchall()]
                sums = ", ".join(f'cast(sum(hash("{name}")) as varchar)' for name in names)
                row = connection.execute(f"select count(*), {sums} from {source}").fetchone() or ()
                found |= {(table, name): (int(row[0]), str(value)) for name, value in zip(names, row[1:], strict=True)}
        return found


class Reader(threading.Thread):
    """Opens the published snapshot again and again, as the console does, and notes what it could not read."""

    def __init__(self, published: Path) -> None:
        super().__init__(daemon=True)
        self.published, self.stop, self.looks = published, threading.Event(), 0
        self.unreadable: list[str] = []

    def run(self) -> None:
        """Look until told to stop."""
        while not self.stop.wait(0.2):
            try:
                snapshot = find_current(self.published)
                for table, entry in snapshot.tables.items() if snapshot else ():
                    if snapshot and sha256_of_table(snapshot.path(table)) != entry["sha256"]:
                        self.unreadable.append(f"{table} of {snapshot.version} differs from its manifest")
                self.looks += 1
            except Exception as error:  # whatever keeps a reader from reading is a finding
                self.unreadable.append(repr(error))


def tell(what: str) -> None:
    """Say on stderr where the soak is, and when: preparing takes minutes."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def prepare(company: Company) -> tuple[dict[str, Digests], dict[str, set[tuple[str, str]]], dict[str, float]]:
    """Make the company, keep it before each step, and find out what each step gives and which columns never repeat."""
    whole = company.folder / "whole"
    tell("generate")
    generate(HISTORY, whole, company.folder / "truth")
    shutil.copytree(whole, company.extracts, ignore=shutil.ignore_patterns(LAST_FILES))
    for arguments in (("land", "demo", str(company.extracts)), ("run", "everything")):
        tell(f"oi {' '.join(arguments[:2])}")
        process = company.start(*arguments)
        _, said = process.communicate()
        if process.returncode:
            raise RuntimeError(f"oi {' '.join(arguments)} failed: {said.decode()[-2000:]}")
    shutil.copytree(whole, company.extracts, dirs_exist_ok=True)
    expected, restless, seconds = {}, {}, {}
    for name in STEPS:
        company.save(f"before-{name}")
        tell(f"{name} in peace, twice")
        company.finish(name)
        first = company.digests()
        company.restore(f"before-{name}")
        seconds[name] = company.finish(name)
        tell(f"{name} takes {seconds[name]:.0f} s")
        expected[name] = company.digests()
        restless[name] = {key for key in first if first[key] != expected[name].get(key)}
    return expected, restless, seconds


def kill_once(company: Company, name: str, seconds: float, luck: random.Random) -> None:
    """Kill a step somewhere on its way, with its children or without them."""
    process = company.step(name)
    time.sleep(luck.uniform(0, seconds))
    kill = os.killpg if luck.random() < 0.7 else os.kill
    with contextlib.suppress(ProcessLookupError):
        kill(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr:
        process.stderr.close()


def compare(expected: Digests, restless: set[tuple[str, str]], found: Digests) -> dict[tuple[str, str], str]:
    """Columns that are not as expected, and what is wrong with each: `lost`, `doubled`, `changed`."""
    wrong = {}
    for key, (rows, digest) in expected.items():
        present, content = found.get(key, (0, ""))
        if present != rows:
            wrong[key] = "lost" if present < rows else "doubled"
        elif content != digest and key not in restless:
            wrong[key] = "changed"
    return wrong


def soak(kills: int, limit_seconds: float, seed: int) -> str:
    """Kill, run again, compare; returns the table of what was found."""
    luck, began = random.Random(seed), time.monotonic()
    done: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        company = Company(Path(folder))
        expected, restless, seconds = prepare(company)
        unreadable: list[str] = []
        looks = 0
        rounds = itertools.cycle(STEPS)
        while done.total() < kills and time.monotonic() - began < limit_seconds:
            name = next(rounds)
            company.restore(f"before-{name}")
            reader = Reader(company.settings.paths.published)
            reader.start()
            for _ in range(min(KILLS_IN_A_ROW, kills - done.total())):
                kill_once(company, name, seconds[name], luck)
                done[name] += 1
            try:
                company.finish(name)
                columns = compare(expected[name], restless[name], company.digests())
                wrong.update(columns.values())
                for (table, column), what in columns.items():
                    tell(f"{table}.{column} {what}")
            except RuntimeError as error:
                wrong["not completed"] += 1
                print(error, file=sys.stderr)
            reader.stop.set()
            reader.join()
            unreadable += reader.unreadable
            looks += reader.looks
            tell(f"{done.total()} kills, {name} {dict(wrong)} {unreadable[-1:]}")
    for text in sorted(set(unreadable)):
        print(text, file=sys.stderr)
    figures = {"lost": wrong["lost"], "doubled": wrong["doubled"], "otherwise changed": wrong["changed"],
               f"unreadable in {looks:,} looks of a reader": len(unreadable),
               "next run not completed": wrong["not completed"]}  # fmt: skip
    lines = ["| figure | goal | found |", "|---|---|---|"]
    lines.append(f"| kills ({', '.join(f'{name} {count}' for name, count in done.items())}) | 200 | {done.total()} |")
    return "\n".join(lines + [f"| {name} | 0 | {count} |" for name, count in figures.items()])


def main() -> int:
    """Soak and write the section of RESULTS.md; returns 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4 * 3600, help="Stop killing after this long.")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    started = time.monotonic()
    table = soak(chosen.kills, chosen.seconds, chosen.seed)
    command = f"make soak ARGS='--kills {chosen.kills} --seconds {chosen.seconds:.0f} --seed {chosen.seed}'"
    took = time.monotonic() - started
    sections = read_sections()
    sections["soak"] = (
        f"## soak\n\n{datetime.now(UTC):%Y-%m-%d}, {machine()}, `{command}`, {took:.0f} s.\n\n"
        f"{HISTORY.days - 4} of {HISTORY.days} days of the demo company, 4 more to come; {KILLS_IN_A_ROW} kills in a "
        f"row, then the run that must complete; 30 % of the kills spared the children.\n\n{table}\n"
    )
    RESULTS.write_text(HEADER + "".join(f"\n{sections[name]}" for name in sorted(sections)), encoding="utf-8")
    print(table)
    return int(any(not line.endswith("| 0 | 0 |") for line in table.splitlines()[3:]))


if __name__ == "__main__":
    sys.exit(main())
