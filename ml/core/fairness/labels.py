"""The label layer: why orders of a group are late, split into measurement, promise policy, explained and unexplained.

Belongs here: the decomposition of lateness and the repaired label. Does not belong here: reading orders (ml/io),
audits of a model (audit).

Lateness of an order, in hours, is  recorded lag + true duration − promise.  Its gap between a group and the others is
the sum of four parts:
  measurement  the delivery was recorded later after it happened than elsewhere;
  policy       the promise was shorter than the factors give elsewhere;
  explained    longer duration, less longer promise, that follow from the factors (distance, carrier, stock, season);
  unexplained  duration that remains when all of these are equal: the suspected preference.
Hours add up exactly. Points of the late rate are taken out in this order, one part after the other; another order would
share them a little differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.core.fairness.adjustment import Adjusted, adjust, clustered, comparable, design
from ml.core.fairness.cells import is_unknown
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.grouped import GroupData
from ml.core.fairness.inference import Evidence, assess
from ml.core.fairness.judge import holm
from ml.core.fairness.results import Interval, Status, Verdict, json_values

PARTS = ("measurement", "policy", "explained", "unexplained")
#: An explained difference accuses nobody, so only these parts name a group.
ACCUSING = ("measurement", "policy", "unexplained")


@dataclass(frozen=True)
class Part:
    """One part of a group's gap: hours with a simultaneous interval, points of the late rate, whether it is proven."""

    hours: float
    interval: Interval
    points: float
    adjusted_p: float | None
    named: bool


@dataclass(frozen=True)
class GroupDelay:
    """One group: its late rate, its gap in hours, and the parts of the gap (None if the group is not judged)."""

    group: str
    status: Status
    n: int
    late_rate: float | None
    gap_hours: float | None
    parts: Mapping[str, Part] | None


@dataclass(frozen=True)
class LabelDecomposition:
    """The decomposition over all groups.

    Attributes:
        verdict: `gap` if a policy or an unexplained part is named; measurement is a fault of the data and not of
        service. verdicts: Verdict per part.
        groups: Per group, sorted by name.
        factors: Columns that count as legitimate.
        not_assessed: Parts that the table has no columns for.
        n: Orders used.
        dropped: Orders left out, by reason.
        parameters: What a repeated run needs.
    """

    verdict: Verdict
    verdicts: Mapping[str, Verdict]
    groups: tuple[GroupDelay, ...]
    factors: tuple[str, ...]
    not_assessed: tuple[str, ...]
    n: int
    dropped: Mapping[str, int]
    parameters: Mapping[str, Any]

    def group(self, name: str) -> GroupDelay:
        """The result of one group.

        Raises:
            KeyError: no group has this name.
        """
        for result in self.groups:
            if result.group == name:
                return result
        raise KeyError(f"There is no group {name!r}.")

    def named(self, part: str) -> tuple[str, ...]:
        """Groups that are named by `part`."""
        return tuple(g.group for g in self.groups if g.parts and part in g.parts and g.parts[part].named)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def decompose_delay(
    table: pd.DataFrame,
    *,
    group: str,
    actual_hours: str,
    promise_hours: str,
    recording_lag_hours: str | None = None,
    factors: Sequence[str] = (),
    cluster: str | None = None,
    minimum_support: int = 100,
    tolerance_hours: float = 0.0,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 2000,
) -> LabelDecomposition:
    """Split the lateness of delivered orders by group.

    Args:
        table: One row per delivered order.
        group: Column of the group.
        actual_hours: From order to *recorded* delivery.
        promise_hours: From order to promise.
        recording_lag_hours: From delivery to its record; without it measurement cannot be told from service.
        factors: Legitimate factors: numbers or categories.
        cluster: Column of what rows share, such as the day of the order; rows count as independent without it.
        minimum_support: Fewest orders at which a group is judged.
        tolerance_hours: Parts up to this name nobody.
        alpha: Family-wise error per part; the verdicts are corrected over the parts.
        seed: Seed of the draws.
        resamples: Draws under the null.

    Raises:
        UnusableTable: a column is missing or holds no numbers.
    """
    needed = [c for c in (group, actual_hours, promise_hours, recording_lag_hours, cluster) if c] + list(factors)
    absent = [c for c in needed if c not in table.columns]
    if absent:
        raise UnusableTable(
            f"Columns {absent} are not in the table, which has {list(table.columns)}. Name some that are."
        )
    kept, dropped = _usable(table, group, [c for c in (actual_hours, promise_hours, recording_lag_hours) if c])
    codes, names = pd.factorize(kept[group].astype("str"), sort=True)
    clusters = pd.factorize(kept[cluster])[0] if cluster else np.arange(len(kept))
    columns = design(kept, factors)
    hours = {c: kept[c].to_numpy(dtype=float) for c in (actual_hours, promise_hours)}
    lag = kept[recording_lag_hours].to_numpy(dtype=float) if recording_lag_hours else np.zeros(len(kept))
    duration = adjust(hours[actual_hours] - lag, columns, codes, len(names))
    promise = adjust(hours[promise_hours], columns, codes, len(names))
    met = comparable(kept, factors, codes)
    values = _parts_of_rows(lag, duration, promise, met)
    extra = {"policy": promise.slope_variance, "unexplained": duration.slope_variance}
    assessed = {
        part: assess(
            _judged_rows(part, value, met, codes, list(names), clusters, extra), minimum_support=minimum_support,
            alpha=alpha, resamples=resamples, seed=seed, worse_sign=1,
        )
        for part, value in values.items() if part != "measurement" or recording_lag_hours
    }  # fmt: skip
    means = {part: _means(value, codes, len(names)) for part, value in values.items()}
    shifts = {part: means[part] - _reference(value, codes, assessed.get(part)) for part, value in values.items()}
    points = _points(hours[actual_hours], hours[promise_hours], lag, shifts, codes, len(names))
    verdicts = _verdicts(assessed, shifts, tolerance_hours, alpha)
    late = _means((hours[actual_hours] > hours[promise_hours]).astype(float), codes, len(names))
    results = tuple(
        _group(g, str(name), codes, late, shifts, points, assessed, verdicts, tolerance_hours, alpha)
        for g, name in enumerate(names)
    )
    return LabelDecomposition(
        verdict=_overall(verdicts), verdicts=verdicts, groups=results, factors=tuple(factors),
        not_assessed=() if recording_lag_hours else ("measurement",), n=len(kept), dropped=dropped,
        parameters={"minimum_support": minimum_support, "tolerance_hours": tolerance_hours, "alpha": alpha, "seed":
                    seed, "resamples": resamples, "cluster": cluster},
    )  # fmt: skip


