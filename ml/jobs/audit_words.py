"""What the audit of a version states beside its numbers, in English and Chinese side by side.

Belongs here: sentences on purpose, data, groups, factors, feedback, logging. Does not belong here: words of the report
itself (ml/core/fairness/report/texts).
"""

# ruff: noqa: E501  (the linter counts a Chinese character as two)
from collections.abc import Mapping


def both(en: str, zh: str) -> Mapping[str, str]:
    """One statement in the report's two languages."""
    return {"en": en, "zh": zh}


ASKED = ("May version {version} of {model} be promoted?", "是否允许 {model} 的版本 {version} 上线？")
PURPOSE = (
    "{title}. Trained for accurate probabilities; no region is weighted. An order counts as flagged from a probability of {flag:.3f}: "
    "a late order without a warning is taken to cost {missing:g} times a false alarm.",
    "{title}。以概率准确为训练目标；不对任何地区加权。概率达到 {flag:.3f} 的订单视为被标记：未预警的延误订单，其代价按误报的 {missing:g} 倍计。",
)
INDEPENDENCE = both(
    "None: this audit is made by the platform that also trains the model. A person other than its owner signs.",
    "不独立：本审计由训练该模型的同一平台生成。须由模型负责人以外的人员签核。",
)
ASSESSOR = both("The platform's own audit, unattended.", "平台自带的审计，无人值守。")
NO_POLICY = both(
    "No version of order routing is in force; the rule “nearest node with stock” decides.",
    "没有生效的订单路由版本；由“最近有货仓库”规则决定。",
)
ORIGIN = (
    "{table} of the published snapshot for predictions, fct_orders with parcels and events for labels and decisions.",
    "预测取自已发布快照的 {table}；标签与决策取自 fct_orders 及其包裹、事件。",
)
PREPARATION = both(
    "Each row was predicted by a model that knew only outcomes older than it. Labels and decisions count an order once its promise has passed. "
    "An address without coordinates takes the usual distance of its region and node.",
    "每一行都由只知道更早结果的模型预测。订单在承诺时间过后才计入标签与决策。没有坐标的地址取其地区与仓库的常见距离。",
)
GAPS = (
    "Orders whose outcome was never recorded are in no rate; section 11 asks whether that differs by region. Tables that the company does not have: {absent}.",
    "从未记录结果的订单不计入任何比率；第 11 节检验其是否因地区而异。公司没有的数据表：{absent}。",
)
GROUPS = (
    "{groups}: the region that the order is shipped to, crossed with what the customer is. Regions are where unequal service shows and where history may have preferred.",
    "{groups}：订单送达的地区，并与客户属性交叉。不均等的服务首先表现在地区上，历史偏好也可能在此。",
)
FACTORS = both(
    "Distance, service, carrier, node, stock, weather, weekday, hour and number of parcels: what a longer way has a reason in. Whether the choice of carrier or node "
    "is itself a preference is asked in section 10 and by the tables of the decision layer.",
    "距离、服务、承运商、仓库、库存、天气、星期、时刻与包裹数：较长的时效可由此得到解释。承运商或仓库的选择本身是否含有偏好，见第 10 节及决策层各表。",
)
FEEDBACK = both(
    "Yes, in part: a flagged order may be handled sooner, which changes the label that the next version learns from; places that were served slowly keep a slow history. "
    "The repaired label (repaired_labels.parquet beside the model card) takes proven faults out; training uses it only when a person asks for it (section 3 says whether one did).",
    "部分存在：被标记的订单可能被优先处理，从而改变下一版本学习的标签；过去服务较慢的地区会保留较慢的历史。修复后的标签（模型卡旁的 repaired_labels.parquet）"
    "剔除了已证实的问题；只有在人员要求时训练才会使用（是否使用见第 3 节）。",
)
LEARNED_LABEL = {
    "recorded": both(
        "As recorded; faults that the label layer proves are in it. `oi models train --label repaired` learns without them.",
        "按记录；其中包含标签层所证实的问题。`oi models train --label repaired` 可在剔除后训练。",
    ),
    "repaired": both(
        "Repaired: proven late scans, tighter promises and unexplained hours were taken out before learning. Every figure here is judged by the "
        "label as recorded.",
        "已修复：训练前剔除了已证实的延迟扫描、更紧的承诺与未解释的时长。本报告的所有数字均按记录的标签评判。",
    ),
}
LOG = both(
    "Every version, audit, gate and decision stands in an append-only ledger whose entries are chained by digests.",
    "所有版本、审计、关卡与决定都记录在只追加的账本中，各条目以摘要值相链。",
)
RETENTION = both("Reports are never overwritten or removed by the platform.", "平台从不覆盖或删除报告。")
INTEGRITY = both(
    "This report is stored under the digest of its content and is checked against it when it is shown.",
    "本报告以其内容的摘要值存储，展示时据此核对。",
)
NO_INTERVALS = both(
    "The model gives probabilities and no intervals of time, so that the coverage of intervals by region cannot be asked.",
    "该模型给出概率而非时间区间，因此无法检验各地区的区间覆盖率。",
)
REPLAY_LIMITS = both(
    "What another policy would have done is a replay with predicted lateness, not an outcome: stock that one day's other choices would have left is "
    "not carried to the next, and how customers would have reacted is not known. The simulated network carries stock on; it is not the company.",
    "另一种策略的结果是以预测延误进行的重放，而非真实结果：某天的不同选择所留下的库存不会结转到次日，客户会如何反应亦不可知。模拟网络会结转库存，但它并不是公司本身。",
)
NO_HISTORY = both(
    "No orders are published with their outcomes, so that labels and decisions could not be audited.",
    "没有发布带结果的订单，因此无法审计标签与决策。",
)
CARRIER_CHANGE = both("Found in the parcels; no reason is on record.", "由包裹数据发现；没有记录理由。")
ROLLED_BACK = ("{model} version {version} was rolled back", "{model} 版本 {version} 已回滚")
PROMOTED = ("{model} version {version} became champion", "{model} 版本 {version} 上线")


def filled(pair: tuple[str, str], **values: object) -> Mapping[str, str]:
    """A statement with its places filled, in both languages."""
    return both(*(text.format(**values) for text in pair))
