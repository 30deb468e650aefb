"""Sections on the evidence of other layers: proxies, labels, decisions.

Belongs here: showing those results, or that they are missing. Does not belong here: computing them.
"""

from collections.abc import Mapping
from typing import Any

from ml.core.fairness.report.charts import Formatter, stacked_chart
from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.report.markup import (
    MISSING,
    Markup,
    count,
    interval,
    join,
    number,
    points,
    table,
    table_row,
    tag,
)  # fmt: skip
from ml.core.fairness.report.texts import Texts

PARTS = ("measurement", "policy", "explained", "unexplained")
MOST_FEATURES = 12


def group_name(group: str, context: ReportContext) -> str:
    """A group with its readable name, where the context gives one."""
    name = context.group_names.get(group)
    return f"{name} ({group})" if name and name != group else group


def missing(texts: Texts, heading: str) -> Markup:
    """A heading under which nothing was supplied."""
    return join([tag("h3", texts[heading]), tag("p", texts["missing"], class_="missing")])


def proxies(found: Mapping[str, Any] | None, texts: Texts) -> Markup:
    """Whether the features tell the group."""
    if found is None:
        return missing(texts, "proxies")
    said = texts.say(
        "proxies_said", accuracy=number(found["accuracy"]), interval=interval(found["accuracy_interval"]),
        baseline=number(found["baseline"]), rows=count(found["rows"]),
    )  # fmt: skip
    rows = [
        table_row((f["feature"], f"{f['association']:.2f}", texts["is_proxy"] if f["is_proxy"] else ""),
                  "named" if f["is_proxy"] else None)
        for f in found["features"][:MOST_FEATURES]
    ]  # fmt: skip
    header = [texts[k] for k in ("feature", "association", "status")]
    return join([tag("h3", texts["proxies"]), tag("p", said), table(header, rows)])


def decision_layer(audit: Mapping[str, Any] | None, context: ReportContext, texts: Texts) -> Markup:
    """Outcomes of decisions by group, and how they compare with history."""
    if audit is None:
        return missing(texts, "decisions")
    rows: list[tuple[Any, ...]] = []
    for name, metric in audit["metrics"].items():
        worst = next((g for g in metric["groups"] if g["group"] == metric["worst"]), None)
        wider = audit["amplification"].get(name)
        ratio = MISSING
        if wider and wider["ratio"] is not None:
            low, high = wider["interval"]
            ratio = f"{wider['ratio']:.2f} [{low:.2f}, {high:.2f}]"
        rows.append((
            texts.known(name), tag("span", texts[metric["verdict"]], class_=f"verdict small {metric['verdict']}"),
            number(metric["overall"], metric["kind"]), group_name(worst["group"], context) if worst else MISSING,
            points(worst["difference"], metric["kind"]) if worst else MISSING,
            interval(worst["difference_interval"], metric["kind"], difference=True) if worst else MISSING, ratio,
        ))  # fmt: skip
    for name in audit.get("not_recorded", ()):
        rows.append((texts.known(name), tag("span", texts["not_recorded"], class_="missing"), *[MISSING] * 5))
    for name, value in audit.get("constant", {}).items():
        said = tag("span", texts["never_varies"], class_="missing")
        rows.append((texts.known(name), said, number(value, "mean"), *[MISSING] * 4))
    header = [
        texts[k]
        for k in ("metric", "verdict", "overall", "group", "difference", "difference_interval", "amplification")
    ]
    return join(
        [tag("h3", texts["decisions"]), table(header, rows), tag("p", texts["amplification_note"], class_="soft small")]
    )


def label_layer(decomposition: Mapping[str, Any] | None, context: ReportContext, texts: Texts) -> Markup:
    """The gap in the labels, split into its parts."""
    if decomposition is None:
        return missing(texts, "decomposition")
    judged = [g for g in decomposition["groups"] if g["parts"]]
    judged.sort(key=lambda g: -(g["gap_hours"] or 0.0))
    names = [group_name(g["group"], context) for g in judged]
    values = [[(g["parts"].get(p) or {"hours": 0.0})["hours"] for p in PARTS] for g in judged]
    chart = stacked_chart(
        names, values, [f"part-{p}" for p in PARTS], [texts[f"part_{p}"] for p in PARTS], texts["decomposition"],
        Formatter("mean"),
    )  # fmt: skip
    header = [texts["group"], texts["n"], texts["late_rate"], texts["gap_hours"], *(texts[f"part_{p}"] for p in PARTS)]
    rows = [_delay_row(g, names[i], texts) for i, g in enumerate(judged)]
    left = [g["group"] for g in decomposition["groups"] if not g["parts"]]
    verdicts = [f"{texts[f'part_{part}']}: {texts[v]}" for part, v in decomposition["verdicts"].items()]
    return join([
        tag("h3", texts["decomposition"]),
        tag("p", texts.say("factors_said", factors=", ".join(decomposition["factors"]) or texts["nobody"])),
        tag("ul", *(tag("li", said) for said in verdicts)),
        chart if judged else None, table(header, rows),
        tag("p", texts["decomposition_note"], class_="soft small"),
        tag("p", texts.say("decomposition_left", groups=texts.listed(left))) if left else None,
    ])  # fmt: skip


def _delay_row(group: Mapping[str, Any], name: str, texts: Texts) -> Markup:
    gap = number(group["gap_hours"], "hours", signed=True)
    cells: list[Any] = [name, count(group["n"]), number(group["late_rate"]), gap]
    for part in PARTS:
        found = group["parts"].get(part)
        if found is None:
            cells.append(MISSING)
            continue
        said = f"{number(found['hours'], 'hours', signed=True)} {interval(found['interval'], 'hours', difference=True)}"
        cells.append(tag("b", said) if found["named"] else tag("span", said))
    named = any(p and p["named"] for p in group["parts"].values())
    return table_row(cells, "named" if named else None)


def selective(found: Mapping[str, Any] | None, context: ReportContext, texts: Texts) -> Markup:
    """Whether labels are missing more often in some groups."""
    if found is None:
        return missing(texts, "selective")
    metric = found["metric"]
    named = [f"{group_name(g['group'], context)}: {number(g['rate'])}" for g in metric["groups"] if g["named"]]
    said = texts.say(
        "selective_said", verdict=texts[found["verdict"]], overall=number(metric["overall"]), groups=texts.listed(named)
    )
    return join([tag("h3", texts["selective"]), tag("p", said)])
