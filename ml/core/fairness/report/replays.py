"""The part of the decision layer that asks what another policy would have done.

Belongs here: showing `PolicyComparison`s. Does not belong here: making them (ml/core/fairness/policies).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.core.fairness.policies import DECISIONS
from ml.core.fairness.report.charts import Formatter, IntervalRow, interval_chart
from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.report.layers import group_name
from ml.core.fairness.report.markup import MISSING, Markup, count, interval, join, number, p_value, points, table, tag
from ml.core.fairness.report.texts import Texts

MOST_GROUPS = 12
#: The figure that a chart is drawn of.
HEADLINE = "on_time"


def replays(found: Sequence[Mapping[str, Any]], context: ReportContext, texts: Texts) -> Markup:
    """Every replay of a proposed policy, or that none was made."""
    head = tag("h3", texts["replays"])
    if not found:
        return join([head, tag("p", texts["replay_none"], class_="missing")])
    return join([head, tag("p", texts["replay_method"], class_="soft small"),
                 *(_replay(replay, context, texts) for replay in found)])  # fmt: skip


def _replay(replay: Mapping[str, Any], context: ReportContext, texts: Texts) -> Markup:
    facts = replay["facts"]
    said = texts.say(
        f"replay_{replay['source']}", orders=count(replay["orders"]), rounds=count(replay["rounds"]),
        since=facts.get("since", ""), until=facts.get("until", ""), days=facts.get("days", ""),
        affected=count(facts.get("affected")),
    )  # fmt: skip
    verdict = tag("span", texts[replay["verdict"]], class_=f"verdict small {replay['verdict']}")
    left = "; ".join(
        f"{texts.known(f'left_{reason}')}: {count(orders)}" for reason, orders in replay["left_out"].items()
    )
    absent = texts.listed([texts.known(name) for name in replay["not_recorded"]])
    return join([
        tag("p", verdict, " ", said),
        tag("ul", *(tag("li", line) for line in _differences(facts["current"], facts["proposed"], texts))),
        _figures(replay["figures"], context, texts),
        _chart(replay["figures"].get(HEADLINE), context, texts),
        tag("p", texts.say("replay_absent", figures=absent), class_="soft small") if replay["not_recorded"] else None,
        tag("p", texts.say("replay_left", reasons=left), class_="soft small") if left else None,
    ])  # fmt: skip


def _differences(current: Mapping[str, Any], proposed: Mapping[str, Any], texts: Texts) -> list[str]:
    """What the proposed policy changes, one line a weight or closure."""
    lines = [
        f"{name}: {_said(before)} → {_said(proposed['parameters'].get(name))}"
        for name, before in current["parameters"].items() if proposed["parameters"].get(name) != before
    ]  # fmt: skip
    for rule in ("closed_services", "closed_nodes"):
        for region, barred in proposed[rule].items():
            new = [name for name in barred if name not in current[rule].get(region, [])]
            if new:
                lines.append(texts.say(f"replay_{rule}", region=region, names=texts.listed(new)))
    return lines or [texts["replay_same_policy"]]


def _said(value: Any) -> str:
    return MISSING if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _figures(figures: Mapping[str, Mapping[str, Any]], context: ReportContext, texts: Texts) -> Markup:
    rows = []
    for name in [known for known in DECISIONS if known in figures]:
        figure = figures[name]
        kind = figure["kind"]
        named = [f"{group_name(g['group'], context)} {points(g['against_typical'], kind)}"
                 for g in _worst_first(figure["groups"]) if g["named"]]  # fmt: skip
        verdict = (
            texts["replay_shown_only"]
            if figure["worse"] == "either"
            else tag("span", texts[figure["verdict"]], class_=f"verdict small {figure['verdict']}")
        )
        rows.append((
            texts.known(name), number(figure["before"], kind), number(figure["after"], kind),
            f"{points(figure['change'], kind)} {interval(figure['interval'], kind, difference=True)}",
            f"{number(figure['spread_before'], kind)} → {number(figure['spread_after'], kind)}",
            interval(figure["spread_change"], kind, difference=True), verdict, texts.listed(named, most=4),
        ))  # fmt: skip
    header = [
        texts[k]
        for k in ("metric", "replay_before", "replay_after", "replay_change", "replay_spread", "interval", "verdict",
                  "named_groups")
    ]  # fmt: skip
    return table(header, rows)


def _chart(figure: Mapping[str, Any] | None, context: ReportContext, texts: Texts) -> Markup | None:
    """Change of each group against the typical one; those that change most."""
    judged = [g for g in _worst_first(figure["groups"]) if g["interval"]][:MOST_GROUPS] if figure else []
    if figure is None or not judged:
        return None
    rows = [
        IntervalRow(group_name(g["group"], context), g["interval"][0], g["against_typical"], g["interval"][1],
                    "named" if g["named"] else None, f"p {p_value(g['adjusted_p'])}")
        for g in judged
    ]  # fmt: skip
    label = texts["replay_chart"]
    drawn = interval_chart(rows, 0.0, label, texts["replay_typical"], Formatter(figure["kind"], difference=True))
    return join([tag("p", label, class_="small"), drawn])


def _worst_first(groups: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(groups, key=lambda g: (not g["named"], -abs(g["against_typical"] or 0.0), g["group"]))
