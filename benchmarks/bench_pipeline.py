"""The warehouse build beside the same SQL run bare: what dbt, its tests, publication and validation cost, by size.

A simulated company with headline days (180,000 orders) is landed, matched and built. Both sides build every model from
the same landed Parquet into a new DuckDB file, in turn, large companies slice by slice (`OI_SLICE_ORDERS`); the bare
side executes the SQL that dbt compiled, in order of dependence, in one connection. Then the largest company gets one
more day.

`BENCH_DAYS` are the sizes in headline days of about 290,000 order lines (default `4`; 1, 3 and 10 million lines are
`4 11 35`), `BENCH_ORDERS` the orders of a day (default 180,000; with fewer, many days fit into an hour), `BENCH_ROUNDS`
how often each is built (default 1); `BENCH_ONE_MORE=0` leaves the one more day out.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median

from benchmarks.pipeline_steps import TARGET
from ml.core.matching.entities import ENTITIES
from ml.jobs.master import match_entity
from orchestration.defs.transform import STAGING, slice_variables
from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment
from sources.history import landing_history
from sources.landing import land
from sources.manifest import load_adapter
from twin.generate import generate
from twin.parameters import TwinParameters, load_preset
from workspace.settings import Settings, quiet_environment

SIZES = [int(days) for days in os.environ.get("BENCH_DAYS", "4").split()]
ORDERS = int(os.environ.get("BENCH_ORDERS", "180000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "1"))
ONE_MORE = os.environ.get("BENCH_ONE_MORE", "1") == "1"
#: Fewer master records than the preset's: matching them stands before the build, and is measured by bench_matching.
DEMAND = {"products": 2_000, "customers": 20_000}
BUILD = ["build", "--exclude-resource-type", "unit_test"]
DAY_GOAL, BUILD_GOAL, VALIDATION_GOAL, MEMORY_GOAL, EXPONENT_GOAL = 0.08, 1.3, 0.25, 6.0, 1.05


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds of one program, and the most memory in GiB that it held."""

    seconds: float
    processor: float
    memory: float = 0.0


@dataclass
class Taken:
    """What each round cost."""

    rounds: list[Cost] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """Wall seconds of the median round."""
        return median(cost.seconds for cost in self.rounds)

    @property
    def processor(self) -> float:
        """Processor seconds of the median round; on cores that are shared they grow too, but less."""
        return median(cost.processor for cost in self.rounds)

    @property
    def memory(self) -> float:
        """The most memory of a round, in GiB."""
        return max(cost.memory for cost in self.rounds)


@dataclass
class Measured:
    """One company: its order lines, landed rows, and what each step took."""

    days: int
    lines: int
    rows: int
    steps: dict[str, Taken]

    @property
    def build(self) -> float:
        """Wall seconds of dbt with its tests, and of publication."""
        return self.steps["dbt build with tests"].middle + self.steps["publication"].middle

    @property
    def build_processor(self) -> float:
        """Processor seconds of dbt with its tests, and of publication."""
        return self.steps["dbt build with tests"].processor + self.steps["publication"].processor


def run(arguments: list[str], settings: Settings) -> tuple[Cost, str]:
    """Run a program; gives what it cost, and what it printed.

    Raises:
        RuntimeError: it failed, with the end of what it said.
    """
    started = time.perf_counter()
    environment = {**quiet_environment(), **dbt_environment(settings)}
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}: {said[-2000:]}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20), said


def dbt(settings: Settings, *arguments: str) -> Cost:
    """Run dbt on the company's warehouse."""
    target = settings.paths.root / TARGET
    cost, _ = run(
        [str(EXECUTABLE), "--quiet", *arguments, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
         "--target-path", str(target), "--log-path", str(target)], settings,
    )  # fmt: skip
    return cost


def all_days(settings: Settings) -> list[str]:
    """Arguments of dbt for a build of all days, as the daily asset gives them."""
    variables = slice_variables(settings)
    return ["--vars", json.dumps(variables)] if variables else []