def _parts_of_rows(lag: np.ndarray, duration: Adjusted, promise: Adjusted, met: np.ndarray) -> dict[str, np.ndarray]:
    """The four parts per row. What remains of a row that no other group can be compared with counts as explained."""
    remains, tighter = duration.remainder, -promise.remainder
    usual = [float(part[met].mean()) if met.any() else 0.0 for part in (remains, tighter)]
    apart = np.where(met, 0.0, remains - usual[0] + tighter - usual[1])
    return {
        "measurement": lag,
        "policy": np.where(met, tighter, usual[1]),
        "explained": duration.explained - promise.explained + apart,
        "unexplained": np.where(met, remains, usual[0]),
    }


def _judged_rows(
    part: str,
    value: np.ndarray,
    met: np.ndarray,
    codes: np.ndarray,
    names: list[str],
    clusters: np.ndarray,
    extra: Mapping[str, np.ndarray],
) -> GroupData:
    """Group means of a part over the rows that may accuse: comparable ones for policy and unexplained, else all."""
    used = met if part in extra else np.ones(len(value), dtype=bool)
    return clustered(value[used], codes[used], names, clusters[used], extra.get(part))


def repaired_labels(
    table: pd.DataFrame,
    decomposition: LabelDecomposition,
    *,
    group: str,
    actual_hours: str,
    promise_hours: str,
    recording_lag_hours: str | None = None,
) -> np.ndarray:
    """Late labels as they would be without the proven faults, offered for training.

    The lag of the record is taken out of every order; proven policy and unexplained hours are taken out of the orders
    of the groups that they were proven for. NaN where the order's hours are not known.
    """
    lag = table[recording_lag_hours].fillna(0).to_numpy(dtype=float) if recording_lag_hours else np.zeros(len(table))
    proven = {
        g.group: sum(
            part.hours for name, part in (g.parts or {}).items() if name in ("policy", "unexplained") and part.named
        )
        for g in decomposition.groups
    }
    taken = table[group].astype("str").map(proven).fillna(0.0).to_numpy(dtype=float)
    margin = table[actual_hours].to_numpy(dtype=float) - lag - table[promise_hours].to_numpy(dtype=float) - taken
    return np.where(np.isfinite(margin), (margin > 0).astype(float), np.nan)


