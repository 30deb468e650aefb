"""Match weights as SVG without script or network: all levels of a model, and the waterfall of one pair.

Belongs here: drawing. Does not belong here: the weights (weights), texts of pages (dashboards, orchestration/cli).

Colours are classes (`for`, `against`, `total`, `axis`), which the page's style sets. Equal input gives equal bytes.
"""

from collections.abc import Callable, Sequence
from html import escape

from ml.core.matching.weights import LevelWeight, Step

#: As wide as a phone shows without scrolling: above each bar stands what is compared, with its bits at the end.
WIDTH, ROW, LINE = 330, 36, 17
STYLE = """
svg.weights { font: 13px system-ui, sans-serif; max-width: 100%; }
svg.weights text { fill: #222; } svg.weights .note { fill: #666; }
svg.weights .for { fill: #2b7a4b; } svg.weights .against { fill: #b5402f; } svg.weights .total { fill: #3c5a99; }
svg.weights .axis { stroke: #999; }
"""
Words = Callable[[str], str]


def weights_svg(levels: Sequence[LevelWeight], title: str, words: Words = str) -> str:
    """A bar for each level of each comparison, in bits; right speaks for the pair, left against it."""
    rows = [(words(level.comparison), words(level.level), 0.0, level.weight) for level in levels]
    return _chart(rows, title)


def waterfall_svg(prior: float, steps: Sequence[Step], title: str, words: Words = str) -> str:
    """From the prior to the pair's own weight, a bar for each comparison that says something, rarity apart."""
    rows, at = [(words("prior"), "", 0.0, prior)], prior
    for step in steps:
        if not step.level:
            rows.append((words(step.comparison), words("unknown"), at, at))
            continue
        rows.append((words(step.comparison), words(step.level), at, at + step.weight))
        at += step.weight
        if step.rarity:
            rows.append((words(step.comparison), words("rarity"), at, at + step.rarity))
            at += step.rarity
    rows.append((words("total"), "", 0.0, at))
    return _chart(rows, title, totals=(0, len(rows) - 1))


def _chart(rows: Sequence[tuple[str, str, float, float]], title: str, totals: tuple[int, ...] = ()) -> str:
    """Rows of name, level, start and end in bits."""
    low = min(0.0, *(min(start, end) for _, _, start, end in rows))
    high = max(1.0, *(max(start, end) for _, _, start, end in rows))
    bits = WIDTH / (high - low)
    zero = -low * bits
    height = ROW * len(rows)
    # Behind the bars and not behind the words.
    axis = "".join(f"M{zero:.1f} {ROW * number + LINE - 2}v{ROW - LINE}" for number in range(len(rows)))
    parts = [
        f'<svg class="weights" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>',
        f'<path class="axis" d="{axis}"/>',
    ]
    for number, (name, level, start, end) in enumerate(rows):
        top = ROW * number
        kind = "total" if number in totals else "for" if end >= start else "against"
        x, width = (min(start, end) - low) * bits, max(1.0, abs(end - start) * bits)
        label = f"{escape(name)}{f' <tspan class={chr(34)}note{chr(34)}>{escape(level)}</tspan>' if level else ''}"
        parts.append(
            f'<text x="0" y="{top + LINE - 4}">{label}</text>'
            f'<text x="{WIDTH}" y="{top + LINE - 4}" text-anchor="end">{end - start:+.1f}</text>'
            f'<rect class="{kind}" x="{x:.1f}" y="{top + LINE}" width="{width:.1f}" height="{ROW - LINE - 7}"/>'
        )
    return "".join([*parts, "</svg>"])


def explanation_page(title: str, note: str, waterfall: str, weights: str, headings: tuple[str, str]) -> str:
    """A page of its own that needs no network: the pair's waterfall and the model's weights, where it has any."""
    all_weights = f"<h2>{escape(headings[1])}</h2>{weights}" if weights else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>body {{ font: 15px system-ui, sans-serif; max-width: 760px; margin: 32px auto; }}{STYLE}</style>"
        f"</head><body><h1>{escape(title)}</h1><p>{escape(note)}</p><h2>{escape(headings[0])}</h2>{waterfall}"
        f"{all_weights}</body></html>\n"
    )
