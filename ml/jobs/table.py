"""Training on anybody's table: the same backtest, evidence and audit as for the platform's own models, in a folder.

Belongs here: the job on a file. Does not belong here: registering and promoting; a table of somebody's own has no
published snapshot to score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import skops.io

from ml.core.features import Roles
from ml.core.risk_model import Plan
from ml.io.audit_reports import save_report
from ml.io.data import file_table, read_rows
from ml.io.gate_limits import load_limits
from ml.jobs.audit import JUDGED_MEASURE, audit_backtest
from ml.jobs.catalogue import ModelSpec
from ml.jobs.evidence import flat_metrics
from ml.jobs.learning import learn_and_judge
from ml.jobs.train import evidence_files, made_from_facts, report_markdown
from workspace.files import write_atomically

MODEL_FILE = "model.skops"


@dataclass(frozen=True)
class TableReport:
    """What a table showed.

    Attributes:
        rows: Rows of the table.
        judged: Rows judged out of time.
        numbers: Metric → value, with `_low` and `_high`.
        audit_verdict: Of the audit by the first group; empty without groups.
        markdown: Metrics, segments and notes.
        folder: Where the evidence lies.
    """

    rows: int
    judged: int
    numbers: Mapping[str, float]
    audit_verdict: str
    markdown: str
    folder: Path


@dataclass(frozen=True)
class TableJob:
    """Learn a yes/no column of a file and judge the result by rolling origins.

    Attributes:
        file: Parquet or CSV.
        target: Column that holds 0 or 1, null where it is not known yet.
        time: Column of the moment at which the prediction is made.
        key: Column that identifies a row; the row's place in the order of time if empty.
        known_at: Column of the moment at which the label became known.
        groups: Columns by which the result is split and audited; they are no features.
        excluded: Further columns that are no features.
        folds: Stretches of the backtest.
        minimum_support: Fewest rows at which a group is judged.
        threads: Fits that run side by side.
        seed: Seed of everything random.
    """

    file: Path
    target: str
    time: str
    key: str = ""
    known_at: str | None = None
    groups: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    folds: int = 4
    minimum_support: int = 100
    threads: int = 1
    seed: int = 0
    plan: Plan = field(default_factory=Plan)

    def run(self, out: Path) -> TableReport:
        """Learn, judge, audit, and write the evidence below `out`.

        Raises:
            UnusableTable: the file cannot be learned from; says why and what to do.
        """
        source = file_table(self.file)
        roles = Roles(self.key or self.time, self.time, self.target, self.known_at, None, self.groups, self.groups[:1],
                      self.excluded)  # fmt: skip
        spec = ModelSpec(self.target, f"Probability that {self.target} is 1", source.name, roles, self.plan, self.folds,
                         seed=self.seed)  # fmt: skip
        frame, features = read_rows(source, roles)
        # Nothing can have been predicted in the future: such times are errors of the table.
        now = pd.Timestamp.now(tz="UTC")
        learned = learn_and_judge(frame, features, spec, now, self.minimum_support, self.threads)
        files = evidence_files(learned, spec, made_from_facts(source, self.seed, ""))
        for name, content in {**files, MODEL_FILE: skops.io.dumps(learned.fitted.model)}.items():
            write_atomically(out / name, content)
        verdict = ""
        if self.groups:
            audit = audit_backtest(learned.backtest, spec, self.minimum_support, load_limits().fairness_tolerance)
            save_report(out / "audit", audit, {"title": f"{self.target} in {self.file.name}"})
            verdict = audit.metrics[JUDGED_MEASURE].verdict
        numbers = flat_metrics(learned.overall, learned.latest)
        return TableReport(len(frame), len(learned.backtest), numbers, verdict, report_markdown(learned), out)
