"""Clusters of records from scored pairs, guarded: no weak bridge, shared phone or address welds strangers together.

Belongs here: pairs → clusters. Does not belong here: scores (ml/jobs/linking), the clusters' names (identities).

A component of linked pairs that nothing speaks against is a cluster. Where a scored pair within says otherwise, a
person said `apart`, or the component is larger than the ceiling, clusters grow from single records instead, strongest
link first, and two of them join only if what is known between them speaks for it on the whole (greedy average linkage).
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

#: Records of one customer, product or node beyond which something is wrong with the links rather than with the company.
LARGEST_CLUSTER = 50
#: Mean probability of the scored pairs between two clusters from which on they may join.
LEAST_BETWEEN = 0.5


@dataclass(frozen=True)
class Clusters:
    """A clustering of `labels.size` records.

    Attributes:
        labels: Number of each record's cluster: the least record number in it.
        refused: Positions of linked pairs whose records ended apart because the guard refused to join them.
    """

    labels: Ints
    refused: Ints


def cluster(
    count: int, left: Ints, right: Ints, probability: Floats, linked: Booleans, apart: Booleans | None = None,
    largest: int = LARGEST_CLUSTER,
) -> Clusters:  # fmt: skip
    """Cluster records 0 … count − 1.

    Args:
        count: Number of records.
        left: One record of each scored pair.
        right: The other one.
        probability: Its probability.
        linked: Whether it is to be linked.
        apart: Whether its records must not share a cluster, by a person's verdict.
        largest: Most records of a cluster.
    """
    never = np.zeros(left.size, dtype=bool) if apart is None else apart
    edges = coo_matrix((np.ones(int(linked.sum())), (left[linked], right[linked])), shape=(count, count))
    component = connected_components(edges, directed=False)[1].astype(np.int64)
    inside = component[left] == component[right]
    sizes = np.bincount(component, minlength=count)
    suspicious = sizes[component] > largest
    spoken_against = np.zeros(count, dtype=bool)
    spoken_against[component[left[inside & (~linked | never)]]] = True
    suspicious |= spoken_against[component]
    labels = _least_member(component)
    chosen = np.nonzero(inside & suspicious[left])[0]
    if chosen.size:
        parents = _grown(left[chosen], right[chosen], probability[chosen], linked[chosen], never[chosen], largest)
        members = np.nonzero(suspicious)[0]
        labels[members] = [parents.get(int(member), int(member)) for member in members]
    return Clusters(labels, np.nonzero(linked & (labels[left] != labels[right]))[0])


def _least_member(component: Ints) -> Ints:
    least = np.full(int(component.max(initial=-1)) + 1, component.size, dtype=np.int64)
    np.minimum.at(least, component, np.arange(component.size))
    return least[component]


def _grown(
    left: Ints, right: Ints, probability: Floats, linked: Booleans, never: Booleans, largest: int
) -> dict[int, int]:
    """Least member of the cluster of each record that stands in these pairs, by greedy average linkage."""
    between: dict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
    for a, b, p, no in zip(left.tolist(), right.tolist(), probability.tolist(), never.tolist(), strict=True):
        between[a][b] = between[b][a] = (-np.inf if no else p, 1)
    root = {record: record for record in between}
    members = {record: [record] for record in between}
    order = np.lexsort((right, left, -probability))
    for position in order[linked[order] & ~never[order]].tolist():
        a, b = root[int(left[position])], root[int(right[position])]
        if a == b or len(members[a]) + len(members[b]) > largest:
            continue
        total, known = between[a][b]
        if total < LEAST_BETWEEN * known:
            continue
        if len(members[a]) < len(members[b]):
            a, b = b, a
        _join(a, b, root, members, between)
    return {record: min(members[root[record]]) for record in root}


def _join(
    a: int, b: int, root: dict[int, int], members: dict[int, list[int]],
    between: dict[int, dict[int, tuple[float, int]]],
) -> None:  # fmt: skip
    """Let cluster `a` take in `b`, and what is known between `b` and the others."""
    for record in members.pop(b):
        root[record] = a
        members[a].append(record)
    for other, (total, known) in between.pop(b).items():
        del between[other][b]
        if other != a:
            mine, count = between[a].get(other, (0.0, 0))
            between[a][other] = between[other][a] = (mine + total, count + known)
