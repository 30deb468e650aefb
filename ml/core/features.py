"""Which columns of a table a model may learn from, and how they are brought into the shape it is fed.

Belongs here: the roles of a table's columns, the choice of features from its schema, casts, unusable columns.
Does not belong here: how a feature is computed (dbt_project, `feat_*`), reading the table (ml/io/data).

The table's own schema is the only list of features: what a `feat_*` model publishes, less the columns that have a role
(key, times, label, groups) and less those that by their name are a key, a code or a time. A group column, such as the
region, is no feature unless it is asked for: it would let the model learn a region's past service as the region's due,
which is what the audit looks for. Histories of a lane or a node say the same about the network and are allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

Kind = Literal["number", "category"]
KEY_SUFFIXES = ("_id", "_code", "_at", "_date", "_digest")
NUMBER_TYPES = (
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip
CATEGORY_TYPES = ("VARCHAR", "ENUM")


class UnusableTable(ValueError):
    """A table cannot be learned from; the message names the column, the value met and the remedy."""


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are to a model.

    Attributes:
        key: Identifies a row.
        time: When the prediction is made; splits are ordered by it.
        target: The label, 0/1 or boolean; null while unknown.
        known_at: When the label became known; None if it was known at once.
        matures_at: When every label of the row is known whatever it turns out to be (for lateness: the promise). Rows
            are used from then on only, because among younger rows the labels known so far favour one class.
        groups: Columns that split reports and audits; the first is the region.
        lanes: Columns whose combinations make the second baseline; those absent from a table are left out.
        excluded: Further columns that are no features.
        included: Group columns, or columns with the name of a key, that are features nevertheless.
    """

    key: str
    time: str
    target: str
    known_at: str | None = None
    matures_at: str | None = None
    groups: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    included: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Every column with a role, in a fixed order, without those that are `None`."""
        named = (self.key, self.time, self.target, self.known_at, self.matures_at, *self.groups)
        return tuple(dict.fromkeys(name for name in named if name))


@dataclass(frozen=True)
class Feature:
    """One column that a model reads."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class FeatureSet:
    """The columns that a model reads, in order, and why others are not among them (column → reason)."""

    features: tuple[Feature, ...]
    left_out: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """Names in the order of the model's input."""
        return [feature.name for feature in self.features]

    def of_kind(self, kind: Kind) -> list[str]:
        """Names of the features of one kind, in order."""
        return [feature.name for feature in self.features if feature.kind == kind]


def choose_features(schema: Mapping[str, str], roles: Roles) -> FeatureSet:
    """Choose a table's features by its schema.

    Args:
        schema: Column → DuckDB type name, in the table's order.
        roles: The columns that are not features.

    Raises:
        UnusableTable: a column with a role is absent, or no feature remains.
    """
    absent = [name for name in roles.named if name not in schema]
    if absent:
        raise UnusableTable(
            f"The table must have the columns {', '.join(roles.named)}; {', '.join(absent)} are absent. It has "
            f"{', '.join(schema)}. Add them, or name other columns for these roles."
        )
    chosen: list[Feature] = []
    left_out: dict[str, str] = {}
    for name, type_name in schema.items():
        reason = _reason_to_leave_out(name, type_name, roles)
        if reason:
            left_out[name] = reason
        else:
            chosen.append(Feature(name, _kind(type_name) or "category"))
    if not chosen:
        raise UnusableTable(
            f"At least one column must be a feature; all of {', '.join(schema)} are left out "
            f"({'; '.join(f'{name}: {reason}' for name, reason in left_out.items())})."
        )
    return FeatureSet(tuple(chosen), left_out)


def _reason_to_leave_out(name: str, type_name: str, roles: Roles) -> str | None:
    if name in roles.included:
        return None if _kind(type_name) else f"type {type_name} is neither a number nor a text"
    if name in roles.groups:
        return "group column"
    if name in roles.named:
        return "has a role"
    if name in roles.excluded:
        return "excluded"
    if name.endswith(KEY_SUFFIXES):
        return "named as a key, a code or a time"
    if _kind(type_name) is None:
        return f"type {type_name} is neither a number nor a text"
    return None


def _kind(type_name: str) -> Kind | None:
    base = type_name.upper().split("(")[0]
    if base in NUMBER_TYPES:
        return "number"
    return "category" if base in CATEGORY_TYPES else None


def prepare(frame: pd.DataFrame, features: FeatureSet) -> pd.DataFrame:
    """The model's input: its columns in order, numbers as float64 and categories as text, null as NaN.

    Raises:
        UnusableTable: a column is absent, or a number column holds text.
    """
    absent = [name for name in features.names if name not in frame.columns]
    if absent:
        raise UnusableTable(f"The model reads {', '.join(absent)}, which the table lacks. Publish the features anew.")
    columns: dict[str, pd.Series] = {}
    for feature in features.features:
        series = frame[feature.name]
        if feature.kind == "category":
            is_text = isinstance(series.dtype, pd.StringDtype) and series.dtype.na_value is np.nan
            as_text = series if is_text else series.astype("object").where(series.notna(), np.nan).astype("str")
            columns[feature.name] = as_text
            continue
        try:
            columns[feature.name] = pd.Series(series.to_numpy(dtype="float64", na_value=np.nan), index=frame.index)
        except (TypeError, ValueError) as error:
            raise UnusableTable(
                f"Feature {feature.name} must be a number: {error}. Cast it where it is made."
            ) from None
    return pd.DataFrame(columns, index=frame.index)


def drop_unusable(prepared: pd.DataFrame, features: FeatureSet) -> FeatureSet:
    """Leave out features that hold one value, infinity or only nulls in the rows that are learned from.

    Raises:
        UnusableTable: nothing remains.
    """
    reasons = dict(features.left_out)
    kept: list[Feature] = []
    for feature in features.features:
        reason = _unusable(prepared[feature.name], feature.kind)
        if reason:
            reasons[feature.name] = reason
        else:
            kept.append(feature)
    if not kept:
        raise UnusableTable(
            "Every feature is constant or null in the training rows: "
            + "; ".join(f"{name} ({reason})" for name, reason in reasons.items())
            + ". Land more history, or check the joins of the feature table."
        )
    return replace(features, features=tuple(kept), left_out=reasons)


def _unusable(series: pd.Series, kind: Kind) -> str | None:
    present = series.dropna()
    if present.empty:
        return "null in all training rows"
    if kind == "number" and np.isinf(present.to_numpy()).any():
        return "infinite in some training rows"
    if len(present) == len(series) and present.nunique() == 1:
        return f"always {present.iloc[0]} in the training rows"
    return None


def feature_set_of(names: Sequence[tuple[str, Kind]]) -> FeatureSet:
    """The feature set that a stored model states about itself."""
    return FeatureSet(tuple(Feature(name, kind) for name, kind in names), {})
