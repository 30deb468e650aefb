"""Where nodes and destinations lie, and what a lateness model says of each offer between them.

Belongs here: distances, and P(late) of every order, node and service. Does not belong here: prices (`shipping`),
reading orders (decisions, ml/io).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.light_model import LightModel
from ml.core.routing.ranker import NEWS

Names = Sequence[str] | NDArray[np.str_]

EARTH_KM = 6371.0
#: Orders whose offers are predicted at once, which bounds the memory.
_CHUNK = 2_000
#: What an order brings to the prediction of its offers, beside its region.
OF_ORDER = ("slack_hours", "allocated_hour", "allocated_weekday", *NEWS)


def kilometres(nodes: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Great-circle distance from each node to the centre of each region; NaN where a position is not known.

    Args:
        nodes: `id`, `latitude`, `longitude` in degrees.
        regions: The same.

    Returns:
        Kilometres, nodes down, regions across, both by `id`.
    """
    north, east = (np.radians(nodes[name].to_numpy(np.float64))[:, None] for name in ("latitude", "longitude"))
    to_north, to_east = (np.radians(regions[name].to_numpy(np.float64))[None] for name in ("latitude", "longitude"))
    half = np.sin((to_north - north) / 2) ** 2 + np.cos(north) * np.cos(to_north) * np.sin((to_east - east) / 2) ** 2
    return pd.DataFrame(2 * EARTH_KM * np.arcsin(np.sqrt(half)), index=nodes["id"], columns=regions["id"])


def lateness_of_offers(
    model: LightModel,
    orders: pd.DataFrame,
    region: NDArray[np.integer],
    names: tuple[Names, Names, Names],
    km: NDArray[np.float64],
) -> NDArray[np.float32]:
    """P(late) of a parcel of each order by node and service, shape (orders, nodes, services).

    Args:
        model: Lateness of parcels.
        orders: (O,) rows with the columns `OF_ORDER`.
        region: (O,) position of the destination; an order below zero gets NaN.
        names: Nodes (N,), regions (R,) and services (S,).
        km: (N, R) distances.
    """
    nodes, regions, services = (np.asarray(part) for part in names)
    late = np.full((len(orders), len(nodes), len(services)), np.nan, np.float32)
    routable = np.flatnonzero(region >= 0)
    offers = len(nodes) * len(services)
    for begin in range(0, len(routable), _CHUNK):
        rows = routable[begin : begin + _CHUNK]
        there = region[rows]
        frame = {
            "region_code": np.repeat(regions[there], offers),
            "warehouse_id": np.tile(np.repeat(nodes, len(services)), len(rows)),
            "service_level": np.tile(services, len(rows) * len(nodes)),
            "distance_km": np.repeat(km[:, there].T.ravel(), len(services)),
            **{name: np.repeat(orders[name].to_numpy(np.float64)[rows], offers) for name in OF_ORDER},
        }
        found = model.probabilities(pd.DataFrame(frame))
        late[rows] = found.reshape(len(rows), len(nodes), len(services))
    return late
