"""`oi models train`: train a version by hand, from the label as recorded or from the repaired one.

Belongs here: the command. Does not belong here: training (ml/jobs), the repair (ml/jobs/repair).
"""

from typing import Annotated

import typer

from orchestration.cli.deciding import DEFAULT_MODEL, AsJson, Model


def train(
    model: Model = DEFAULT_MODEL,
    label: Annotated[str, typer.Option("--label", help="What is learned from: recorded or repaired.")] = "recorded",
    as_json: AsJson = False,
) -> None:
    """Train a model on the published data; audit and gates follow with `oi run train_and_audit`.

    The repaired label takes faults out that the label layer of the audit proved: late scans everywhere, tighter
    promises and unexplained hours where they were proven. The version, its card and its audit say which was learned.

    Exit codes: 0 trained, or the same version exists; 1 it cannot be learned from; 2 wrong usage.
    """
    from ml.jobs.repair import LABELS, RECORDED
    from ml.jobs.trainings import TRAININGS
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.published import open_current
    from workspace.settings import load_settings

    if model not in TRAININGS:
        raise typer.BadParameter(f"--model is one of {', '.join(TRAININGS)}; got {model!r}")
    if label not in LABELS:
        raise typer.BadParameter(f"--label is {' or '.join(LABELS)}; got {label!r}")
    if label != RECORDED and model != DEFAULT_MODEL:
        raise typer.BadParameter(f"Only the label of {DEFAULT_MODEL} can be repaired; {model} has another one.")
    settings = load_settings()
    report = TRAININGS[model](label=label).run(settings, open_current(settings.paths.published))
    if as_json:
        print_json({"status": report.status, "model": report.model, "version": report.version, "label": label,
                    "reason": report.reason, "metrics": dict(report.numbers)})  # fmt: skip
        return
    RESULTS.print(f"{report.model}/{report.version} {report.status} from the label as {label}. {report.reason}")
