"""Contents 1–17 of the report, in their order.

Belongs here: what each section shows. Does not belong here: the first page, drawing, words, and the sections that need
evidence of other layers (layers).
"""

from collections.abc import Mapping, Sequence

from ml.core.fairness.report import courses, layers
from ml.core.fairness.report.charts import Formatter, IntervalRow, interval_chart, reliability_chart
from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.report.layers import group_name
from ml.core.fairness.report.markup import (
    MISSING,
    Markup,
    count,
    interval,
    join,
    number,
    p_value,
    points,
    table,
    table_row,
    tag,
)  # fmt: skip
from ml.core.fairness.report.remedies import trade_off
from ml.core.fairness.report.replays import replays
from ml.core.fairness.report.texts import Texts
from ml.core.fairness.report.tilemap import Tile, tile_map
from ml.core.fairness.results import AuditResult, GroupResult, MetricResult

MOST_CHART_ROWS = 45
MOST_CROSSED_ROWS = 10
IDENTITY = ("policy_version", "model_version", "data_window", "data_snapshot", "commit", "run", "author", "assessor",
            "independence")  # fmt: skip


def all_sections(result: AuditResult, context: ReportContext, texts: Texts, content: str) -> list[Markup]:
    """Sections 1–17 and the applicability."""
    page = _Page(result, context, texts, content)
    return [*(tag("section", tag("h2", texts[f"s{i}"]), *page.section(i)) for i in range(1, 18)), page.applicability()]


