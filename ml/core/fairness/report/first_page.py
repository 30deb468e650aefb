"""The first page and the plain-language page.

Belongs here: decision asked for, worst group, what changed, what could not be assessed, sign; and the same for readers
without statistics. Does not belong here: contents 1–17 (sections).
"""

from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.report.difference import (
    Change,
    change_between,
    layer_changes,
    named_by,
    summary_of_layers,
    verdict_over_layers,
)  # fmt: skip
from ml.core.fairness.report.layers import PARTS, group_name
from ml.core.fairness.report.markup import MISSING, Markup, count, interval, join, number, points, table, tag
from ml.core.fairness.report.texts import Texts
from ml.core.fairness.results import AuditResult

MOST_LINES = 6


def first_page(result: AuditResult, context: ReportContext, texts: Texts) -> Markup:
    """The five things a reader signs for, in their order."""
    items = (
        ("first_decide", tag("span", context.decision_asked or texts["decide_default"])),
        ("first_worst", _worst(result, context, texts)),
        ("first_changed", _changed(result, context, texts)),
        ("first_missing", _bullets([s.text(texts.language, texts.names) for s in result.not_assessed], texts)),
        ("first_sign", _sign(context, texts)),
    )
    overall = verdict_over_layers(result, context)
    verdict = tag(
        "p", tag("span", texts[overall], class_=f"verdict {overall}"), " ",
        result.reason.text(texts.language, texts.names) if overall == result.verdict else texts["other_layers"],
    )  # fmt: skip
    return tag("section", verdict, _layers(result, context, texts),
               tag("ol", *(tag("li", tag("strong", texts[key]), said) for key, said in items)),
               class_="first")  # fmt: skip


def _layers(result: AuditResult, context: ReportContext, texts: Texts) -> Markup | None:
    """One line a layer: verdict, and who stands out by what. Only where layers beside the model's were audited."""
    label, decision = context.label_layer, context.decision_layer
    if label is None and decision is None:
        return None
    rows = []
    if label:
        parts = [(part, named_by(label, part)) for part in PARTS]
        said = [f"{texts[f'part_{part}']}: {_listed(groups, context, texts)}" for part, groups in parts if groups]
        rows.append(("label", label["verdict"], "; ".join(said)))
    judged = {name: m for name, m in result.metrics.items() if m.layer == "prediction"}
    if judged:
        said = [texts.known(name) for name, m in judged.items() if m.verdict == "gap"]
        rows.append(("prediction", result.layers["prediction"], texts.listed(said)))
    if decision:
        said = [
            f"{texts.known(name)}: {_listed([g['group'] for g in m['groups'] if g['named']], context, texts)}"
            for name, m in decision["metrics"].items() if m["verdict"] == "gap"
        ]  # fmt: skip
        rows.append(("decision", decision["verdict"], "; ".join(said)))
    for replay in context.replays:
        said = [
            f"{texts.known(name)}: {_listed([g['group'] for g in figure['groups'] if g['named']], context, texts)}"
            for name, figure in replay["figures"].items() if figure["verdict"] == "gap" and figure["worse"] != "either"
        ]  # fmt: skip
        rows.append((f"replay_row_{replay['source']}", replay["verdict"], "; ".join(said)))
    header = [texts[k] for k in ("layer", "verdict", "named_groups")]
    cells = [(texts[layer], tag("span", texts[verdict], class_=f"verdict small {verdict}"), said or texts["nobody"])
             for layer, verdict, said in rows]  # fmt: skip
    return table(header, cells)


def _listed(groups: list[str], context: ReportContext, texts: Texts) -> str:
    return texts.listed([context.group_names.get(group, group) for group in groups], most=4)


def _worst(result: AuditResult, context: ReportContext, texts: Texts) -> Markup:
    """What nothing on record explains comes first; then the widest gap of the audit."""
    delay = _worst_delay(context, texts)
    widest = _widest(result, context, texts, is_headline=delay is None)
    return join([tag("p", delay, class_="headline"), widest]) if delay else widest


def _worst_delay(context: ReportContext, texts: Texts) -> str | None:
    groups = context.label_layer["groups"] if context.label_layer else ()
    named = [g for g in groups if ((g["parts"] or {}).get("unexplained") or {}).get("named")]
    if not named:
        return None
    worst = max(named, key=lambda g: g["parts"]["unexplained"]["hours"])
    part = worst["parts"]["unexplained"]
    return texts.say(
        "worst_delay", group=group_name(worst["group"], context), hours=number(part["hours"], "hours"),
        interval=interval(part["interval"], "hours"), orders=count(worst["n"]),
    )  # fmt: skip


def _widest(result: AuditResult, context: ReportContext, texts: Texts, is_headline: bool) -> Markup:
    worst = result.worst
    if worst is None:
        return tag("span", texts["worst_none"])
    kind = result.metrics[worst.metric].kind
    sentence = texts.say(
        "worst_sentence" if worst.named else "worst_not_proven",
        group=group_name(worst.group, context),
        difference=points(worst.difference, kind),
        metric=texts.known(worst.metric),
        interval=interval(worst.interval, kind, difference=True),
        confidence=f"{100 * (1 - result.parameters['alpha']):g} %",
    )
    return tag("span", sentence, class_="headline" if worst.named and is_headline else None)


