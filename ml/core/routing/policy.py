"""A routing policy: what orders are weighed by, and which services and nodes a region may not have.

Belongs here: `RoutingPolicy`, read from plain values and laid over a problem. Does not belong here: which policy is in
force (ml/jobs), what it would have done (`past`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import Fence, RoutingProblem


class BadPolicy(ValueError):
    """The values are no routing policy; says which rule they break."""


@dataclass(frozen=True)
class RoutingPolicy:
    """What is decided by.

    Attributes:
        parameters: Weights and limits.
        closed_services: Region → services that are not bought for it.
        closed_nodes: Region → nodes that do not send to it.
    """

    parameters: RoutingParameters = field(default_factory=RoutingParameters)
    closed_services: Mapping[str, Sequence[str]] = field(default_factory=dict)
    closed_nodes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `policy_of` reads them."""
        return {
            "parameters": asdict(self.parameters),
            "closed_services": {region: list(barred) for region, barred in self.closed_services.items()},
            "closed_nodes": {region: list(barred) for region, barred in self.closed_nodes.items()},
        }

    def over(self, problem: RoutingProblem) -> RoutingProblem:
        """The problem as this policy sees it: lanes of closed services are gone, closed nodes stand behind a fence.

        Raises:
            BadPolicy: it names a region, service or node that the problem does not have.
        """
        fixed = problem.ship_fixed.copy()
        for region, services in self.closed_services.items():
            for service in services:
                at = _position(problem.region_names, region, "region")
                fixed[:, at, _position(problem.service_names, service, "service")] = np.nan
        barred = np.zeros((problem.shape[1], problem.shape[0]), bool)
        for region, nodes in self.closed_nodes.items():
            for node in nodes:
                at = _position(problem.region_names, region, "region")
                barred[at, _position(problem.node_names, node, "node")] = True
        fences = (*problem.fences, Fence("closed_by_policy", barred, "regions")) if barred.any() else problem.fences
        return replace(problem, ship_fixed=fixed, fences=fences)


def policy_of(values: Mapping[str, Any], base: RoutingPolicy) -> RoutingPolicy:
    """`base` with what `values` name changed; `parameters` may name some of its weights only.

    Raises:
        BadPolicy: a key is unknown or a value is out of its range.
    """
    surplus = sorted(set(values) - {"parameters", "closed_services", "closed_nodes"})
    if surplus:
        raise BadPolicy(f"A policy has parameters, closed_services and closed_nodes; got {surplus} too. Remove them.")
    try:
        parameters = replace(base.parameters, **values.get("parameters", {}))
    except (TypeError, ValueError) as error:
        raise BadPolicy(str(error)) from error
    closed = {}
    for name in ("closed_services", "closed_nodes"):
        rule = values.get(name, getattr(base, name))
        if not isinstance(rule, Mapping) or not all(isinstance(barred, (list, tuple)) for barred in rule.values()):
            raise BadPolicy(f"{name} maps a region to a list of names; got {rule!r}.")
        closed[name] = rule
    return RoutingPolicy(parameters, **closed)


def _position(names: Sequence[str], wanted: str, kind: str) -> int:
    if wanted not in names:
        raise BadPolicy(f"The policy names the {kind} {wanted!r}; there are {', '.join(sorted(names)[:40])}.")
    return list(names).index(wanted)
