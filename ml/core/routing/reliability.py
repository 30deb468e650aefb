"""Whether confidence holds: what was said beside how often the choice was right, by band and region, and a certificate.

Belongs here: counting. Does not belong here: confidence itself (`confidence`), where the truth comes from: held-out
draws in a plan, the twin's physics in the benchmark.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

#: Lower ends of the bands of confidence; the last ends at 1.
BANDS = (0.0, 0.5, 0.7, 0.85, 0.95)
#: Chance that the certified share is too high.
DOUBT = 0.05


@dataclass(frozen=True)
class Group:
    """Choices of a band or a region: how many, mean confidence, share that was right."""

    name: str
    choices: int
    said: float
    right: float


@dataclass(frozen=True)
class Reliability:
    """How far confidence can be trusted.

    Attributes:
        bands, regions: Groups with at least one choice.
        ece: Expected calibration error: mean distance of said and right over the bands, weighted by their choices.
        threshold: Confidence from which on decisions go by themselves.
        certain: Choices of at least that confidence.
        certain_right: Share of them that was right; NaN where there is none.
        certain_low: Lower 95 % bound of it; NaN where there is none.
    """

    bands: tuple[Group, ...]
    regions: tuple[Group, ...]
    ece: float
    threshold: float
    certain: int
    certain_right: float
    certain_low: float

    @property
    def is_certified(self) -> bool:
        """Whether the bound of what goes by itself is not below what is claimed of it; true where nothing does."""
        return self.certain == 0 or self.certain_low >= self.threshold

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; null where there is nothing to say."""
        values = asdict(self)
        none = dict.fromkeys(("certain_right", "certain_low")) if not self.certain else {}
        return {**values, **none, "is_certified": self.is_certified}


def reliability(said: Floats, right: NDArray[np.bool_], region: NDArray[np.str_], threshold: float) -> Reliability:
    """Compare confidence with what was right.

    Args:
        said: (n,) confidence of choices.
        right: (n,) what was right, each by itself; or (n, draws), where all choices of a draw share its errors.
        region: (n,) name of each choice's region.
        threshold: Confidence from which on decisions go by themselves.
    """
    share = right if right.ndim == 1 else right.mean(axis=1)
    bands, regions, error = said_and_right(said, share, region)
    certain = said >= threshold
    return Reliability(
        bands, regions, error, threshold, int(certain.sum()),
        float(share[certain].mean()) if certain.any() else float("nan"), _least(right[certain]),
    )  # fmt: skip


def said_and_right(
    said: Floats, share: NDArray[Any], region: NDArray[np.str_]
) -> tuple[tuple[Group, ...], tuple[Group, ...], float]:
    """Confidence against what was right, by band and by region, and the mean distance over the bands.

    Args:
        said: (n,) confidence of choices.
        share: (n,) in which share of what is possible each was right.
        region: (n,) name of each choice's region.
    """
    band = np.searchsorted(BANDS, said, side="right") - 1
    edges = (*BANDS, 1.0)
    bands = [_group(f"{edges[at]:.0%} – {edges[at + 1]:.0%}", band == at, said, share) for at in range(len(BANDS))]
    bands = [group for group in bands if group.choices]
    regions = [_group(str(name), region == name, said, share) for name in np.unique(region)]
    off = sum(group.choices * abs(group.said - group.right) for group in bands)
    return tuple(bands), tuple(regions), off / max(len(said), 1)


def _group(name: str, own: NDArray[np.bool_], said: Floats, share: NDArray[Any]) -> Group:
    count = int(own.sum())
    return Group(name, count, float(said[own].mean()) if count else 0.0, float(share[own].mean()) if count else 0.0)


def _least(right: NDArray[np.bool_]) -> float:
    """Lower 95 % bound of the share: over draws their quantile, over single outcomes Clopper and Pearson's (1934)."""
    if not len(right):
        return float("nan")
    if right.ndim == 2:
        return float(np.quantile(right.mean(axis=0), DOUBT, method="lower"))
    hits = int(right.sum())
    return float(stats.beta.ppf(DOUBT, hits, len(right) - hits + 1)) if hits else 0.0
