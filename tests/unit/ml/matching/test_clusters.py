import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.core.matching.clusters import Clusters, cluster


def clustered(count: int, pairs: list[tuple[int, int, float]], apart: list[tuple[int, int]] | None = None,
              largest: int = 50) -> Clusters:  # fmt: skip
    left, right = np.array([p[0] for p in pairs], dtype=int), np.array([p[1] for p in pairs], dtype=int)
    score = np.array([p[2] for p in pairs], dtype=float)
    never = np.array([(a, b) in (apart or []) for a, b, _ in pairs], dtype=bool)
    return cluster(count, left, right, score, score >= 0.9, never, largest)


def test_linked_records_share_a_cluster_named_by_the_least() -> None:
    assert clustered(5, [(3, 4, 0.99), (1, 3, 0.95)]).labels.tolist() == [0, 1, 2, 1, 1]


def test_a_bridge_between_two_people_is_refused() -> None:
    # 0 and 1 are one person, 2 and 3 another; a shared phone links 1 to 2, but 0–2, 0–3 and 1–3 speak against it.
    pairs = [(0, 1, 0.999), (2, 3, 0.998), (1, 2, 0.91), (0, 2, 0.01), (0, 3, 0.01), (1, 3, 0.02)]
    found = clustered(4, pairs)

    assert found.labels.tolist() == [0, 0, 2, 2]
    assert found.refused.tolist() == [2]


def test_a_persons_word_keeps_records_apart_and_their_strongest_links_decide() -> None:
    found = clustered(3, [(0, 1, 0.99), (1, 2, 0.95), (0, 2, 0.99)], apart=[(0, 2)])

    assert found.labels.tolist() == [0, 0, 2]


def test_no_cluster_passes_the_ceiling() -> None:
    chain = [(i, i + 1, 0.99) for i in range(199)]
    labels = clustered(200, chain, largest=10).labels

    assert np.bincount(labels).max() <= 10


PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0, 1)), max_size=40)


@given(PAIRS)
def test_clusters_hold_only_what_links_join_and_every_split_link_is_told(raw: list[tuple[int, int, float]]) -> None:
    pairs = list({(min(a, b), max(a, b)): (min(a, b), max(a, b), p) for a, b, p in raw if a != b}.values())
    found = clustered(12, pairs)
    links = [(a, b) for a, b, p in pairs if p >= 0.9]

    assert all(found.labels[label] == label for label in set(found.labels.tolist()))
    assert found.refused.size == sum(found.labels[a] != found.labels[b] for a, b in links)
    for record in range(12):
        if found.labels[record] != record:
            assert any(record in pair for pair in links)
