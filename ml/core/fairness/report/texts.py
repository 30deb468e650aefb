"""Every heading, label and explanation of the report, in English and Chinese side by side.

Belongs here: words. Does not belong here: numbers, and the sentences that an audit itself carries (statements).
"""

# ruff: noqa: E501  (the linter counts a Chinese character as two)
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.report.more_texts import MORE_TEXTS
from ml.core.fairness.report.replay_texts import REPLAY_TEXTS

LANGUAGES = ("en", "zh")
TEXTS: dict[str, tuple[str, str]] = {
    "html_lang": ("en", "zh-Hans"),
    "report": ("Regional bias audit", "区域偏差审计报告"),
    "gap": ("Gap", "存在差距"),
    "no_gap_found": ("No gap found", "未发现差距"),
    "insufficient_evidence": ("Insufficient evidence", "证据不足"),
    "undefined": ("Undefined", "无法定义"),
    "judged": ("judged", "已评判"),
    "insufficient": ("too few rows", "行数不足"),
    "suppressed": ("not printed", "不予显示"),
    "label": ("Label: what history did", "标签层：历史如何对待"),
    "prediction": ("Prediction: how well the model reads it", "预测层：模型的判断质量"),
    "decision": ("Decision: what is done with it", "决策层：如何采取行动"),
    "base_rate": ("rate of the outcome", "结果发生率"),
    "selection_rate": ("selection rate", "选中率"),
    "false_positive_rate": ("false positive rate", "假阳性率"),
    "false_negative_rate": ("false negative rate", "假阴性率"),
    "false_discovery_rate": ("false discovery rate", "错误发现率"),
    "false_omission_rate": ("false omission rate", "错误遗漏率"),
    "error_rate": ("error rate", "错误率"),
    "mean_prediction": ("mean score", "平均评分"),
    "calibration_error": ("calibration (outcome − score)", "校准误差（结果 − 评分）"),
    "brier_score": ("Brier score", "Brier 分数"),
    "missing": ("Not supplied.", "未提供。"),
    "first_decide": ("Decision asked for", "请求的决定"),
    "first_worst": ("Worst group and gap", "最不利的组及其差距"),
    "first_changed": ("What changed since last time", "与上次相比的变化"),
    "first_missing": ("What could not be assessed", "未能评估的内容"),
    "first_sign": ("Sign", "签署"),
    "decide_default": (
        "Accept, accept with conditions, or refuse what this audit shows.",
        "请决定接受、附条件接受或拒绝本审计所示结果。",
    ),
    "worst_delay": (
        "Orders to {group} take {hours} hours {interval} longer than comparable orders elsewhere; nothing on record explains it ({orders} "
        "orders).",
        "发往 {group} 的订单比别处的同类订单多用 {hours} 小时 {interval}，记录中没有任何因素可以解释（{orders} 单）。",
    ),
    "worst_sentence": (
        "{group} differs from the other groups by {difference} in {metric}, {interval} with {confidence} confidence over "
        "all groups at once.",
        "{group} 在“{metric}”上与其他组相差 {difference}，所有组同时成立的 {confidence} 置信区间为 {interval}。",
    ),
    "worst_not_proven": (
        "The widest difference that was judged is that of {group}: {difference} in {metric}, {interval}. Chance alone "
        "would show one as wide.",
        "所评判的最大差异出现在 {group}：“{metric}”相差 {difference}，区间 {interval}。仅凭偶然也会出现这样大的差异。",
    ),
    "worst_none": ("No group could be judged.", "没有任何组可以评判。"),
    "changed_none": ("There is no earlier audit to compare with.", "没有可供比较的上一次审计。"),
    "changed_same": ("Nothing: verdicts, named groups and worst gap are those of the last audit.",
                     "没有变化：结论、被指明的组及最大差距均与上次审计相同。"),
    "changed_verdict": ("Verdict: {before} → {after}.", "结论：{before} → {after}。"),
    "changed_metric": ("{metric}: {before} → {after}.", "{metric}：{before} → {after}。"),
    "changed_named": ("{metric}: now named {new}; no longer named {gone}.", "{metric}：新指明 {new}；不再指明 {gone}。"),
    "changed_groups": ("Groups that are new: {new}; gone: {gone}.", "新增的组：{new}；消失的组：{gone}。"),
    "changed_gap": ("Worst gap: {before} → {after}.", "最大差距：{before} → {after}。"),
    "nobody": ("none", "无"),
    "all_assessed": ("Every group and every metric was judged.", "所有组和所有指标均已评判。"),
    "assessor": ("Assessor", "评估人"), "reviewer": ("Reviewer", "复核人"), "date": ("Date", "日期"),
    "signature": ("Signature", "签名"), "outcome": ("Approve / with conditions / reject", "批准 / 附条件批准 / 拒绝"),
    "expires": ("Expires", "有效期至"), "conditions": ("Conditions", "条件"),
    "s1": ("1 Identity", "1 身份信息"), "s2": ("2 Purpose and trade-offs", "2 目的与取舍"), "s3": ("3 Data", "3 数据"),
    "s4": ("4 Groups, proxies, and who cannot be assessed", "4 组别、代理变量及无法评估者"),
    "s5": ("5 Counts and rates by group", "5 各组计数与比率"), "s6": ("6 Intersections", "6 交叉组"),
    "s7": ("7 How certain this is", "7 结论的确定程度"),
    "s8": ("8 Unconditional and conditional results", "8 无条件与有条件的结果"),
    "s9": ("9 Error and calibration by group", "9 各组的误差与校准"),
    "s10": ("10 Over time, before and after changes", "10 随时间的变化及变更前后"), "s11": ("11 Feedback loop", "11 反馈循环"),
    "s12": ("12 Mitigation and residual risk", "12 缓解措施与剩余风险"), "s13": ("13 Human oversight", "13 人工监督"),
    "s14": ("14 Logging, retention, integrity", "14 日志、留存与完整性"), "s15": ("15 Privacy in this report", "15 本报告中的隐私"),
    "s16": ("16 What this report cannot show", "16 本报告无法说明的内容"), "s17": ("17 Sign-off", "17 签核"),
    "plain_title": ("In plain language", "通俗说明"),
    "applicability": ("Applicability", "适用性"),
    "policy_version": ("Policy version", "策略版本"), "model_version": ("Model version", "模型版本"),
    "data_window": ("Data window", "数据时间窗"), "data_snapshot": ("Data snapshot", "数据快照"), "commit": ("Commit", "代码提交"),
    "run": ("Run", "运行"), "author": ("Author", "作者"), "independence": ("Independence of the assessor", "评估人的独立性"),
    "audit_digest": ("Digest of the audit", "审计摘要值"), "content_digest": ("Digest of audit and context", "审计与背景的摘要值"),
    "origin": ("Origin", "来源"), "preparation": ("Preparation", "处理"), "gaps": ("Gaps", "缺口"),
    "parameter": ("Parameter", "参数"), "value": ("Value", "值"),
    "rows": ("Rows", "行数"), "in_groups": ("Rows in a group", "有组别的行"), "unknown_group": ("Group unknown", "组别未知"),
    "unlabelled": ("Outcome not known yet", "结果尚未知晓"), "zero_weight": ("Left out: weight 0", "权重为 0 而剔除"),
    "groups": ("Groups", "组数"), "groups_suppressed": ("Groups not printed", "不予显示的组数"), "strata": ("Strata of the control", "控制变量的层数"),
    "representation": ("Share of all rows", "占全部行的比例"),
    "group": ("Group", "组"), "n": ("Rows", "行数"), "positives": ("Counted", "计数"), "rate": ("Rate", "比率"),
    "mean": ("Mean", "均值"), "interval": ("Interval", "区间"), "shrunken": ("Shrunken", "收缩估计"),
    "difference": ("Difference", "差异"), "difference_interval": ("Its interval", "差异的区间"),
    "impact_ratio": ("Impact ratio", "影响比"), "adjusted_p": ("p (all groups)", "p（全部组）"),
    "detectable": ("Detectable", "可发现的差距"), "status": ("Status", "状态"), "named": ("differs", "存在差异"),
    "metric": ("Metric", "指标"), "layer": ("Layer", "层"), "verdict": ("Verdict", "结论"), "overall": ("Overall", "总体"),
    "reference": ("Reference", "参照"), "p": ("p", "p"), "p_holm": ("p (all metrics)", "p（全部指标）"),
    "range": ("Observed range", "观察到的极差"), "by_chance": ("By chance", "偶然所致"), "excess": ("Excess", "超额差异"),
    "why": ("Why", "原因"), "named_groups": ("Groups that differ", "存在差异的组"),
    "unconditional": ("Unconditional", "无条件"), "conditional": ("Conditional", "有条件"),
    "no_control": ("No control columns were named; every result is unconditional.", "未指定控制变量；所有结果均为无条件结果。"),
    "map_title": ("Map of regions: {metric}", "区域图：{metric}"),
    "map_note": ("Each tile is a region near its place. Red is worse and green better than the reference; a dashed tile is not "
                 "judged; a dark outline marks a region that differs.",
                 "每个方块代表一个区域，位置接近其实际所在。红色劣于、绿色优于参照；虚线方块未评判；深色外框表示该区域存在差异。"),
    "chart_note": ("Dots are rates with simultaneous intervals; rings are shrunken estimates; a dotted line has too few rows for "
                   "a rate. The dashed line is the reference.",
                   "圆点为比率及其同时置信区间；圆环为收缩估计；点线表示行数不足、不给出比率。虚线为参照值。"),
    "ratio_note": ("The impact ratio divides a group's favourable rate by the best judged group's. It is a screening figure: "
                   "among many groups it falls under 0.8 by chance alone, so it never makes a verdict here.",
                   "影响比为某组的有利比率除以已评判组中的最高值。它只是筛查数字：组数较多时仅凭偶然也会低于 0.8，因此不作为结论依据。"),
    "reliability": ("Observed rate against score", "观察比率与评分"), "score": ("Score", "评分"), "observed": ("Observed", "观察值"),
    **MORE_TEXTS,
    **REPLAY_TEXTS,
}  # fmt: skip


class Texts:
    """The words of one language.

    >>> Texts("en")["gap"]
    'Gap'
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise UnusableTable(f"A report is written in one of {LANGUAGES}; got {language!r}.")
        self.language = language
        self._index = LANGUAGES.index(language)

    def __getitem__(self, key: str) -> str:
        return TEXTS[key][self._index]

    def say(self, key: str, **values: object) -> str:
        """A sentence with its places filled."""
        return self[key].format(**values)

    def known(self, key: str) -> str:
        """The text of `key`, or `key` itself where there is none."""
        return TEXTS[key][self._index] if key in TEXTS else key

    @property
    def names(self) -> dict[str, str]:
        """Every key with its text, for the sentences of an audit."""
        return {key: pair[self._index] for key, pair in TEXTS.items()}

    def listed(self, items: list[str], most: int = 8) -> str:
        """A list in words; `nobody` when empty."""
        if not items:
            return self["nobody"]
        shown = items[:most] + (["…"] if len(items) > most else [])
        return ("、" if self.language == "zh" else ", ").join(shown)
