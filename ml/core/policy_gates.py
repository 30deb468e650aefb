"""Gates between a proposed policy and its promotion: what it does to past orders, beside the policy in force.

Belongs here: the verdict of each on plain values. Does not belong here: replaying orders (ml/jobs/policy_replay).
"""

from collections.abc import Mapping, Sequence

from ml.core.benefits import Benefit
from ml.core.gates import Gate, Limits, judge
from ml.core.intervals import Estimate


def judge_policy(found: Sequence[Benefit], orders: int, left_out: Mapping[str, int], model_version: str,
                 limits: Limits) -> list[Gate]:  # fmt: skip
    """All gates of a policy, in the order in which they are read.

    Args:
        found: What the policy would change on past orders.
        orders: Past orders that both policies decided.
        left_out: Reason → orders that could not be decided anew.
        model_version: Version of order-routing that predicted; empty: none did.
        limits: Margins and minimum rows.
    """
    by_measure = {benefit.measure: benefit for benefit in found}
    cost = by_measure["cost"]
    return [
        _replayed(orders, left_out, model_version, limits),
        _within("policy_cost", cost, limits.policy_cost_margin * abs(cost.before or 0.0), is_upper=True),
        _within("policy_on_time", by_measure["on_time"], -limits.policy_on_time_margin, is_upper=False),
        _within("policy_regions", by_measure["regional"], limits.policy_regional_margin, is_upper=True),
    ]


def _replayed(orders: int, left_out: Mapping[str, int], model_version: str, limits: Limits) -> Gate:
    inputs = {"orders": orders, "left_out": dict(left_out), "order_routing": model_version}
    reason = f"{orders:,} past orders decided anew, {sum(left_out.values()):,} left out"
    is_enough = orders >= limits.minimum_rows and bool(model_version)
    if not model_version:
        reason += "; no version of order-routing predicts lateness"
    elif not is_enough:
        reason += f"; a verdict needs {limits.minimum_rows}"
    verdict = "pass" if is_enough else "insufficient_evidence"
    return Gate("policy_replay", verdict, reason, {"minimum_rows": limits.minimum_rows}, inputs)  # type: ignore[arg-type]


def _within(name: str, benefit: Benefit, limit: float, *, is_upper: bool) -> Gate:
    """Non-inferiority: the whole interval of the paired difference lies on the right side of the margin."""
    threshold, inputs = {"margin": limit}, benefit.as_dict()
    if benefit.difference is None:
        why = f"not recorded: {benefit.note}"
        return Gate(name, "insufficient_evidence", why, threshold, inputs)
    difference = Estimate(**benefit.difference)  # type: ignore[arg-type]  # a value is never None, bounds may be
    bound = "at most" if is_upper else "more than"
    reason = f"{benefit.measure} changes by {difference} on {benefit.orders:,} orders; {bound} {limit:+.4g}"
    return Gate(name, judge(difference, limit, is_upper=is_upper), reason, threshold, inputs)
