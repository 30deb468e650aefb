"""Sentences of an audit as code and values, so that every language says the same with the same numbers.

Belongs here: the sentences that a result itself carries. Does not belong here: headings and explanations of a page
(report).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEMPLATES: dict[str, tuple[str, str]] = {
    "no_rows": ("The table has no rows.", "表中没有任何行。"),
    "no_known_group": ("No row has a known group.", "没有任何一行具有已知的组别。"),
    "one_group": (
        "The only group is {group}; there is nothing to compare.",
        "只有一个组（{group}），没有可比较的对象。",
    ),
    "no_metric": ("No metric applies.", "没有适用的指标。"),
    "nothing_counted": ("No row counts towards this metric.", "没有任何一行计入该指标。"),
    "one_group_counted": (
        "Only one group has rows for this metric; there is nothing to compare.",
        "只有一个组有计入该指标的行，没有可比较的对象。",
    ),
    "little_support": (
        "{supported} of {groups} groups reach the minimum support of {minimum} rows; two are needed.",
        "{groups} 个组中有 {supported} 个达到最低样本量 {minimum} 行；至少需要两个。",
    ),
    "control_determines_group": (
        "The control columns determine the group: hardly any stratum holds two of them.",
        "控制变量决定了组别：几乎没有哪一层同时含有两个组。",
    ),
    "one_value": (
        "Every counted row has the same value; no difference is possible.",
        "所有计入的行取值相同，不可能存在差异。",
    ),
    "too_coarse": (
        "No group stands out, but a typical group's gap is only found from {detectable} on, above the {limit} that "
        "matters.",
        "没有哪个组突出，但典型组的差距要达到 {detectable} 才能被发现，高于有意义的 {limit}。",
    ),
    "nothing_found": (
        "No group stands out; a typical group's gap is found from {detectable} on.",
        "没有哪个组突出；典型组的差距达到 {detectable} 即可被发现。",
    ),
    "groups_named": (
        "{named} of {judged} judged groups differ: {groups}.",
        "{judged} 个可评判的组中有 {named} 个存在差异：{groups}。",
    ),
    "none_singled_out": (
        "The groups differ among themselves, but none can be singled out.",
        "各组之间存在差异，但无法指明是哪一个组。",
    ),
    "within_tolerance": (
        "Groups differ beyond chance, but within the tolerance of {tolerance}.",
        "各组差异超出偶然，但在容差 {tolerance} 之内。",
    ),
    "gap_in": ("Groups differ in {metrics}.", "各组在以下指标上存在差异：{metrics}。"),
    "gap_in_intersection": ("Groups differ where columns cross: {names}.", "在列的交叉组中存在差异：{names}。"),
    "of_metric": ("{metric}: {statement}", "{metric}：{statement}"),
    "rows_without_group": ("{rows} rows without a known group", "{rows} 行没有已知的组别"),
    "groups_suppressed": ("{groups} groups with too few rows to print", "{groups} 个组行数过少，不予显示"),
    "groups_not_judged": ("{metric}: {count} groups ({groups})", "{metric}：{count} 个组（{groups}）"),
    "weighted": (
        "Sampling weights change the rates; evidence is counted by the effective sample size.",
        "抽样权重会改变比率；证据量按有效样本量计算。",
    ),
    "control_changed_verdict": (
        "{metric}: {before} without the control columns, {after} within them.",
        "{metric}：不加控制变量时为“{before}”，在控制变量之内为“{after}”。",
    ),
}
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Statement:
    """One sentence: a key of `TEMPLATES` and what goes into its places.

    >>> print(Statement("rows_without_group", {"rows": 12}))
    12 rows without a known group
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: str = "en", names: Mapping[str, str] | None = None) -> str:
        """The sentence in `en` or `zh`; `names` translates metric and verdict names."""
        names = names or {}
        filled = {key: _said(value, language, names) for key, value in self.values.items()}
        return TEMPLATES[self.code][LANGUAGES.index(language)].format(**filled)

    def __str__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        """JSON values, with the English sentence beside."""
        values = {k: v.to_dict() if isinstance(v, Statement) else v for k, v in self.values.items()}
        return {"code": self.code, "values": values, "text": self.text()}


def _said(value: Any, language: str, names: Mapping[str, str]) -> str:
    if isinstance(value, Statement):
        return value.text(language, names)
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ("、" if language == "zh" else ", ").join(_said(item, language, names) for item in value)
    return names.get(value, value) if isinstance(value, str) else str(value)
