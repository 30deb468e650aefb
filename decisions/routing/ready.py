"""What a plan is made with: a model, or prices alone, and the policy that weighs it.

Belongs here: putting both together, and laying the policy over a batch. Does not belong here: which of them is in
service (`plan`), or which a kept plan names (`replay`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from decisions.routing.live import LiveModel
from decisions.routing.problem import Batch
from ml.core.routing.confidence import Uncertainty
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import BadPolicy
from ml.core.routing.ranker import NodeRanker
from ml.io.policies import DecisionPolicy
from ml.io.registry import LoadedModel
from ml.jobs.routing import PRIORITIES, paid_prices
from workspace.published import Snapshot


@dataclass(frozen=True)
class Ready:
    """A model and a policy to plan with; `reason` says why a rule must decide, "" where the model does."""

    live: LiveModel
    parameters: RoutingParameters
    uncertainty: Uncertainty | None
    version: str
    reason: str
    policy: DecisionPolicy


def ready_with(model: LoadedModel, policy: DecisionPolicy, own: Mapping[str, Any]) -> Ready:
    """A model to plan with under a policy; `own` are limits of the run itself."""
    ranker = ranker_of(model)
    live = LiveModel(ranker.cost, ranker.priorities, model.light)
    parameters = replace(policy.routing.parameters, **own)
    return Ready(live, parameters, ranker.uncertainty, model.version, "", policy)


def ready_without_model(snapshot: Snapshot, policy: DecisionPolicy, own: Mapping[str, Any], reason: str) -> Ready:
    """Prices alone, so that the rule decides."""
    live = LiveModel(paid_prices(snapshot), PRIORITIES, None)
    return Ready(live, replace(policy.routing.parameters, **own), None, "", reason, policy)


def ranker_of(model: LoadedModel) -> NodeRanker:
    """The ranker that a version holds.

    Raises:
        TypeError: it is another kind of model.
    """
    if not isinstance(model.estimator, NodeRanker):
        raise TypeError(f"{model.model}/{model.version} is no order-routing model; train it anew.")
    return model.estimator


def under(ready: Ready, batch: Batch) -> tuple[Batch, str]:
    """The batch with what the policy closes closed; why a rule must decide, if the policy does not fit the batch."""
    try:
        return replace(batch, problem=ready.policy.routing.over(batch.problem)), ready.reason
    except BadPolicy as error:
        return batch, ready.reason or f"Policy {ready.policy.version} does not fit the orders: {error}"
