"""A map of tiles: one square a region, near where the region lies, without borders or a background.

Belongs here: placing tiles and drawing them. Does not belong here: geography; positions come with the report's context.

Tiles are assigned to cells of a grid so that the squared distance to the regions' positions is least (linear
assignment; the idea is that of grid maps, Meulemans et al. 2017, IEEE TVCG 23(1)). No border is drawn, so none can be
disputed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.core.fairness.report.charts import svg, text
from ml.core.fairness.report.markup import Markup, tag

TILE, GAP = 62, 4
LONGEST_NAME = 8


@dataclass(frozen=True)
class Tile:
    """One region: `level` from −1 (best) to 1 (worst), or None where it is not judged."""

    name: str
    said: str
    level: float | None
    named: bool
    tooltip: str


def place_tiles(names: Sequence[str], positions: Mapping[str, tuple[float, float]]) -> dict[str, tuple[int, int]]:
    """Column and row of each region's tile; without positions they stand in reading order.

    Args:
        names: Regions.
        positions: Region → (latitude, longitude) in degrees; regions without one stand below the others.
    """
    located = [name for name in names if name in positions]
    placed = _assign(located, np.array([positions[n] for n in located])) if len(located) > 1 else {}
    columns = max((c for c, _ in placed.values()), default=max(3, math.ceil(math.sqrt(len(names) * 1.6))) - 1) + 1
    first_row = max((r for _, r in placed.values()), default=-1) + 1
    rest = [name for name in names if name not in placed]
    for i, name in enumerate(rest):
        placed[name] = (i % columns, first_row + i // columns)
    return placed


def _assign(names: Sequence[str], positions: np.ndarray) -> dict[str, tuple[int, int]]:
    latitude, longitude = positions[:, 0], positions[:, 1] * math.cos(math.radians(float(positions[:, 0].mean())))
    width, height = float(np.ptp(longitude)) or 1.0, float(np.ptp(latitude)) or 1.0
    cells = len(names) * 1.5
    columns = int(min(12, max(2, math.ceil(math.sqrt(cells * width / height)))))
    rows = max(2, math.ceil(cells / columns))
    x = (longitude - longitude.min()) / width * (columns - 1)
    y = (latitude.max() - latitude) / height * (rows - 1)
    grid = np.array([(c, r) for r in range(rows) for c in range(columns)], dtype=float)
    cost = (x[:, None] - grid[None, :, 0]) ** 2 + (y[:, None] - grid[None, :, 1]) ** 2
    chosen = linear_sum_assignment(cost)[1]
    return {name: (int(grid[c, 0]), int(grid[c, 1])) for name, c in zip(names, chosen, strict=True)}


def tile_map(tiles: Sequence[Tile], positions: Mapping[str, tuple[float, float]], label: str) -> Markup:
    """The map as SVG."""
    placed = place_tiles([tile.name for tile in tiles], positions)
    used_rows = sorted({r for _, r in placed.values()})
    row_of = {r: i for i, r in enumerate(used_rows)}
    columns = max((c for c, _ in placed.values()), default=0) + 1
    parts = [_tile(tile, placed[tile.name][0], row_of[placed[tile.name][1]]) for tile in tiles]
    return svg(columns * (TILE + GAP) + GAP, len(used_rows) * (TILE + GAP) + GAP, label, *parts)


def _tile(tile: Tile, column: int, row: int) -> Markup:
    x, y = GAP + column * (TILE + GAP), GAP + row * (TILE + GAP)
    class_ = "tile unjudged" if tile.level is None else f"tile {_shade(tile.level)}"
    name = tile.name if len(tile.name) <= LONGEST_NAME else tile.name[: LONGEST_NAME - 1] + "…"
    return tag(
        "g",
        tag("title", tile.tooltip),
        tag("rect", x=x, y=y, width=TILE, height=TILE, rx=6, class_=class_ + (" outlined" if tile.named else "")),
        text(x + TILE / 2, y + 26, name, f"tile-name {class_}", "middle"),
        text(x + TILE / 2, y + 45, tile.said, f"tile-value {class_}", "middle"),
    )


def _shade(level: float) -> str:
    """One of seven classes from `better3` over `even` to `worse3`."""
    step = min(3, int(abs(level) * 3.5))
    return "even" if step == 0 else f"{'worse' if level > 0 else 'better'}{step}"
