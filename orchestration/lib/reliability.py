"""How confidence of a plan held: a plot of said against right, and tables by band and region.

Belongs here: drawing. Does not belong here: the counting (ml.core.routing.reliability).
"""

import base64
import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl

from orchestration.lib.metadata import markdown_table

COLUMNS = ("confidence", "choices", "said", "right")


def reliability_report(trusted: Mapping[str, Any]) -> str:
    """Markdown of a plan's `reliability`, with the plot in it."""
    drawn = base64.b64encode(_drawn(trusted["bands"])).decode()
    said = f"Expected calibration error {trusted['ece']:.2%}. "
    if trusted["certain"]:
        said += (
            f"Of {trusted['certain']:,} decisions at {trusted['threshold']:.0%} or more {trusted['certain_right']:.1%} "
            f"are right, at least {trusted['certain_low']:.1%} in 19 of 20 draws."
        )
    tables = [markdown_table([_row(group) for group in trusted[name]], COLUMNS) for name in ("bands", "regions")]
    return "\n\n".join((f"![Confidence said and held](data:image/png;base64,{drawn})", said, *tables))


def _row(group: Mapping[str, Any]) -> dict[str, object]:
    shown = (group["name"], group["choices"], f"{group['said']:.1%}", f"{group['right']:.1%}")
    return dict(zip(COLUMNS, shown, strict=True))


def _drawn(bands: list[Mapping[str, Any]]) -> bytes:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 4), dpi=110, layout="constrained")
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1)
    axes.scatter(
        [band["said"] for band in bands], [band["right"] for band in bands],
        s=[20 + 300 * band["choices"] / max(1, sum(other["choices"] for other in bands)) for band in bands],
        color="#1f5fa8", alpha=0.7,
    )  # fmt: skip
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="said", ylabel="right", title="Confidence said and held")
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()