def step(settings: Settings, name: str) -> Cost:
    """Run a step of `pipeline_steps`; its seconds are its own, without those of its start."""
    whole, said = run([sys.executable, "-m", "benchmarks.pipeline_steps", name, str(settings.home)], settings)
    seconds, processor = map(float, said.split()[-2:])
    return Cost(seconds, processor, whole.memory)


def company_of(days: int) -> TwinParameters:
    """The headline preset over so many days, in a file a day."""
    preset = load_preset("headline")
    demand = preset.demand.model_copy(update={**DEMAND, "orders_per_day": float(ORDERS)})
    return preset.model_copy(update={"days": days, "demand": demand})


def tell(what: str) -> None:
    """Say on stderr where the benchmark is, and when."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def measure(folder: Path, days: int) -> tuple[Measured, Measured | None]:
    """One company built in every way; and for the largest, what its last day took when it came alone."""
    settings = Settings(home=folder / f"home-{days}", company="demo")
    parameters, whole = company_of(days), folder / f"whole-{days}"
    tell(f"generate {days} days")
    report = generate(parameters, whole, folder / f"truth-{days}")
    extracts = settings.paths.ensure().extracts
    is_largest = ONE_MORE and days == max(SIZES) and days > 1
    day: Measured | None = None
    if is_largest:
        last_files = shutil.ignore_patterns(f"*_{parameters.last_day}.*")
        shutil.copytree(whole, extracts, ignore=last_files, dirs_exist_ok=True)
        prepare(settings)
        tell("build the days before the last")
        dbt(settings, *BUILD, *all_days(settings))
        step(settings, "publication")
        step(settings, "validation")
        shutil.copytree(whole, extracts, dirs_exist_ok=True)
        day = one_more_day(settings)
    else:
        shutil.copytree(whole, extracts, dirs_exist_ok=True)
        prepare(settings)
    steps = {name: Taken() for name in ("bare", "dbt build with tests", "publication", "validation")}
    for _ in range(ROUNDS):
        for name, taken in steps.items():
            if name in ("bare", "dbt build with tests"):
                settings.paths.warehouse.unlink(missing_ok=True)
            tell(f"{days} days: {name}")
            cost = dbt(settings, *BUILD, *all_days(settings)) if name.startswith("dbt") else step(settings, name)
            tell(f"{cost.seconds:.1f} s, {cost.processor:.1f} of the processor, {cost.memory:.2f} GiB")
            taken.rounds.append(cost)
    landed = sum(t.total.landed for r in landing_history(settings) for t in r.tables.values())
    shutil.rmtree(settings.home)
    return Measured(days, report.lines, landed, steps), day


def prepare(settings: Settings) -> None:
    """Land, match and compile."""
    tell("land")
    report = land(settings, load_adapter("demo"), settings.paths.extracts, settle_seconds=0)
    if report.status != "landed":
        raise RuntimeError(f"The extract was {report.status}: {report.problems}")
    tell("match")
    dbt(settings, "build", "--select", *STAGING.split(), "--exclude-resource-type", "unit_test", "test")
    for entity in ENTITIES.values():
        match_entity(settings, entity)
    dbt(settings, "compile", *all_days(settings))


def one_more_day(settings: Settings) -> Measured:
    """Land the last day, build what it touched, publish, and validate what was not found sound before."""
    tell("one more day")
    started, processor = time.perf_counter(), time.process_time()
    report = land(settings, load_adapter("demo"), settings.paths.extracts, settle_seconds=0)
    landing = Cost(time.perf_counter() - started, time.process_time() - processor)
    tell("build changes")
    steps = {
        "landing": Taken([landing]),
        "dbt build with tests": Taken([dbt(settings, *BUILD, "--vars", "{changes: true}")]),
    }
    for name in ("publication", "validation"):
        steps[name] = Taken([step(settings, name)])
    read = sum(t.total.read for t in report.tables.values())
    dbt(settings, "compile", *all_days(settings))
    return Measured(1, 0, read, steps)


def exponent(companies: list[Measured], size: str, cost: str) -> float:
    """Slope of the logarithm of `cost` over that of `size`, both attributes of the companies."""
    sizes, costs = ([math.log(getattr(company, name)) for company in companies] for name in (size, cost))
    return linear_regression(sizes, costs).slope


def verdict(is_met: bool) -> str:
    """How a goal went."""
    return "met" if is_met else "**missed**"


def main() -> None:
    """Measure every size; print the tables and how each goal went."""
    with tempfile.TemporaryDirectory(prefix="bench-pipeline-") as name:
        found = [measure(Path(name), days) for days in SIZES]
    companies, day = [company for company, _ in found], next((day for _, day in found if day), None)
    print(f"Days of {ORDERS:,} orders of the twin with {DEMAND['products']:,} products and {DEMAND['customers']:,} "
          f"customers; {ROUNDS} round(s), bare and dbt in turn.\n")  # fmt: skip
    print("| order lines | landed rows | step | median s | ÷ bare | processor s | ÷ bare | peak GiB |")
    print("|---|---|---|---|---|---|---|---|")
    for company in companies:
        bare = company.steps["bare"]
        for step_name, taken in company.steps.items():
            shown = "the same SQL, bare DuckDB" if step_name == "bare" else step_name
            wall, processor = taken.middle / bare.middle, taken.processor / bare.processor
            print(f"| {company.lines:,} | {company.rows:,} | {shown} | {taken.middle:.1f} | {wall:.2f} | "
                  f"{taken.processor:.1f} | {processor:.2f} | {taken.memory:.2f} |")  # fmt: skip
    print("\nThe build is dbt with its tests, and publication.\n")
    for company in companies:
        ratio = company.build / company.steps["bare"].middle
        share = company.steps["validation"].middle / company.build
        memory = max(taken.memory for taken in company.steps.values())
        by_processor = company.build_processor / company.steps["bare"].processor
        print(f"- {company.lines:,} lines: build {ratio:.2f} × bare, by processor time {by_processor:.2f} "
              f"(at most {BUILD_GOAL}): {verdict(ratio <= BUILD_GOAL)}; peak {memory:.2f} GiB "
              f"(under {MEMORY_GOAL:.0f}): {verdict(memory < MEMORY_GOAL)}; validation of landing, master data, marts "
              f"and features {share:.0%} of the build (at most {VALIDATION_GOAL:.0%}): "
              f"{verdict(share <= VALIDATION_GOAL)}")  # fmt: skip
    if len(companies) > 1:
        for size, named in (("lines", "order lines"), ("rows", "landed rows")):
            wall, processor = exponent(companies, size, "build"), exponent(companies, size, "build_processor")
            print(f"- growth with the {named}: exponent {wall:.2f}, by processor time {processor:.2f} "
                  f"(at most {EXPONENT_GOAL}): {verdict(wall <= EXPONENT_GOAL)}")  # fmt: skip
    if day:
        validation = day.steps.pop("validation").middle
        whole, alone = companies[-1].build, sum(taken.middle for taken in day.steps.values())
        by_processor = sum(taken.processor for taken in day.steps.values()) / companies[-1].build_processor
        parts = ", ".join(f"{name} {taken.middle:.1f} s" for name, taken in day.steps.items())
        print(f"- one more day onto {companies[-1].days - 1}: {alone:.1f} s ({parts}), {alone / whole:.0%} of "
              f"the full build of {companies[-1].days} days, by processor time {by_processor:.0%} (at most "
              f"{DAY_GOAL:.0%} onto 30): {verdict(alone <= DAY_GOAL * whole)}; validation after it "
              f"{validation:.1f} s, of all rows {companies[-1].steps['validation'].middle:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
