"""`oi twin`: generate a simulated company, score the pipeline against its truth, compare policies.

Belongs here: the commands and how their results are shown. Does not belong here: the simulation (twin).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from twin.dispatch import Policy
    from twin.parameters import TwinParameters
    from twin.testbed import Comparison, Difference

app = typer.Typer(no_args_is_help=True, help="The simulated network: generate extracts, score, compare policies.")

Preset = Annotated[str, typer.Option(help="demo, medium or headline.")]
Parameters = Annotated[Path | None, typer.Option(help="YAML file of parameters, instead of a preset.")]
Days = Annotated[int | None, typer.Option(min=1, help="Days to simulate; the last day stays.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the world and its luck.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def generate(
    preset: Preset = "demo",
    parameters: Parameters = None,
    days: Days = None,
    seed: Seed = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the extracts; default: the demo company's.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder of the truth; default: `truth` beside --out.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Generate anew although it stands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write every system's extracts, and the truth in a folder of its own."""
    from dataclasses import asdict

    from orchestration.cli.printing import MESSAGES, RESULTS, print_json
    from twin.generate import generate as generate_twin
    from twin.generate import is_generated

    chosen = _parameters(preset, parameters, days, seed)
    out, truth = _places(out, truth)
    if not force and is_generated(chosen, out, truth):
        if as_json:
            print_json({"status": "stands", "extracts": str(out), "truth": str(truth)})
        else:
            RESULTS.print(f"{out} already holds exactly this company.", soft_wrap=True)
        return
    with _progress(as_json, f"{chosen.name}: {chosen.days} days") as told:
        report = generate_twin(chosen, out, truth, told)
    if as_json:
        print_json({"status": "generated", **asdict(report)})
        return
    RESULTS.print(
        f"{report.orders:,} orders with {report.lines:,} lines in {report.parcels:,} parcels over {report.days} days, "
        f"{len(report.rows)} files with {sum(report.rows.values()):,} rows, {report.seconds:.1f} s\n"
        f"extracts {report.extracts}\ntruth    {report.truth}", soft_wrap=True,
    )  # fmt: skip
    MESSAGES.print(f"Land it: oi land demo {report.extracts}", soft_wrap=True)


