"""Who teaches the matcher."""

import numpy as np
import pytest

from ml.core.matching.products.matcher import (
    FEWEST_TO_LEARN,
    WEIGHTS,
    Matcher,
    TooFewLabels,
    taught_by_codes,
    taught_by_labels,
)


def features(same: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, same.size)
    unknown = np.full(same.size, np.nan)
    return dict.fromkeys(WEIGHTS, unknown) | {
        "near": 0.3 + 0.4 * same + noise, "shared_of_less": 0.4 + 0.4 * same + noise, "lead_least": 0.3 * same + noise,
        "shared_of_more": 0.3 + 0.4 * same + noise, "lead_most": 0.3 * same + noise, "measures_against": unknown * 0,
        "model_equal": np.where(rng.random(same.size) < 0.5, same, np.nan),
    }  # fmt: skip


LABELS = np.tile([1, 0, 0, 0], 50)


@pytest.mark.parametrize("matcher", [Matcher(), taught_by_codes(features(LABELS), LABELS),
                                     taught_by_labels(features(LABELS), LABELS)])  # fmt: skip
def test_every_teacher_tells_alike_from_unlike(matcher: Matcher) -> None:
    probability = matcher.probability(features(LABELS))
    assert probability[LABELS == 1].mean() > probability[LABELS == 0].mean() + 0.1
    assert ((probability >= 0) & (probability <= 1)).all()


def test_too_few_certain_pairs_leave_the_shipped_weights() -> None:
    labels = np.where(np.arange(LABELS.size) < 4 * (FEWEST_TO_LEARN - 1), LABELS, -1)
    assert taught_by_codes(features(LABELS), labels).taught_by == "nobody"


def test_too_few_labels_are_refused() -> None:
    with pytest.raises(TooFewLabels, match="at least 30 pairs that are the same and as many that are not; there are 3"):
        taught_by_labels(features(LABELS[:12]), LABELS[:12])
