"""The section on mitigation: every remedy on one curve, with what it is made of.

Belongs here: showing remedies of the model and the bound in routing side by side. Does not belong here: pricing them
(mitigation, ml/jobs/policy_audit).

Remedies act on different layers: those of the model on who is warned, the bound in routing on who is served in time.
What they share is the share of their own gap that remains and the share by which their own cost rises; the curve is of
those.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.core.fairness.report.charts import Formatter, trade_off_chart
from ml.core.fairness.report.layers import missing
from ml.core.fairness.report.markup import Markup, count, interval, join, number, table, tag
from ml.core.fairness.report.texts import Texts


def trade_off(curve: Mapping[str, Any] | None, routing: Sequence[Mapping[str, Any]], texts: Texts) -> Markup:
    """Mitigation options as one curve, and their tables."""
    if curve is None and not routing:
        return missing(texts, "mitigation")
    remedies = curve["remedies"] if curve else ()
    options = [(texts.known(r["name"]), r) for r in remedies if r["kept"] is not None]
    options += [(_bound(point, texts), point) for point in routing]
    chart = trade_off_chart(
        [(name, p["extra"], p["kept"], tuple(p["extra_interval"]), tuple(p["kept_interval"])) for name, p in options],
        texts["mitigation"], texts["extra_cost"], texts["gap_kept"], Formatter("rate"), Formatter("rate"),
    ) if options else None  # fmt: skip
    return join([
        tag("h3", texts["mitigation"]), chart, tag("p", texts["curve_note"], class_="soft small"),
        _of_model(remedies, texts) if remedies else tag("p", texts["no_model_remedies"], class_="missing"),
        tag("p", texts["mitigation_note"], class_="soft small") if remedies else None,
        _of_routing(routing, texts) if routing else tag("p", texts["no_routing_bound"], class_="missing"),
    ])  # fmt: skip


def _of_model(remedies: Sequence[Mapping[str, Any]], texts: Texts) -> Markup:
    rows = [
        (texts.known(r["name"]), number(r["gap"]), interval(r["gap_interval"]), number(r["cost"], "mean"),
         interval(r["cost_interval"], "mean"), number(r["extra"], signed=True), interval(r["extra_interval"]),
         texts["offered"] if r["offered"] else texts["not_offered"])
        for r in remedies
    ]  # fmt: skip
    keys = ("remedy", "remaining_gap", "interval", "cost_per_row", "interval", "extra_cost", "interval", "status")
    return table([texts[k] for k in keys], rows)


def _of_routing(routing: Sequence[Mapping[str, Any]], texts: Texts) -> Markup:
    rows = [
        (_bound(p, texts), *(number(value) for value in p["spread"]), interval(p["kept_interval"]),
         *(number(value, "mean") for value in p["cost"]), number(p["extra"], signed=True),
         interval(p["extra_interval"]), f"{count(p['orders'])} / {count(p['days'])}")
        for p in routing
    ]  # fmt: skip
    keys = ("remedy", "spread_without", "spread_with", "gap_kept_interval", "cost_without", "cost_with", "extra_cost",
            "interval", "orders_days")  # fmt: skip
    return table([texts[k] for k in keys], rows, caption=texts["routing_bound_caption"])


def _bound(point: Mapping[str, Any], texts: Texts) -> str:
    return texts.say("routing_bound", points=f"{100 * point['limit']:g}")
