"""Words of what other policies, changes and labels would do, in English and Chinese side by side.

Belongs here: the texts of `replays`, of the changes over time and of the joint curve. Does not belong here: headings of
the report (texts), the other layers (more_texts).
"""

# ruff: noqa: E501  (the linter counts a Chinese character as two)
REPLAY_TEXTS: dict[str, tuple[str, str]] = {
    "replays": ("What a proposed policy would have done", "拟议策略的反事实重放"),
    "replay_none": (
        "No proposed policy was replayed on these data. Supply one: oi audit replay.",
        "未在这些数据上重放任何拟议策略。可用 oi audit replay 提供。",
    ),
    "replay_method": (
        "Both policies decide the same orders. A region is named where it fares worse than the typical region by more than the tolerance (2 "
        "points, or 2 % of a mean), beyond chance over all regions at once; what a policy does to all regions alike is in the column “change”. "
        "Past orders are valued by the lateness model that is in force, and each day begins with the stock that was really there.",
        "两种策略对相同的订单作出决定。若某地区的变化比典型地区更差，超过容差（2 个百分点，或均值的 2 %），且在所有地区同时检验下超出偶然，即予指明；"
        "对所有地区相同的影响见“变化”一列。历史订单按现行的延误模型估值，每天以当时的实际库存开始。",
    ),
    "replay_past_orders": (
        "{orders} past orders on {rounds} days, {since} – {until}; {affected} would be decided otherwise.",
        "{since} – {until}，{rounds} 天的 {orders} 个历史订单；其中 {affected} 个的决定会不同。",
    ),
    "replay_twin": (
        "{orders} orders of the simulated network in {rounds} paired runs of {days} days, on the same orders, stock and luck.",
        "模拟网络中 {rounds} 组配对运行、每次 {days} 天的 {orders} 个订单；订单、库存与随机因素相同。",
    ),
    "replay_row_past_orders": ("Proposed policy, on past orders", "拟议策略：历史订单"),
    "replay_row_twin": ("Proposed policy, in the twin", "拟议策略：模拟网络"),
    "replay_closed_services": ("{region} may not have: {names}", "{region} 不可使用：{names}"),
    "replay_closed_nodes": ("{region} is not served from: {names}", "以下仓库不向 {region} 发货：{names}"),
    "replay_same_policy": ("The proposed policy is the current one.", "拟议策略与现行策略相同。"),
    "replay_before": ("Current", "现行"), "replay_after": ("Proposed", "拟议"), "replay_change": ("Change", "变化"),
    "replay_spread": ("Spread between groups", "组间离散程度"),
    "replay_shown_only": ("shown, not judged", "仅列示，不评判"),
    "replay_chart": (
        "Change of the on-time share against the typical region, with simultaneous intervals",
        "准时率相对典型地区的变化及同时置信区间",
    ),
    "replay_typical": ("typical", "典型"),
    "replay_absent": (
        "Not recorded in this replay, or not moved by routing: {figures}.", "本次重放未记录，或路由不会改变：{figures}。",
    ),
    "replay_left": ("Orders that could not be decided anew: {reasons}.", "无法重新决定的订单：{reasons}。"),
    "left_never_allocated": ("no parcel was ever made", "从未生成包裹"),
    "left_no_stock_record": ("shelves not counted on the evening before", "前一晚没有库存盘点"),
    "left_no_promise": ("no promised time", "没有承诺时间"),
    "left_unknown_region": ("destination region not known", "目的地区未知"),
    "left_unknown_product": ("a product that is not known", "商品未知"),
    "left_no_lines": ("no order lines", "没有订单行"),
    "left_bad_quantity": ("a quantity that is no whole number", "数量不是整数"),
    "left_bad_probability": ("no probability of lateness", "没有延误概率"),
    "hours_to_door": ("hours to the door", "送达小时数"), "unfilled": ("not filled whole", "未能全部满足"),
    "extra_cost": ("Extra cost", "增加的成本"), "gap_kept": ("Gap that remains", "剩余差距的比例"),
    "gap_kept_interval": ("Gap that remains", "剩余差距的比例"),
    "curve_note": (
        "Every remedy beside doing nothing on the same orders: the share of its gap that remains, and the share by which its cost rises. Remedies of the "
        "model act on who is warned, the bound in routing on who is served in time; whiskers are 95 % intervals.",
        "每项措施均与同一批订单上不采取措施相比：剩余差距的比例，以及成本增加的比例。模型措施影响谁得到预警，路由约束影响谁得到准时服务；须线为 95 % 区间。",
    ),
    "no_model_remedies": ("No remedy of the model was priced.", "未对任何模型措施计价。"),
    "no_routing_bound": (
        "The bound in routing was not priced: it needs a registered order-routing model and past orders with stock records.",
        "未对路由约束计价：需要已登记的订单路由模型以及带库存记录的历史订单。",
    ),
    "routing_bound": ("regions within {points} points in routing", "路由中地区差距不超过 {points} 点"),
    "routing_bound_caption": (
        "Past orders decided anew with a largest distance to the best region's expected on-time share; carriers' money an order; intervals over days",
        "在与最佳地区期望准时率的最大差距约束下重新决定历史订单；每单承运费用；区间按天计算",
    ),
    "spread_without": ("Spread without", "无约束的离散程度"), "spread_with": ("Spread with", "有约束的离散程度"),
    "cost_without": ("Money without", "无约束的费用"), "cost_with": ("Money with", "有约束的费用"),
    "orders_days": ("Orders / days", "订单 / 天数"),
    "learned_label": ("Label that was learned", "训练所用标签"),
    "change_number": ("No.", "编号"), "change_spread": ("Spread of late shares", "迟到率的组间离散程度"),
    "change_ratio": ("Widened by", "扩大倍数"),
    "change_too_new": ("no orders on both sides yet", "前后两侧尚无订单"),
    "not_recorded": ("not recorded", "未记录"), "never_varies": ("the same for every order", "所有订单相同"),
}  # fmt: skip