@app.command()
def calibration(
    preset: Preset = "demo",
    parameters: Parameters = None,
    days: Days = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Simulate without writing; show what was asked beside what came out."""
    from orchestration.cli.printing import print_json, print_table
    from twin.calibration import Calibration
    from twin.engine import Simulation
    from twin.world import build_world

    chosen = _parameters(preset, parameters, days, seed)
    world = build_world(chosen)
    counted = Calibration(world)
    with _progress(as_json, f"{chosen.name}: {chosen.days} days") as told:
        for result in Simulation(world).run():
            counted.add_day(result)
            told(result.day + 1, chosen.days)
    report = counted.report()
    if as_json:
        print_json(report)
    else:
        rows = [{"figure": name, **row} for name, row in report.items()]
        print_table(f"Calibration of {chosen.name}", rows, {"figure": "figure", "asked": "asked", "got": "got"})


@app.command()
def score(
    truth: Annotated[Path | None, typer.Option(help="Folder of the truth; default: the current company's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the published snapshot with the truth: who is the same, which orders are there, which labels wrong."""
    from dataclasses import asdict

    from orchestration.cli.printing import RESULTS, print_json, print_table
    from twin.score import score as score_snapshot
    from workspace.published import open_current
    from workspace.settings import load_settings

    paths = load_settings().paths
    result = score_snapshot(open_current(paths.published), truth or paths.truth)
    if as_json:
        print_json(asdict(result))
        return
    print_table("Records brought together, by pairs", [asdict(match) for match in result.matches], {
        "entity": "entity", "records": "records", "missing": "missing", "clusters": "golden", "true_entities": "true",
        "precision": "precision", "recall": "recall", "f1": "F1",
    })  # fmt: skip
    RESULTS.print(f"Orders: {result.orders_found:,} of {result.orders_true:,} found.")
    print_table("Late labels, and what truly happened against a fair promise",
    [asdict(label) for label in result.labels], {
        "region_code": "region (empty: all)", "orders": "orders", "late_share": "late", "true_late_share": "truly late",
        "wrong_share": "label wrong",
    })  # fmt: skip
    for name, reason in result.unavailable.items():
        RESULTS.print(f"Not scored: {name}; {reason}.")


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="historic, nearest, cheapest, or module:object.")],
    second: Annotated[str, typer.Argument(help="Policy to set against it.")],
    preset: Preset = "demo",
    parameters: Parameters = None,
    days: Days = None,
    seed: Seed = None,
    replications: Annotated[int, typer.Option(min=1, max=1000, help="Pairs of runs.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Run two policies on the same orders, stock and luck; show paired differences with 95 % intervals."""
    from dataclasses import asdict

    from orchestration.cli.printing import MESSAGES, print_json
    from twin.testbed import compare as compare_policies
    from twin.world import build_world

    chosen = _parameters(preset, parameters, days, seed)
    policies = [_policy(name, chosen) for name in (first, second)]
    if not as_json:
        MESSAGES.print(f"{replications} × 2 runs of {chosen.days} days …")
    result = compare_policies(policies[0], policies[1], build_world(chosen), replications)
    if as_json:
        print_json(asdict(result))
    else:
        _show(result)


def _show(result: "Comparison") -> None:
    from orchestration.cli.printing import print_table

    columns = {"figure": "figure", "first": result.first, "second": result.second, "mean": "difference",
               "low": "from", "high": "to", "verdict": ""}  # fmt: skip
    print_table(
        f"{result.second} minus {result.first}, {result.replications} replications", map(_row, result.overall), columns
    )
    for title, groups in (("region", result.by_region), ("tier", result.by_tier)):
        rows = [
            {"place": place, **_row(difference)} for place, differences in groups.items() for difference in differences
            if difference.figure in ("on_time_share", "cost_per_order", "hours_to_door")
        ]  # fmt: skip
        print_table(f"By {title}", rows, {"place": title, **columns})


def _row(difference: "Difference") -> dict[str, Any]:
    from dataclasses import asdict

    low, high = difference.low, difference.high
    sure = low is not None and high is not None and (low > 0 or high < 0)
    return {**asdict(difference), "verdict": "differs" if sure else "one run" if low is None else "no difference shown"}


def _parameters(preset: str, path: Path | None, days: int | None, seed: int | None) -> "TwinParameters":
    from twin.parameters import BadParameters, load_parameters, load_preset

    try:
        if path:
            return load_parameters(path, days=days, seed=seed)
        return load_preset(preset, days=days, seed=seed)
    except BadParameters as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _policy(name: str, parameters: "TwinParameters") -> "Policy":
    """A rule policy by name, or what `module:object` names (a policy, or a class or function that makes one)."""
    import importlib

    from twin.dispatch import rule_policy

    module, colon, attribute = name.partition(":")
    try:
        if not colon:
            return rule_policy(name, parameters)
        found: Any = getattr(importlib.import_module(module), attribute)
        return found() if isinstance(found, type) or not hasattr(found, "decide") else found
    except (ImportError, AttributeError, KeyError) as error:
        typer.echo(f"A policy is historic, nearest, cheapest, or module:object; got {name!r} ({error}).", err=True)
        raise typer.Exit(2) from error


def _places(out: Path | None, truth: Path | None) -> tuple[Path, Path]:
    from workspace.settings import DEFAULT_COMPANY, CompanyPaths, load_settings

    if out is None:
        paths = CompanyPaths(load_settings().home, DEFAULT_COMPANY)
        return paths.extracts, truth or paths.truth
    return out, truth or out.absolute().parent / "truth"


def _progress(quiet: bool, title: str) -> Any:
    from contextlib import contextmanager

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from orchestration.cli.printing import MESSAGES

    @contextmanager
    def shown() -> Any:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=MESSAGES, transient=True, disable=quiet) as progress:
            task = progress.add_task(title, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    return shown()