def _changed(result: AuditResult, context: ReportContext, texts: Texts) -> Markup:
    if context.previous is None:
        return tag("span", texts["changed_none"])
    change = change_between(context.previous, result.to_dict())
    beside = context.previous.get("beside")
    lines = _change_lines(change, result, texts)
    lines += [
        texts.say("changed_named", metric=texts[c.what], new=_said(c.new, context, texts),
                  gone=_said(c.gone, context, texts))
        for c in (layer_changes(beside, summary_of_layers(context)) if beside else ())
    ]  # fmt: skip
    return tag("ul", *(tag("li", line) for line in lines)) if lines else tag("span", texts["changed_same"])


def _said(names: tuple[str, ...], context: ReportContext, texts: Texts) -> str:
    return texts.listed([context.group_names.get(name, texts.known(name)) for name in names])


def _change_lines(change: Change, result: AuditResult, texts: Texts) -> list[str]:
    lines = []
    if change.verdict:
        lines.append(texts.say("changed_verdict", before=texts[change.verdict[0]], after=texts[change.verdict[1]]))
    if change.worst:
        before, after = (
            f"{texts.known(w['metric'])}, {w['group']} {points(w['difference'], _kind(result, w['metric']))}"
            if w
            else MISSING
            for w in change.worst
        )
        lines.append(texts.say("changed_gap", before=before, after=after))
    for metric in change.metrics:
        name = texts.known(metric.metric)
        if metric.before != metric.after:
            lines.append(
                texts.say("changed_metric", metric=name, before=texts[metric.before], after=texts[metric.after])
            )
        if metric.newly_named or metric.no_longer_named:
            lines.append(texts.say("changed_named", metric=name, new=texts.listed(list(metric.newly_named)),
                                   gone=texts.listed(list(metric.no_longer_named))))  # fmt: skip
    if change.new_groups or change.gone_groups:
        lines.append(texts.say("changed_groups", new=texts.listed(list(change.new_groups)),
                               gone=texts.listed(list(change.gone_groups))))  # fmt: skip
    return lines


def _kind(result: AuditResult, metric: str) -> str:
    return result.metrics[metric].kind if metric in result.metrics else "rate"


def _bullets(lines: list[str], texts: Texts) -> Markup:
    if not lines:
        return tag("span", texts["all_assessed"])
    shown = lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else [])
    return tag("ul", *(tag("li", line) for line in shown))


def _sign(context: ReportContext, texts: Texts) -> Markup:
    fields = ("assessor", "reviewer", "outcome", "expires")
    given = dict(context.sign_off)
    given["outcome"] = given.get("verdict", "")
    head = tag("tr", *(tag("th", texts[f], scope="col") for f in (*fields, "signature")))
    row = tag("tr", *(tag("td", given.get(f, "")) for f in fields), tag("td", ""))
    return tag("table", tag("thead", head), tag("tbody", row), class_="sign")


def plain_language(result: AuditResult, context: ReportContext, texts: Texts) -> Markup:
    """The audit for readers without statistics."""
    statement = result.reason.text(texts.language, texts.names)
    overall = verdict_over_layers(result, context)
    sentence = texts.say(
        f"plain_{overall}", groups=len(result.groups), rows=count(result.counts["rows"]), statement=statement,
        alpha=f"{100 * result.parameters['alpha']:g} %",
    )  # fmt: skip
    judged = {g.group for m in result.metrics.values() for g in m.groups if g.status == "judged"}
    unknown = set(result.groups) | set(result.suppressed)
    unknown -= judged
    lines = _plain_lines(result, context, texts)
    return tag(
        "section",
        tag("h2", texts["plain_title"]),
        tag("p", sentence),
        _plain_delays(context, texts),
        join([tag("p", texts["plain_who"]), tag("ul", *(tag("li", line) for line in lines))]) if lines else None,
        tag("p", texts.say("plain_small", groups=len(unknown))) if unknown else None,
    )


def _plain_delays(context: ReportContext, texts: Texts) -> Markup | None:
    """What the label layer found, one sentence for each group and cause."""
    if context.label_layer is None:
        return None
    lines = [
        texts.say(f"plain_{part}", group=context.group_names.get(g["group"], g["group"]),
                  hours=f"{g['parts'][part]['hours']:.1f}")
        for part in ("unexplained", "policy", "measurement") for g in context.label_layer["groups"]
        if ((g["parts"] or {}).get(part) or {}).get("named")
    ]  # fmt: skip
    return tag("ul", *(tag("li", line) for line in lines)) if lines else tag("p", texts["plain_no_delay"])


def _plain_lines(result: AuditResult, context: ReportContext, texts: Texts) -> list[str]:
    """What was done to the groups that stand out; error rates of a model only where nothing else was audited."""
    rates = [m for m in result.metrics.values() if m.kind == "rate"]
    chosen = [m for m in rates if m.layer != "prediction"] or rates
    found = [(m, g) for m in chosen for g in m.groups if g.named]
    found.sort(key=lambda pair: abs(pair[1].difference or 0.0))
    widest = {g.group: (m, g) for m, g in found}
    return [
        texts.say(
            "plain_line", group=group_name(g.group, context), rate=number(g.rate), reference=number(m.reference),
            metric=texts.known(m.name),
        )
        for m, g in list(reversed(widest.values()))[:MOST_LINES]
    ]  # fmt: skip