class _Page:
    """One report's sections; every method returns pieces of markup."""

    def __init__(self, result: AuditResult, context: ReportContext, texts: Texts, content: str) -> None:
        self.result, self.context, self.texts, self.content = result, context, texts, content

    def section(self, number_: int) -> Sequence[Markup | None]:
        pieces: Sequence[Markup | None] = getattr(self, f"section_{number_}")()
        return pieces

    def section_1(self) -> list[Markup]:
        digests = {"audit_digest": self.result.digest, "content_digest": self.content}
        return [
            self.stated(
                IDENTITY, self.context.identity, extra={k: tag("span", v, class_="mono") for k, v in digests.items()}
            )
        ]

    def section_2(self) -> list[Markup]:
        return [self.prose(self.context.purpose, "purpose_missing")]

    def section_3(self) -> list[Markup]:
        rows = [(self.texts[key], count(value)) for key, value in self.result.counts.items()]
        return [self.stated(("origin", "preparation", "learned_label", "gaps"), self.context.data),
                table((self.texts["parameter"], self.texts["value"]), rows)]  # fmt: skip

    def section_4(self) -> list[Markup | None]:
        columns = self.result.parameters["columns"].get("group", [])
        lines = [s.text(self.texts.language, self.texts.names) for s in self.result.not_assessed]
        return [
            self.prose(self.context.group_definition or ", ".join(columns), "missing"),
            tag("ul", *(tag("li", said) for said in lines)) if lines else tag("p", self.texts["all_assessed"]),
            layers.proxies(self.context.proxies, self.texts),
        ]

    def section_5(self) -> list[Markup | None]:
        shown = [m for m in self.result.metrics.values() if m.layer in ("label", "decision")]
        pieces: list[Markup | None] = [self.overview(shown)]
        chosen = self.main_metric(shown)
        if chosen:
            pieces += [self.map(chosen), self.chart(chosen)]
        pieces += [self.group_table(metric) for metric in shown]
        if any(g.impact_ratio is not None for m in shown for g in m.groups):
            pieces.append(tag("p", self.texts["ratio_note"], class_="soft small"))
        return [*pieces, layers.decision_layer(self.context.decision_layer, self.context, self.texts),
                replays(self.context.replays, self.context, self.texts)]  # fmt: skip

    def section_6(self) -> list[Markup]:
        if not self.result.intersections:
            return [tag("p", self.texts["missing"], class_="missing")]
        pieces = []
        for name, audit in self.result.intersections.items():
            page = _Page(audit, self.context, self.texts, self.content)
            pieces += [tag("h3", name), page.overview(list(audit.metrics.values()))]
            pieces += [page.group_table(m, most=MOST_CROSSED_ROWS) for m in audit.metrics.values() if m.named]
        return pieces

    def section_7(self) -> list[Markup]:
        settings = self.result.parameters
        said = self.texts.say(
            "certainty", minimum=count(settings["minimum_support"]), alpha=f"{100 * settings['alpha']:g} %",
            tolerance=f"{settings['tolerance']:g}", resamples=count(settings["resamples"]), seed=settings["seed"],
        )  # fmt: skip
        header = [self.texts[k] for k in ("metric", "range", "by_chance", "excess", "interval", "detectable")]
        rows = [
            (self.texts.known(m.name), number(m.range.observed, m.kind), number(m.range.expected_by_chance, m.kind),
             number(m.range.excess, m.kind), interval(m.range.interval, m.kind),
             number(m.smallest_detectable_gap.typical, m.kind) if m.smallest_detectable_gap else MISSING)
            for m in self.result.metrics.values() if m.range
        ]  # fmt: skip
        notes = [self.texts["range_note"], self.texts["detectable_note"]]
        notes += [s.text(self.texts.language, self.texts.names) for s in self.result.notes]
        return [tag("p", said), table(header, rows), *(tag("p", note, class_="soft small") for note in notes)]

    def section_8(self) -> list[Markup | None]:
        control = self.result.parameters["columns"].get("control") or []
        pieces: list[Markup | None] = []
        if self.result.unconditional:
            header = [self.texts[k] for k in ("metric", "unconditional", "named_groups", "conditional", "named_groups")]
            rows = [
                (self.texts.known(name), self.texts[before.verdict], self.texts.listed(list(before.named)),
                 self.texts[self.result.metrics[name].verdict],
                 self.texts.listed(list(self.result.metrics[name].named)))
                for name, before in self.result.unconditional.items()
            ]  # fmt: skip
            pieces.append(tag("p", self.texts.say("control_used", columns=", ".join(control))))
            pieces.append(self.prose(self.context.legitimate_factors, "missing"))
            pieces.append(table(header, rows))
        else:
            pieces.append(tag("p", self.texts["no_control"]))
        if not self.result.unconditional and self.context.legitimate_factors:
            pieces.append(self.prose(self.context.legitimate_factors, "missing"))
        return [*pieces, layers.label_layer(self.context.label_layer, self.context, self.texts)]

    def section_9(self) -> list[Markup | None]:
        shown = [m for m in self.result.metrics.values() if m.layer == "prediction"]
        if not shown:
            return [tag("p", self.texts["missing"], class_="missing")]
        bins = [
            (float(b["mean_score"] or 0), float(b["observed"] or 0), int(b["rows"] or 0))
            for b in self.result.reliability
        ]
        chart = (
            reliability_chart(bins, self.texts["reliability"], self.texts["score"], self.texts["observed"])
            if bins
            else None
        )
        chosen = self.main_metric(shown)
        return [
            self.overview(shown),
            chart,
            self.chart(chosen) if chosen else None,
            *(self.group_table(m) for m in shown),
        ]

    def section_10(self) -> list[Markup | None]:
        return [courses.over_time(self.context.over_time, self.context, self.texts),
                courses.changes(self.context.changes, self.texts)]  # fmt: skip

    def section_11(self) -> list[Markup | None]:
        return [
            self.prose(self.context.feedback, "missing"),
            layers.selective(self.context.selective_labels, self.context, self.texts),
        ]

    def section_12(self) -> list[Markup | None]:
        return [trade_off(self.context.mitigation, self.context.routing_bounds, self.texts),
                self.stated(("risk", "accepted_by", "until"), self.context.accepted_risk)]  # fmt: skip

    def section_13(self) -> list[Markup]:
        fields = ("confidence_threshold", "auto_share", "override_share", "seconds_per_review", "seeded_cases")
        return [self.stated(fields, self.context.oversight)]

    def section_14(self) -> list[Markup]:
        return [self.stated(("log", "retention", "integrity"), self.context.logging)]

    def section_15(self) -> list[Markup]:
        said = self.texts.say("privacy_default", below=self.result.parameters["suppress_below"],
                              hidden=len(self.result.suppressed))  # fmt: skip
        return [tag("p", said), self.stated(("fields", "necessity"), self.context.privacy)]

    def section_16(self) -> list[Markup]:
        lines = self.texts["limits_default"].split("|") + list(self.context.limits)
        return [tag("ul", *(tag("li", said) for said in lines))]

    def section_17(self) -> list[Markup]:
        given = {**self.context.sign_off, "outcome": self.context.sign_off.get("verdict", "")}
        return [self.stated(("assessor", "reviewer", "outcome", "conditions", "expires"), given)]

    def applicability(self) -> Markup:
        lines = self.texts["applicability_text"].split("|")
        return tag("section", tag("h2", self.texts["applicability"]), tag("p", lines[0], class_="soft"),
                   tag("ul", *(tag("li", said) for said in lines[1:])), class_="small")  # fmt: skip

    def prose(self, said: str, otherwise: str) -> Markup:
        if said:
            return tag("p", said)
        missing = (
            self.texts["missing"] if otherwise == "missing" else f"{self.texts['missing']} {self.texts[otherwise]}"
        )
        return tag("p", missing, class_="missing")

    def stated(
        self, fields: Sequence[str], given: Mapping[str, str], extra: Mapping[str, Markup] | None = None
    ) -> Markup:
        """A table of stated facts; what is not stated is printed as missing."""
        absent = tag("span", self.texts["missing"], class_="missing")
        rows = [(self.texts[f], tag("span", given[f]) if given.get(f) else absent) for f in fields]
        rows += [(self.texts[key], value) for key, value in (extra or {}).items()]
        return table((self.texts["parameter"], self.texts["value"]), rows)

    def overview(self, metrics: Sequence[MetricResult]) -> Markup:
        header = [self.texts[k] for k in ("metric", "verdict", "overall", "p", "p_holm", "why")]
        rows = [
            (self.texts.known(m.name), tag("span", self.texts[m.verdict], class_=f"verdict small {m.verdict}"),
             number(m.overall, m.kind), p_value(m.p), p_value(m.adjusted_p),
             m.reason.text(self.texts.language, self.texts.names))
            for m in metrics
        ]  # fmt: skip
        return table(header, rows)

    def main_metric(self, metrics: Sequence[MetricResult]) -> MetricResult | None:
        judged = [m for m in metrics if m.p is not None]
        if not judged:
            return None
        worst = self.result.worst
        return next((m for m in judged if worst and m.name == worst.metric), judged[0])

    def chart(self, metric: MetricResult) -> Markup:
        groups = sorted(metric.groups, key=lambda g: (g.rate is None, -(g.rate or 0.0), g.group))[:MOST_CHART_ROWS]
        rows = [
            IntervalRow(group_name(g.group, self.context), g.interval[0] if g.interval else None, g.rate,
                        g.interval[1] if g.interval else None, _marked(g, metric), self._note(g), g.shrunken)
            for g in groups
        ]  # fmt: skip
        name = self.texts.known(metric.name)
        drawn = interval_chart(rows, metric.reference, name, self.texts["reference"], Formatter(metric.kind))
        return join([tag("h3", name), drawn, tag("p", self.texts["chart_note"], class_="soft small")])

    def _note(self, group: GroupResult) -> str:
        return f"n = {count(group.n)}" if group.status in ("judged", "insufficient") else self.texts[group.status]

    def map(self, metric: MetricResult) -> Markup:
        known = [abs(g.difference) for g in metric.groups if g.difference is not None]
        widest = max(known, default=0.0) or 1.0
        sign = -1.0 if metric.worse == "lower" else 1.0
        tiles = [self._tile(g, metric, sign, widest) for g in metric.groups]
        name = self.texts.known(metric.name)
        title = self.texts.say("map_title", metric=name)
        return join([tag("h3", title), tile_map(tiles, self.context.positions, title),
                     tag("p", self.texts["map_note"], class_="soft small")])  # fmt: skip

    def _tile(self, group: GroupResult, metric: MetricResult, sign: float, widest: float) -> Tile:
        if group.difference is None:
            status = self.texts[group.status]
            return Tile(group.group, MISSING, None, False, f"{group_name(group.group, self.context)}: {status}")
        said = points(group.difference, metric.kind)
        tooltip = f"{group_name(group.group, self.context)}: {number(group.rate, metric.kind)} ({said})"
        return Tile(group.group, said.removesuffix(" pp"), sign * group.difference / widest, group.named, tooltip)

    def group_table(self, metric: MetricResult, most: int | None = None) -> Markup:
        """All groups of a metric, the worst first; with `most`, that many of those that differ."""
        is_rate, t = metric.kind == "rate", self.texts
        has_ratio = any(g.impact_ratio is not None for g in metric.groups)
        keys = ["group", "n", *(["positives"] if is_rate else []), "rate" if is_rate else "mean", "interval",
                "shrunken", "difference", "difference_interval", *(["impact_ratio"] if has_ratio else []),
                "adjusted_p", "status"]  # fmt: skip
        sign = -1.0 if metric.worse == "lower" else 1.0
        groups = sorted(metric.groups, key=lambda g: (g.difference is None, -sign * (g.difference or 0.0), g.group))
        caption = f"{t.known(metric.name)} · {t[metric.layer]}"
        if most is not None:
            named = sorted((g for g in groups if g.named), key=lambda g: -abs(g.difference or 0.0))
            groups = [g for g in groups if g in named[:most]]
            if len(named) > most:
                caption += f" · {t.say('widest_of', shown=most, all=len(named))}"
        rows = [self._group_row(g, metric, has_ratio) for g in groups]
        return table([t[k] for k in keys], rows, caption=caption, class_="groups")

    def _group_row(self, g: GroupResult, metric: MetricResult, has_ratio: bool) -> Markup:
        kind, t = metric.kind, self.texts
        cells = [
            group_name(g.group, self.context), count(g.n), *([count(g.positives)] if kind == "rate" else []),
            number(g.rate, kind), interval(g.interval, kind), number(g.shrunken, kind), points(g.difference, kind),
            interval(g.difference_interval, kind, difference=True),
            *([f"{g.impact_ratio:.2f}" if g.impact_ratio is not None else MISSING] if has_ratio else []),
            p_value(g.adjusted_p), t["named"] if g.named else t[g.status],
        ]  # fmt: skip
        return table_row(cells, _marked(g, metric) or (None if g.status == "judged" else "unjudged"))


def _marked(group: GroupResult, metric: MetricResult) -> str | None:
    """How a group that differs is marked: `better` where it differs to its advantage, else `named`."""
    if not group.named:
        return None
    favours = {"higher": -1.0, "lower": 1.0}.get(metric.worse, 0.0) * (group.difference or 0.0)
    return "better" if favours > 0 else "named"
