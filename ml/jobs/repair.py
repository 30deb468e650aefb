"""The repaired label for training: what lateness would be without faults that the label layer proved.

Belongs here: which orders the repair may be learned from, and the label of each row. Does not belong here: proving
faults (ml/core/fairness/labels), training (ml/jobs/train).

Faults are proven on orders whose outcome was known before the first judged origin, so that the backtest learns nothing
of the future. Versions are judged by the label as it was recorded, whatever they learned from.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from ml.core.features import UnusableTable
from ml.core.intervals import Floats
from ml.core.splits import rolling_cuts, timeline
from ml.io.order_history import read_order_history
from ml.jobs.audit_layers import label_layer, repaired_of
from ml.jobs.catalogue import ModelSpec
from workspace.published import Snapshot

RECORDED, REPAIRED = "recorded", "repaired"
LABELS = (RECORDED, REPAIRED)


def repaired_outcome(frame: pd.DataFrame, spec: ModelSpec, snapshot: Snapshot, as_of: pd.Timestamp | None,
                     minimum_support: int) -> tuple[Floats, str]:  # fmt: skip
    """The repaired label of each row, and what was repaired in a sentence.

    Args:
        frame: Rows of the model's table.
        spec: A model of orders.
        snapshot: The published orders.
        as_of: The moment that the rows describe.
        minimum_support: Fewest orders at which a region's faults are proven.

    Returns:
        Labels, shape (rows,): the recorded one where the order's hours are not known; NaN where that is unknown too.

    Raises:
        UnusableTable: the model is not one of orders, or nothing is known that a repair could rest on.
    """
    history = read_order_history(snapshot) if spec.is_of_orders else None
    cuts = rolling_cuts(timeline(frame, spec.roles, as_of), spec.folds, share=spec.judged_share)
    if history is None or not cuts:
        raise UnusableTable(
            f"{spec.name} has no repaired label: it needs published orders with their outcomes (fct_orders) and a "
            f"model of orders with rows before an origin. Train with the label as recorded."
        )
    origin = cuts[0].origin.tz_convert("UTC").tz_localize(None)
    orders = history.orders
    known_at = orders["ordered_at"] + pd.to_timedelta(orders[["actual_hours", "promise_hours"]].max(axis=1), unit="h")
    label = label_layer(replace(history, orders=orders[known_at < origin]), minimum_support, spec.seed)
    if label is None:
        raise UnusableTable(f"No order's hours were known before {origin:%Y-%m-%d}. Train with the label as recorded.")
    found = repaired_of(orders, label).set_index("order_id")["repaired_late"].reindex(frame[spec.roles.key])
    recorded = frame[spec.roles.target].to_numpy(dtype=np.float64, na_value=np.nan)
    repaired = found.to_numpy(np.float64)
    taught = np.where(np.isfinite(repaired) & np.isfinite(recorded), repaired, recorded)
    changed = int((taught != recorded)[np.isfinite(recorded)].sum())
    named = "; ".join(
        f"{part}: {', '.join(groups)}"
        for part in ("measurement", "policy", "unexplained") if (groups := label.named(part))
    )  # fmt: skip
    return taught, (
        f"The label that was learned is the repaired one: {changed:,} of {int(np.isfinite(recorded).sum()):,} labels "
        f"differ from the record, by faults proven before {origin:%Y-%m-%d} ({named or 'none proven'}). The version is "
        f"judged by the label as recorded."
    )
