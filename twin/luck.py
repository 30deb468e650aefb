"""Luck that belongs to a thing, not to the order of draws: the base of common random numbers.

Belongs here: counter-based uniforms and normals, a pure function of (seed, stream, keys). Two runs that differ only in
the policy give order 17 the same weather of fate, whatever happened to orders 1 to 16.
Does not belong here: which distribution a quantity has.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Keys = npt.NDArray[np.int64] | int

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53

#: Names of the streams. A stream's number is its place here, so new ones are added at the end.
STREAMS = (
    "lines", "product", "quantity", "customer", "channel", "priority", "address", "time", "discount", "approval",
    "cancel", "hold", "hold_hours", "person", "release", "race", "pick", "transit", "tail", "door", "scan", "return",
    "return_reason", "return_days", "restock", "review", "score", "contact", "actor", "lead", "short_receipt", "stock",
    "assortment", "weather", "outage", "market", "code", "defect", "gift", "area", "region", "member", "name", "phone",
    "street", "tier", "active", "catalogue", "node", "reorder", "found",
)  # fmt: skip
_NUMBER = {name: number for number, name in enumerate(STREAMS)}


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One round of splitmix64 (Steele, Lea, Flood 2014), in place on its own copy."""
    state = state + _GOLDEN
    state ^= state >> np.uint64(30)
    state *= _MIX_A
    state ^= state >> np.uint64(27)
    state *= _MIX_B
    state ^= state >> np.uint64(31)
    return state


def bits(seed: int, stream: str, *keys: Keys) -> npt.NDArray[np.uint64]:
    """64 random bits for each tuple of keys, broadcast together."""
    start = np.array([(seed * 0x1000003 + _NUMBER[stream] + 1) & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
    state = _mixed(start)
    for key in keys:
        state = _mixed(state ^ np.asarray(key, dtype=np.int64).astype(np.uint64))
    return state


def uniform(seed: int, stream: str, *keys: Keys) -> npt.NDArray[np.float64]:
    """Uniform on (0, 1), one for each tuple of keys; shape of the broadcast keys (at least 1-d)."""
    return ((bits(seed, stream, *keys) >> np.uint64(11)).astype(np.float64) + 0.5) * _TO_UNIT


def normal(seed: int, stream: str, *keys: Keys) -> npt.NDArray[np.float64]:
    """Standard normal, one for each tuple of keys, by inversion, so that it is monotone in the uniform."""
    return ndtri(uniform(seed, stream, *keys))


def generator(seed: int, stream: str, *keys: int) -> np.random.Generator:
    """A NumPy generator for draws whose number no policy can change, such as a day's demand."""
    return np.random.Generator(np.random.PCG64(int(bits(seed, stream, *keys)[0])))
