"""Longer explanations of the report, in English and Chinese side by side.

Belongs here: paragraphs and the words of the single layers. Does not belong here: headings and column names (texts).
"""

# ruff: noqa: E501  (the linter counts a Chinese character as two)
MORE_TEXTS: dict[str, tuple[str, str]] = {
    "purpose_missing": ("State what is optimised and which trade-offs were chosen.", "请说明优化目标及所作的取舍。"),
    "supply": ("Supply: {fields}.", "请提供：{fields}。"),
    "certainty": (
        "A group is judged from {minimum} rows on. The omnibus test asks whether any group differs; its p-value is corrected for "
        "the number of metrics (Holm). Groups are named by a step-down maximum test, which wrongly names any group in at most "
        "{alpha} of audits. Intervals hold for all groups at once. Differences up to the tolerance of {tolerance} are of no "
        "practical weight. Draws under the null: {resamples}, seed {seed}.",
        "样本量达到 {minimum} 行的组才予以评判。总括检验判断是否有任何组存在差异，其 p 值已按指标数目校正（Holm）。各组由逐步递减的最大值检验指明，"
        "至多在 {alpha} 的审计中会误指任何一组。区间对所有组同时成立。不超过容差 {tolerance} 的差异没有实际意义。零假设下重抽样 {resamples} 次，种子 {seed}。",
    ),
    "range_note": (
        "With many groups the highest and lowest rate always lie apart. “By chance” is the spread that equal groups would show; "
        "“excess” is what remains.",
        "组数较多时，最高与最低比率必然存在距离。“偶然所致”是各组相同时也会出现的离散程度；“超额差异”是其余部分。",
    ),
    "detectable_note": (
        "“Detectable” is the smallest difference of one group that this audit would have found with 80 % power.",
        "“可发现的差距”是本审计能以 80 % 的功效发现的单个组的最小差异。",
    ),
    "privacy_default": (
        "Groups with fewer than {below} rows are not printed; where a total would give one away, the next smallest are not "
        "printed either. Groups hidden here: {hidden}.",
        "行数少于 {below} 的组不予显示；若合计会泄露其数值，则次小的组同样不予显示。此处隐藏的组数：{hidden}。",
    ),
    "limits_default": (
        "An audit finds differences, not their causes or intentions. It cannot see groups that no column names, harms that no "
        "label records, or orders that were never placed.|No gap found is not proof of equality: gaps under the detectable "
        "size stay unseen.|Rates of groups under the minimum support are not judged.|A conditional result accepts the control "
        "columns as legitimate; if one of them carries the disadvantage itself, the gap is hidden in it.",
        "审计只发现差异，不说明其原因或意图。没有列记录的群体、没有标签记录的损害、从未下达的订单，均无法看到。|“未发现差距”不等于证明相等："
        "小于可发现程度的差距仍然看不到。|低于最低样本量的组不予评判。|有条件的结果默认控制变量是正当的；若其中某一变量本身承载了不利，差距就会藏在其中。",
    ),
    "applicability_text": (
        "Guidance for builders, not legal advice.|PIPL Art. 24: automated decisions shall be transparent and fair, without "
        "unreasonable differential treatment; delivery time can be argued to be a transaction condition. Art. 55–56: impact "
        "assessment, kept for at least 3 years.|GDPR Art. 22 and 35: automated decisions, impact assessment.|EU AI Act: routing to "
        "nodes is not in Annex III; allocating tasks to couriers by behaviour is. Annex IV is used here as a voluntary benchmark.|"
        "NYC Local Law 144: used as a template for impact-ratio tables.",
        "供建设者参考，不构成法律意见。|《个人信息保护法》第二十四条：自动化决策应当透明、公平，不得实行不合理的差别待遇；配送时效可被视为交易条件。"
        "第五十五、五十六条：影响评估，至少保存三年。|GDPR 第 22、35 条：自动化决策、影响评估。|《欧盟人工智能法》：向节点分配订单不属于附件三；"
        "按行为向配送员分配任务属于附件三。此处自愿以附件四为基准。|纽约市第 144 号地方法：作为影响比表格的模板。",
    ),
    "confidence_threshold": ("Threshold for acting without a person", "无需人工的执行阈值"),
    "auto_share": ("Share executed automatically", "自动执行的比例"),
    "override_share": ("Share overridden by people", "被人工改判的比例"),
    "seconds_per_review": ("Seconds per review", "每次复核秒数"),
    "seeded_cases": ("Seeded wrong cases caught", "植入的错误案例被识别"),
    "log": ("Log", "日志"), "retention": ("Retention", "留存期限"), "integrity": ("Integrity", "完整性"),
    "fields": ("Fields used", "使用的字段"), "necessity": ("Necessity", "必要性"),
    "risk": ("Residual risk", "剩余风险"), "accepted_by": ("Accepted by", "接受人"), "until": ("Until", "有效期至"),
    "what": ("Change", "变更"), "reason": ("Reason", "理由"),
    "plain_gap": (
        "We compared {groups} groups over {rows} rows. They do not fare alike: a difference this wide would appear by luck in fewer "
        "than {alpha} of such comparisons.",
        "我们比较了 {groups} 个组，共 {rows} 行。各组的境况并不相同：若各组真正相同，这样大的差异在此类比较中出现的机会不到 {alpha}。",
    ),
    "plain_no_gap_found": (
        "We compared {groups} groups over {rows} rows and found no difference beyond luck. That is not proof that there is none: "
        "a difference too small to see could still be there.",
        "我们比较了 {groups} 个组，共 {rows} 行，没有发现超出偶然的差异。这并不证明没有差异：过小而看不到的差异仍可能存在。",
    ),
    "plain_insufficient_evidence": (
        "We looked at {groups} groups over {rows} rows. That is too little to say anything: neither that they are treated alike nor "
        "that they are not.",
        "我们查看了 {groups} 个组，共 {rows} 行。数据太少，既不能说对待相同，也不能说不同。",
    ),
    "plain_undefined": (
        "There is nothing to compare in this table: {statement}", "这张表中没有可比较的内容：{statement}",
    ),
    "plain_who": ("Groups that stand out most:", "差异最明显的组："),
    "plain_line": ("{group}: {rate} against {reference} elsewhere ({metric})", "{group}：{rate}，其他组为 {reference}（{metric}）"),
    "plain_small": (
        "Too little is known about {groups} groups to judge them. They are not “fine”; they are unknown.",
        "有 {groups} 个组的信息太少，无法评判。这不表示它们“没有问题”，而是未知。",
    ),
    "control_used": ("Compared within equal values of: {columns}.", "在以下变量取值相同的范围内比较：{columns}。"),
    "proxies": ("Can the features tell the group?", "特征能否辨认组别？"),
    "proxies_said": (
        "All features together name the group of {accuracy} {interval} of {rows} unseen rows; always naming the largest group would "
        "reach {baseline}. A feature with an association of 0.3 or more stands for the group.",
        "全部特征合在一起，能在 {rows} 行未见数据中认出 {accuracy} {interval} 的组别；总猜最大组可达 {baseline}。关联度达到 0.3 的特征可视为组别的代理。",
    ),
    "feature": ("Feature", "特征"), "association": ("Association", "关联度"), "is_proxy": ("stands for the group", "组别的代理"),
    "on_time": ("delivered on time", "准时送达率"), "promised_days": ("promised days", "承诺天数"),
    "shipping_cost": ("shipping cost", "运费"), "split": ("sent in several parcels", "拆包发货率"),
    "cancelled": ("cancelled", "取消率"), "automated": ("no person involved", "全自动处理率"),
    "sent_to_a_person": ("sent to a person", "转人工率"), "overridden": ("overridden by a person", "人工改派率"),
    "changes": ("Changes, before and after", "变更及其前后"), "touched": ("Late, where it acted", "受影响处的迟到率"),
    "elsewhere": ("Late, elsewhere", "其他地方的迟到率"),
    "changes_note": (
        "Twenty-eight days on either side. The difference is the rise where the change acted, less the rise elsewhere; its interval is at 95 %. "
        "A change whose interval lies above zero is marked. The spread is that of the true late shares between groups, before and after; a ratio "
        "above 1 means that the groups drifted apart. Numbers stand on the courses above.",
        "前后各二十八天。差异为受影响处的升幅减去其他地方的升幅，区间为 95 %。区间在零以上的变更予以标出。离散程度为变更前后各组真实迟到率之间的差异；"
        "比值大于 1 表示各组差距拉大。编号标在上方的曲线图中。",
    ),
    "other_layers": (
        "The model's scores show no gap of their own; what was done to the orders does.",
        "模型评分本身没有显示差距；对订单的实际处理显示了差距。",
    ),
    "plain_unexplained": (
        "{group}: orders take {hours} hours longer than comparable orders elsewhere, and nothing on record explains it.",
        "{group}：订单比别处的同类订单多用 {hours} 小时，记录中没有任何因素可以解释。",
    ),
    "plain_policy": (
        "{group}: the promise is {hours} hours tighter than for comparable orders, so more of them count as late.",
        "{group}：承诺时间比同类订单紧 {hours} 小时，因此更多订单被计为迟到。",
    ),
    "plain_measurement": (
        "{group}: deliveries are recorded {hours} hours later than elsewhere; people there did not wait longer.",
        "{group}：送达的记录比别处晚 {hours} 小时；当地的人并没有等得更久。",
    ),
    "plain_no_delay": (
        "Where orders take longer, distance, carrier, stock, weather and season account for it.",
        "凡订单用时较长之处，均可由距离、承运商、库存、天气与季节解释。",
    ),
    "widest_of": ("the widest {shown} of {all} that differ; all are in groups.csv", "仅列差异最大的 {shown} 个，共 {all} 个；全部见 groups.csv"),
    "decisions": ("Outcomes of decisions", "决策的结果"),
    "amplification": ("Amplification", "放大倍数"),
    "amplification_note": (
        "Amplification is the spread between groups under the decisions divided by that of history: above 1, the policy widens it.",
        "放大倍数为决策下的组间离散程度除以历史上的离散程度：大于 1 表示策略扩大了差距。",
    ),
    "decomposition": ("Where the lateness comes from, in hours", "迟到从何而来（小时）"),
    "part_measurement": ("Measurement", "测量"), "part_policy": ("Promise policy", "承诺策略"),
    "part_explained": ("Explained", "可解释"), "part_unexplained": ("Unexplained", "未解释"),
    "late_rate": ("Late", "迟到率"), "gap_hours": ("Gap, hours", "差距（小时）"),
    "factors_said": ("Factors that count as legitimate: {factors}.", "视为正当的因素：{factors}。"),
    "decomposition_note": (
        "Measurement: delivered in time, recorded late. Promise policy: a tighter promise than elsewhere for equal orders. Explained: "
        "what the factors give, and what only this group has. Unexplained: what remains when all factors are equal; the suspected "
        "preference. Bold parts are proven over all groups at once.",
        "测量：按时送达但记录较晚。承诺策略：同等订单的承诺比别处更紧。可解释：由各因素得出的部分，以及仅该组才有的情形。未解释：各因素相同时仍然存在的部分，"
        "即疑似偏好。粗体部分在所有组同时检验下成立。",
    ),
    "decomposition_left": ("Too few orders to split: {groups}.", "订单过少、无法分解：{groups}。"),
    "selective": ("Are outcomes known equally often?", "各组结果的知晓程度是否相同？"),
    "selective_said": (
        "{verdict}. The outcome is not known for {overall} of rows. Groups where this differs: {groups}.",
        "{verdict}。{overall} 的行结果未知。与其他组不同的组：{groups}。",
    ),
    "over_time": ("Disparity by period", "各时期的差距"),
    "over_time_said": (
        "Difference of each group from all others, with pointwise intervals. The alarm rings when a group's evidence reaches {level}; "
        "while all groups are alike, any alarm ever rings with a probability of at most {alpha}, however often one looks.",
        "各组与其他组之差及逐点区间。某组的证据值达到 {level} 时报警；若各组相同，无论查看多少次，任何警报响起的概率至多为 {alpha}。",
    ),
    "alarm": ("Alarm", "报警"), "evidence": ("Evidence (e-value)", "证据（e 值）"),
    "mitigation": ("Gap against cost", "差距与成本"), "remedy": ("Remedy", "措施"), "none": ("none", "不采取措施"),
    "reweighing": ("reweighing", "重新加权"), "without_proxies": ("without proxies", "去除代理变量"),
    "thresholds_by_group": ("thresholds by group", "按组设定阈值"), "exponentiated_gradient": ("exponentiated gradient", "指数梯度法"),
    "cost_per_row": ("Cost per row", "每行成本"), "remaining_gap": ("Spread of the false negative rate", "假阴性率的组间离散程度"),
    "offered": ("offered", "可选用"), "not_offered": ("not offered: decides at random", "不可选用：随机决策"),
    "mitigation_note": (
        "All remedies are priced on the same rows, later than those that they were fitted on. A remedy that decides at random is shown for "
        "comparison and not offered where a decision must be explained.",
        "所有措施均在晚于拟合数据的同一批数据上计价。随机决策的措施仅供比较；凡须说明理由的决策，不提供该选项。",
    ),
}  # fmt: skip
