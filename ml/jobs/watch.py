"""Watching the champion: newest orders against those it was judged on, and what has come true since it was trained.

Belongs here: the job, which rows are compared, whether retraining is due and why. Does not belong here: measures and
limits (ml/core/watching), who is told (orchestration).

Three sets of rows, all read from the snapshot that is scored, at most `MOST_ROWS` of them, chosen by a hash of the key:
*reference* — placed between the first row that the backtest judged and the end of the training; *newest* — placed in
the last `window`, open or not, so that slow orders are not missing; *settled* — labels that became known and mature
after the training ended.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.core.features import FeatureSet
from ml.core.intervals import ClusterBootstrap
from ml.core.lead_times import STATED_COVERAGE
from ml.core.lifecycle import Version
from ml.core.metrics import evaluate, segments
from ml.core.splits import timeline
from ml.core.watching import (
    FEWEST_ROWS,
    Finding,
    WatchLimits,
    excess_surprise,
    watch_inputs,
    watch_performance,
    watch_predictions,
)
from ml.io.champion import NoChampion, load_champion
from ml.io.data import TableSource, published_table, read_batches
from ml.io.registry import LoadedModel
from ml.io.stores import open_stores
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.learning import days_of
from ml.jobs.train import EVALUATION
from workspace.files import write_atomically
from workspace.published import Snapshot
from workspace.settings import Settings

BATCH_ROWS, MOST_ROWS = 100_000, 300_000
WATCH = "watch.json"
#: Columns of the ten most important that must have moved for inputs alone to ask for retraining.
IMPORTANT, MOVED = 10, 3
#: Rows that must have become known since the training, as a share of those learned from.
NEWS_SHARE = 0.02


@dataclass(frozen=True)
class WatchReport:
    """What a look found.

    Attributes:
        status: `watched`, or `refused` without a champion.
        model, version: The champion; version is empty when refused.
        as_of: The moment that the snapshot describes, ISO 8601.
        snapshot: Its version.
        rows: Rows by set: `reference`, `newest`, `settled`.
        findings: All comparisons.
        is_due: Whether retraining is advised.
        why: The advice in words.
    """

    status: str
    model: str
    version: str
    as_of: str
    snapshot: str
    rows: Mapping[str, int]
    findings: tuple[Finding, ...]
    is_due: bool
    why: str

    def alarms(self, subject: str = "") -> list[Finding]:
        """Findings that ring, of one subject or of all."""
        return [finding for finding in self.findings if finding.is_alarm and subject in ("", finding.subject)]

    def markdown(self, subject: str = "", limit: int = 40) -> str:
        """Findings as a table, those that ring first."""
        chosen = [finding for finding in self.findings if subject in ("", finding.subject)]
        chosen.sort(key=lambda finding: not finding.is_alarm)
        lines = ["| | what | region | found |", "|---|---|---|---|"]
        for finding in chosen[:limit]:
            mark = "**alarm**" if finding.is_alarm else ""
            lines.append(f"| {mark} | {finding.name} | {finding.region} | {finding.sentence} |".replace("\n", " "))
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "status": self.status, "model": self.model, "version": self.version, "as_of": self.as_of,
            "snapshot": self.snapshot, "rows": dict(self.rows), "is_due": self.is_due, "why": self.why,
            "findings": [finding.as_dict() for finding in self.findings],
        }  # fmt: skip


@dataclass(frozen=True)
class WatchJob:
    """Look at the champion.

    Attributes:
        spec: The model.
        window: Length of the newest stretch; whole weeks, so that weekdays weigh the same on both sides.
        limits: From where on a change rings.
    """

    spec: ModelSpec = field(default=LATE_DELIVERY)
    window: timedelta = timedelta(days=14)
    limits: WatchLimits = field(default_factory=WatchLimits)

    def run(self, settings: Settings, snapshot: Snapshot) -> WatchReport:
        """Compare, and keep the report beside the version's evidence as `watch.json`.

        Raises:
            ArtifactMismatch, DossierBroken: the champion's files are not those that were approved.
            UnusableTable: the snapshot lacks the table or a column that the champion reads.
        """
        source = published_table(snapshot, self.spec.table, self.spec.view)
        with open_stores(settings) as stores:
            try:
                champion = load_champion(stores, self.spec.name)
            except NoChampion as error:
                return WatchReport("refused", self.spec.name, "", "", snapshot.version, {}, (), False, str(error))
            version = stores.promotions.history(self.spec.name).version(champion.version)
            folder = stores.report_folder(self.spec.name, champion.version)
            judged = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
            rows = _read(source, self.spec, champion.features, judged["judged"]["from"])
            rows = with_prediction(rows, champion, self.spec, source)
            rows["region"] = rows[self.spec.roles.groups[0]]
            report = self._compare(rows, source, version, champion.features, judged, champion.version)
        write_atomically(folder / WATCH, json.dumps(report.as_dict(), indent=1, allow_nan=False))
        return report

    def _compare(self, rows: pd.DataFrame, source: TableSource, version: Version, features: FeatureSet,
                 judged: Mapping[str, Any], name: str) -> WatchReport:  # fmt: skip
        times = timeline(rows, self.spec.roles, source.as_of)
        as_of = times.horizon if source.as_of is None else source.as_of
        trained_until = pd.Timestamp(version.evaluated["made_from"]["as_of"] or judged["judged"]["to"])
        newest_since = as_of - self.window
        reference = rows[times.made_at < min(trained_until, newest_since)]
        newest = rows[times.made_at >= newest_since]
        settled = rows[times.labelled & (times.usable_from > trained_until)]
        area = judged["backtest"].get("roc_auc", {}).get("value")
        found = [
            *watch_inputs(reference, newest, features, judged["importance"], self.limits),
            *watch_predictions(reference, newest, self.limits, area),
            *self._performance(settled, {} if area is None else {"roc_auc": area}),
        ]
        counts = {"reference": len(reference), "newest": len(newest), "settled": len(settled)}
        learned_from = max(fold["rows_learned"] for fold in judged["folds"])
        is_due, why = advise(found, judged["importance"], len(settled) / max(learned_from, 1))
        few = [f"{count} {what}" for what, count in counts.items() if count < FEWEST_ROWS]
        if few:
            why += f" Not compared for lack of orders: {', '.join(few)}, fewer than {FEWEST_ROWS}."
        return WatchReport("watched", self.spec.name, name, as_of.isoformat(), source.snapshot, counts, tuple(found),
                           is_due, why)  # fmt: skip

    def _performance(self, settled: pd.DataFrame, judged: Mapping[str, float]) -> list[Finding]:
        if len(settled) < FEWEST_ROWS:
            return []
        outcome = settled[self.spec.roles.target].to_numpy(dtype="float64")
        predicted = settled["predicted"].to_numpy()
        days = days_of(settled, self.spec.roles.time)
        bootstrap = ClusterBootstrap(days, self.spec.replicates, self.spec.seed)
        by_region = segments(settled, ["region"], outcome, predicted, days, FEWEST_ROWS, self.spec.replicates,
                             self.spec.seed)  # fmt: skip
        excess = excess_surprise(outcome, predicted, bootstrap)
        return watch_performance(evaluate(outcome, predicted, bootstrap), excess, by_region, judged, self.limits)


def _read(source: TableSource, spec: ModelSpec, features: FeatureSet, since: str) -> pd.DataFrame:
    """Rows placed since a moment with roles and features, thinned by a hash of the key when they are too many."""
    numbers, roles = features.of_kind("number"), spec.roles
    columns = list(dict.fromkeys([*roles.named, *features.of_kind("category")]))
    moment = pd.Timestamp(since).tz_convert("UTC").tz_localize(None)
    every = max(1, -(-source.count // MOST_ROWS))
    where = f'"{roles.time}" >= timestamp \'{moment}\' and hash("{roles.key}") % {every} = 0'
    batches = list(read_batches(source, columns, numbers, where, BATCH_ROWS))
    return pa.Table.from_batches(batches).to_pandas() if batches else pd.DataFrame(columns=[*columns, *numbers])


def with_prediction(rows: pd.DataFrame, champion: LoadedModel, spec: ModelSpec, source: TableSource) -> pd.DataFrame:
    """Rows with `predicted`, and for hours with the label that an interval's promise makes: 1 where an order left it.

    An order says something of its interval once the upper bound has passed; before that only the quick ones speak.
    """
    if spec.answer == "probability":
        return rows.assign(predicted=champion.predict(rows))
    hours = rows[spec.roles.target].to_numpy(dtype="float64")
    stated = champion.estimator.predict(rows)
    age = (source.as_of - pd.to_datetime(rows[spec.roles.time], utc=True)) / pd.Timedelta(hours=1)
    outside = (hours < stated["lower_hours"]) | (hours > stated["upper_hours"])
    speaks = np.isfinite(hours) & (age > stated["upper_hours"])
    return rows.assign(**{"predicted": 1 - STATED_COVERAGE, spec.roles.target: outside.where(speaks).astype("float64")})


def advise(findings: Sequence[Finding], importance: Mapping[str, float], news_share: float) -> tuple[bool, str]:
    """Whether retraining is due, and why.

    It is due when predictions or performance ring, or when several of the most important columns moved; and only if
    labels have arrived that the version has not seen, since otherwise it would learn the same again.

    Args:
        findings: All comparisons.
        importance: Column → importance.
        news_share: Labels that became known since the training, as a share of the rows learned from.
    """
    important = sorted(importance, key=lambda name: -importance[name])[:IMPORTANT]
    moved = [f for f in findings if f.is_alarm and f.subject == "inputs" and f.name in important]
    reasons = [finding.sentence for finding in findings if finding.is_alarm and finding.subject != "inputs"]
    if len(moved) >= MOVED:
        names = ", ".join(finding.name for finding in moved)
        reasons.append(f"{len(moved)} of the {IMPORTANT} most important columns moved: {names}")
    if not reasons:
        return False, "Nothing that matters to its probabilities has changed."
    told = "; ".join(reasons[:5]) + (f"; and {len(reasons) - 5} more" if len(reasons) > 5 else "")
    if news_share < NEWS_SHARE:
        return False, f"{told}. Not due: too few labels have arrived since the training to learn anything new."
    return True, f"{told}."


def newest_report(folder: Path) -> dict[str, Any] | None:
    """The last kept look at a version, None if there is none."""
    path = folder / WATCH
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
