"""`oi train`: learn a yes/no column of anybody's table, with the backtest and report of the platform's own models.

Belongs here: the command, its options and how the result is shown. Does not belong here: learning (ml/jobs/table).

Exit codes: 0 done · 1 the table cannot be learned from · 2 wrong usage.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def train(
    table: Annotated[Path, typer.Option("--table", help="Parquet, CSV or TSV file.")],
    target: Annotated[str, typer.Option("--target", help="Column that holds 0 or 1, empty while not known.")],
    time: Annotated[str, typer.Option("--time", help="Column of the moment at which the prediction is made.")],
    group: Annotated[list[str] | None, typer.Option("--group", help="Column to split and audit by.")] = None,
    key: Annotated[str, typer.Option("--key", help="Column that identifies a row.")] = "",
    known_at: Annotated[str, typer.Option("--known-at", help="Column of when the label became known.")] = "",
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Column that is no feature.")] = None,
    folds: Annotated[int, typer.Option("--folds", min=1, help="Stretches of the backtest.")] = 4,
    minimum_support: Annotated[int, typer.Option("--minimum-support", help="Fewest rows to judge a group.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the evidence.")] = Path("training_report"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Learn a yes/no column of a table, judge it by rolling origins against simple rules, audit it by group."""
    from ml.jobs.table import TableJob
    from orchestration.cli.printing import MESSAGES, RESULTS, print_json
    from workspace.settings import load_settings

    job = TableJob(
        table, target, time, key, known_at or None, tuple(group or ()), tuple(exclude or ()), folds, minimum_support,
        load_settings().threads, seed,
    )  # fmt: skip
    with MESSAGES.status("Learning and judging"):
        report = job.run(out)
    if as_json:
        print_json(
            {"rows": report.rows, "judged": report.judged, "metrics": dict(report.numbers),
             "audit_verdict": report.audit_verdict or None, "folder": str(report.folder)}
        )  # fmt: skip
        return
    from rich.markdown import Markdown

    RESULTS.print(Markdown(report.markdown))
    if report.audit_verdict:
        RESULTS.print(f"Audit by {', '.join(group or [])}: {report.audit_verdict}", markup=False)
    RESULTS.print(f"{report.rows:,} rows, {report.judged:,} judged; evidence in {report.folder}", markup=False)
