"""Looking back on alerts, week by week, beside the rule of days of cover.

Belongs here: what alerts would have said on counts that the champion had not learned from, and what then happened.
Does not belong here: raising alerts (decisions/stockouts/alerts).

The rule gets as many alerts a week as the model raised: those with the fewest days of cover.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from decisions.stockouts.policy import AlertPolicy
from ml.io.champion import load_champion
from ml.io.data import published_table, read_rows
from ml.io.stores import open_stores
from ml.jobs.catalogue import STOCKOUT
from ml.jobs.stock_rows import looked_back_on
from workspace.published import Snapshot
from workspace.settings import Settings

COLUMNS = ("week", "alerts", "precision", "recall", "lead_hours", "rule_precision", "rule_recall", "rule_lead_hours")


def review(settings: Settings, snapshot: Snapshot, policy: AlertPolicy) -> pd.DataFrame:
    """Columns `COLUMNS`, one row a week with a known outcome since the champion's training ended.

    Raises:
        NoChampion: the ledger names none.
        UnusableTable: the snapshot lacks a column that the champion reads.
    """
    with open_stores(settings) as stores:
        champion = load_champion(stores, STOCKOUT.name)
        history = stores.promotions.history(STOCKOUT.name)
        since = pd.Timestamp(history.version(champion.version).evaluated["origin"]).tz_localize(None)
    source = published_table(snapshot, STOCKOUT.table, looked_back_on(since))
    # What came of an alert is read beside the features and is none.
    rows, _ = read_rows(source, replace(STOCKOUT.roles, lanes=("hours_to_out",)))
    rows = rows[rows["is_stocked_out"].notna()].reset_index(drop=True)
    return by_week(rows, champion.predict(rows), policy) if len(rows) else pd.DataFrame(columns=list(COLUMNS))


def by_week(rows: pd.DataFrame, predicted: np.ndarray, policy: AlertPolicy) -> pd.DataFrame:
    """Precision, recall and lead time of both, by week of the count.

    Args:
        rows: `observed_at`, `is_stocked_out` (0, 1), `cover_days` (null without demand), `hours_to_out`.
        predicted: Probability of running out, shape (rows,).
        policy: Whose threshold raises alerts.
    """
    found = []
    weeks = rows["observed_at"].dt.to_period("W-SUN").dt.start_time
    for week, index in weeks.groupby(weeks).indices.items():
        part, score = rows.iloc[index], predicted[index]
        alerted = score >= policy.least_probability
        shortest = np.argsort(part["cover_days"].fillna(np.inf).to_numpy(), kind="stable")[: int(alerted.sum())]
        ruled = np.isin(np.arange(len(part)), shortest)
        model, rule = _judged(part, alerted), _judged(part, ruled)
        found.append((pd.Timestamp(week).date(), int(alerted.sum()), *model, *rule))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _judged(part: pd.DataFrame, flagged: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall, mean hours from an alert to the count that found nothing; NaN where there is none."""
    out = part["is_stocked_out"].to_numpy() == 1
    hit = flagged & out
    hours = part["hours_to_out"].to_numpy(np.float64)[hit]
    precision = float(hit.sum() / flagged.sum()) if flagged.any() else np.nan
    recall = float(hit.sum() / out.sum()) if out.any() else np.nan
    return precision, recall, float(hours.mean()) if len(hours) else np.nan


def as_markdown(weeks: pd.DataFrame) -> str:
    """The weeks as a table."""
    lines = ["| week of | alerts | precision | recall | lead time, h | by cover: precision | recall | lead time, h |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in weeks.itertuples(index=False):
        numbers = " | ".join("–" if pd.isna(value) else f"{value:.2f}" for value in row[2:])
        lines.append(f"| {row.week} | {row.alerts} | {numbers} |")
    return "\n".join(lines)
