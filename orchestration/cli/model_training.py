"""`oi models train`: train a version by hand, from the label as recorded or from the repaired one.

Belongs here: the command. Does not belong here: training (ml/jobs/train), the repair (ml/jobs/repair).
"""

from typing import Annotated

import typer


def train(
    label: Annotated[str, typer.Option("--label", help="What is learned from: recorded or repaired.")] = "recorded",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Train late-delivery-risk on the published data; audit and gates follow with `oi run train_and_audit`.

    The repaired label takes faults out that the label layer of the audit proved: late scans everywhere, tighter
    promises and unexplained hours where they were proven. The version, its card and its audit say which was learned.

    Exit codes: 0 trained, or the same version exists; 1 it cannot be learned from; 2 wrong usage.
    """
    from ml.jobs.repair import LABELS
    from ml.jobs.train import TrainJob
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.published import open_current
    from workspace.settings import load_settings

    if label not in LABELS:
        raise typer.BadParameter(f"--label is {' or '.join(LABELS)}; got {label!r}")
    settings = load_settings()
    report = TrainJob(label=label).run(settings, open_current(settings.paths.published))
    if as_json:
        print_json({"status": report.status, "model": report.model, "version": report.version, "label": label,
                    "reason": report.reason, "metrics": dict(report.numbers)})  # fmt: skip
        return
    RESULTS.print(f"{report.model}/{report.version} {report.status} from the label as {label}. {report.reason}")
