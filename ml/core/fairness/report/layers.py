"""Sections on the evidence of other layers: proxies, labels, decisions, time, mitigation.

Belongs here: showing those results, or that they are missing. Does not belong here: computing them.
"""

from collections.abc import Mapping
from typing import Any

from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.report.markup import Markup, tag
from ml.core.fairness.report.texts import Texts


def _missing(texts: Texts) -> Markup:
    return tag("p", texts["missing"], class_="missing")


def proxies(found: Mapping[str, Any] | None, texts: Texts) -> Markup:
    """Whether the features tell the group."""
    return _missing(texts)


def decision_layer(audit: Mapping[str, Any] | None, texts: Texts) -> Markup:
    """Outcomes of decisions by group, and how they compare with history."""
    return _missing(texts)


def label_layer(decomposition: Mapping[str, Any] | None, context: ReportContext, texts: Texts) -> Markup:
    """The gap in the labels, split into its parts."""
    return _missing(texts)


def selective(found: Mapping[str, Any] | None, texts: Texts) -> Markup:
    """Whether labels are missing more often in some groups."""
    return _missing(texts)


def over_time(weekly: Mapping[str, Any] | None, texts: Texts) -> Markup:
    """Disparity per week with its alarm."""
    return _missing(texts)


def trade_off(curve: Mapping[str, Any] | None, texts: Texts) -> Markup:
    """Mitigation options as one curve."""
    return _missing(texts)
