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

    def check(self, regions: Sequence[str], services: Sequence[str], nodes: Sequence[str]) -> None:
        """Refuse names that the company does not have.

        Raises:
            BadPolicy: a region, service or node is unknown.
        """
        for kind, closed, known in (("service", self.closed_services, services), ("node", self.closed_nodes, nodes)):
            for region, barred in closed.items():
                _known("region", region, regions)
                for name in barred:
                    _known(kind, name, known)

    def over(self, problem: RoutingProblem) -> RoutingProblem:
        """The problem as this policy sees it: lanes of closed services are gone, closed nodes stand behind a fence.

        Several lanes of the problem may lie in one region; a name that no lane or node has changes nothing.
        """
        regions, services, nodes = (
            np.asarray(names, str) for names in (problem.region_names, problem.service_names, problem.node_names)
        )
        fixed = problem.ship_fixed.copy()
        for region, closed in self.closed_services.items():
            fixed[np.ix_(np.ones(len(nodes), bool), regions == region, np.isin(services, list(closed)))] = np.nan
        barred = np.zeros((len(regions), len(nodes)), bool)
        for region, closed in self.closed_nodes.items():
            barred |= (regions == region)[:, None] & np.isin(nodes, list(closed))
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


def _known(kind: str, wanted: str, names: Sequence[str]) -> None:
    if wanted not in names:
        raise BadPolicy(f"The policy names the {kind} {wanted!r}; there are {', '.join(sorted(names)[:40])}.")