def _usable(table: pd.DataFrame, group: str, hours: list[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    unknown = table[group].isna() | table[group].astype("str").map(is_unknown)
    for column in hours:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise UnusableTable(
                f"Hours are numbers; column {column!r} holds {table[column].dtype}. Convert it to hours."
            )
    missing = ~np.isfinite(table[hours].to_numpy(dtype=float, na_value=np.nan)).all(axis=1)
    dropped = {"unknown_group": int(unknown.sum()), "hours_not_known": int((missing & ~unknown).sum())}
    return table[~unknown & ~missing].reset_index(drop=True), dropped


def _means(values: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    n = np.bincount(codes, minlength=groups)
    return np.bincount(codes, weights=values, minlength=groups) / np.maximum(n, 1)


def _reference(values: np.ndarray, codes: np.ndarray, evidence: Evidence | None) -> float:
    """Mean of the rows of the groups that this part does not name."""
    if not len(values):
        return 0.0
    inside = evidence.reference[codes] if evidence is not None else np.ones(len(values), dtype=bool)
    return float(values[inside].mean())


def _points(
    actual: np.ndarray,
    promise: np.ndarray,
    lag: np.ndarray,
    shifts: Mapping[str, np.ndarray],
    codes: np.ndarray,
    groups: int,
) -> dict[str, np.ndarray]:
    """Points of the late rate that go when the parts are taken out one after the other."""
    policy, unexplained = shifts["policy"][codes], shifts["unexplained"][codes]
    steps = [
        actual > promise,
        actual - lag > promise,
        actual - lag > promise + policy,
        actual - lag - unexplained > promise + policy,
    ]
    rates = [_means(step.astype(float), codes, groups) for step in steps]
    overall = [float(step.mean()) if len(step) else 0.0 for step in steps]
    return {
        "measurement": (rates[0] - rates[1]) - (overall[0] - overall[1]),
        "policy": (rates[1] - rates[2]) - (overall[1] - overall[2]),
        "unexplained": (rates[2] - rates[3]) - (overall[2] - overall[3]),
        "explained": rates[3] - overall[3],
    }


def _verdicts(
    assessed: Mapping[str, Evidence], shifts: Mapping[str, np.ndarray], tolerance: float, alpha: float
) -> dict[str, Verdict]:
    corrected = holm({part: e.p for part, e in assessed.items() if e.p is not None and part in ACCUSING})
    verdicts: dict[str, Verdict] = {}
    for part in ACCUSING:
        evidence = assessed.get(part)
        if evidence is None or evidence.p is None:
            verdicts[part] = "undefined" if evidence is None else "insufficient_evidence"
            continue
        large = (shifts[part] > tolerance) & evidence.judged & (np.nan_to_num(evidence.adjusted_p, nan=1.0) <= alpha)
        verdicts[part] = "gap" if corrected[part] <= alpha and large.any() else "no_gap_found"
    return verdicts


def _overall(verdicts: Mapping[str, Verdict]) -> Verdict:
    service = (verdicts["policy"], verdicts["unexplained"])
    order: tuple[Verdict, ...] = ("gap", "no_gap_found", "insufficient_evidence")
    return next((v for v in order if v in service), "undefined")


def _group(
    g: int,
    name: str,
    codes: np.ndarray,
    late: np.ndarray,
    shifts: Mapping[str, np.ndarray],
    points: Mapping[str, np.ndarray],
    assessed: Mapping[str, Evidence],
    verdicts: Mapping[str, Verdict],
    tolerance: float,
    alpha: float,
) -> GroupDelay:
    n = int((codes == g).sum())
    if not assessed["explained"].judged[g]:
        return GroupDelay(name, "insufficient", n, None, None, None)
    parts = {}
    for part in PARTS:
        evidence, hours = assessed.get(part), float(shifts[part][g])
        if evidence is None or not evidence.judged[g]:
            continue
        half = float(evidence.difference_high[g] - evidence.difference_low[g]) / 2
        p = float(evidence.adjusted_p[g])
        named = part in ACCUSING and verdicts[part] == "gap" and p <= alpha and hours > tolerance
        parts[part] = Part(hours, (hours - half, hours + half), float(points[part][g]), p, named)
    return GroupDelay(name, "judged", n, float(late[g]), float(sum(shifts[part][g] for part in PARTS)), parts)
