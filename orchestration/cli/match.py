"""`oi match`: try matching on any tables, measured against a truth; teach a matcher by labelled pairs.

Belongs here: the commands, their options and how results are shown. Does not belong here: matching (ml).

Exit codes: 0 done · 1 the tables cannot be matched · 2 wrong usage.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ml.core.matching.agreement import Agreement
    from ml.jobs.match_evaluation import Evaluation

app = typer.Typer(no_args_is_help=True)


class MatchedEntity(StrEnum):
    """What the records of a table may be of."""

    CUSTOMER = "customer"
    PRODUCT = "product"
    WAREHOUSE = "warehouse"


ENTITY = Annotated[MatchedEntity, typer.Option("--entity", help="What the records are of.")]
LEFT = Annotated[Path, typer.Option("--left", help="CSV, TSV or Parquet file of records.")]
RIGHT = Annotated[
    Path | None, typer.Option("--right", help="Second file to link the first with; without it duplicates are found.")
]
COLUMNS = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        help="Column map, ours=the tables' own: title=headline,price=cost; may be repeated. Usual names need none.",
    ),
]
AS_JSON = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def evaluate(
    entity: ENTITY,
    left: LEFT,
    right: RIGHT = None,
    truth: Annotated[Path | None, typer.Option("--truth", help="File of true pairs of record ids.")] = None,
    columns: COLUMNS = None,
    floor: Annotated[
        float | None,
        typer.Option(
            "--floor",
            min=0.0,
            max=1.0,
            help="Least expected precision, such as 0.995; default: where expected F1 is greatest.",
        ),
    ] = None,
    untaught: Annotated[bool, typer.Option("--untaught", help="Leave out what `oi match train` taught.")] = False,
    out: Annotated[Path, typer.Option("--out", help="CSV file for the links.")] = Path("links.csv"),
    as_json: AS_JSON = False,
) -> None:
    """Match a table, or link two, and tell how well, where true pairs are given."""
    from orchestration.cli.printing import MESSAGES, print_json

    with MESSAGES.status("Matching"):
        if entity is MatchedEntity.PRODUCT:
            result = _evaluated_products(left, right, truth, _column_map(columns), floor, untaught)
        else:
            result = _evaluated_records(entity, left, right, truth, _column_map(columns), floor)
    result.links.write_csv(out)
    if as_json:
        print_json(_as_json(result, out))
    else:
        _show(result, out)


def _evaluated_products(
    left: Path, right: Path | None, truth: Path | None, columns: dict[str, str], floor: float | None, untaught: bool
) -> "Evaluation":
    from ml.io.matchers import load_matcher
    from ml.jobs.match_evaluation import evaluate_products
    from workspace.settings import load_settings

    matcher = None if untaught else load_matcher(load_settings().paths.matching, MatchedEntity.PRODUCT.value)
    return evaluate_products(left, right, truth, columns, matcher, floor)


def _evaluated_records(
    entity: MatchedEntity, left: Path, right: Path | None, truth: Path | None, columns: dict[str, str],
    floor: float | None,
) -> "Evaluation":  # fmt: skip
    from ml.core.matching.entities import SPLINK_ENTITIES
    from ml.jobs.match_evaluation import evaluate_records
    from workspace.settings import load_settings

    return evaluate_records(SPLINK_ENTITIES[entity.value], left, right, truth, columns, load_settings(), floor)


@app.command()
def train(
    entity: ENTITY,
    left: LEFT,
    pairs: Annotated[Path, typer.Option("--pairs", help="Pairs of record ids, with a column label of 1 and 0.")],
    right: RIGHT = None,
    columns: COLUMNS = None,
    as_json: AS_JSON = False,
) -> None:
    """Teach the product matcher of this company by labelled pairs; matching uses it from then on."""
    from ml.core.matching.agreement import over_thresholds
    from ml.io.matchers import save_matcher
    from ml.jobs.match_evaluation import teach_products
    from orchestration.cli.printing import MESSAGES, RESULTS, print_json
    from workspace.settings import load_settings

    if entity is not MatchedEntity.PRODUCT:
        raise typer.BadParameter(
            f"{entity.value}s are matched by a model that teaches itself on each table; a steward's verdicts mend it. "
            f"Labelled pairs teach the product matcher only.", param_hint="--entity",
        )  # fmt: skip
    with MESSAGES.status("Learning"):
        lesson = teach_products(left, right, pairs, _column_map(columns))
    path = save_matcher(load_settings().paths.ensure().matching, entity.value, lesson.matcher)
    curve = over_thresholds(lesson.probability, lesson.same, int(lesson.same.sum()))
    best = max(curve, key=lambda measured: measured.f1 or 0.0)
    if as_json:
        print_json({"pairs": lesson.same.size, "same": int(lesson.same.sum()), "model": path, **_measures(best)})
        return
    RESULTS.print(
        f"Taught by {lesson.same.size:,} pairs, {int(lesson.same.sum()):,} of them the same; on pairs whose left "
        f"record it had not seen:", markup=False,
    )  # fmt: skip
    _show_curve(curve)
    RESULTS.print(f"Kept in {path}", markup=False)


def _column_map(given: list[str] | None) -> dict[str, str]:
    pairs = [part for text in given or [] for part in text.split(",")]
    if odd := [pair for pair in pairs if pair.count("=") != 1]:
        raise typer.BadParameter(f"A column is mapped as ours=theirs; got {odd[0]!r}.", param_hint="--columns")
    return {ours.strip(): theirs.strip() for ours, theirs in (pair.split("=") for pair in pairs)}


def _measures(measured: "Agreement | None") -> dict[str, Any]:
    if measured is None:
        return {"precision": None, "recall": None, "f1": None}
    return {"threshold": measured.threshold, "precision": measured.precision, "recall": measured.recall,
            "f1": measured.f1, "links": measured.linked, "right": measured.right, "true": measured.true}  # fmt: skip


def _as_json(result: "Evaluation", out: Path) -> dict[str, Any]:
    zones = result.found.zones
    return {
        "threshold": zones.link_at, "queue_from": zones.queue_at, "links": result.links.height,
        "expected_precision": zones.expected_precision, "taught_by": result.taught_by,
        "columns": list(result.columns), "zones": _zone_counts(result), "refused_by_guard": result.found.refused,
        "unknown_true_pairs": result.count_unknown, "links_file": str(out), **_measures(result.chosen),
        "over_thresholds": [_measures(measured) for measured in result.curve], "notes": list(result.notes),
    }  # fmt: skip


def _zone_counts(result: "Evaluation") -> dict[str, int]:
    return {str(zone): int(count) for zone, count in result.found.pairs["zone"].value_counts().sort("zone").iter_rows()}


def _show(result: "Evaluation", out: Path) -> None:
    from orchestration.cli.printing import RESULTS, format_cell

    found = result.found
    counts = ", ".join(f"{zone} {count:,}" for zone, count in _zone_counts(result).items()) or "none"
    taught = {"labels": f"by {result.count_taught:,} labelled pairs",
              "codes": f"by {result.count_taught:,} pairs that a number or rare code makes certain",
              "nobody": "by nobody: shipped weights",
              "table": "by the table's own agreements, without labels"}[result.taught_by]  # fmt: skip
    RESULTS.print(f"Compared: {', '.join(result.columns)}. Matcher taught {taught}.", markup=False)
    RESULTS.print(f"Candidate pairs: {counts}. Linked from {found.zones.link_at:.4g} on; expected precision "
                  f"{found.zones.expected_precision:.3f}.", markup=False)  # fmt: skip
    if result.chosen is not None:
        chosen = result.chosen
        RESULTS.print(
            f"Against {chosen.true:,} true pairs: precision {format_cell(chosen.precision)}, recall "
            f"{format_cell(chosen.recall)}, F1 {format_cell(chosen.f1)}.", markup=False,
        )  # fmt: skip
        if result.count_unknown:
            RESULTS.print(f"{result.count_unknown:,} true pairs name records that are not there: left out.")
        _show_curve(result.curve)
    RESULTS.print(f"{result.links.height:,} links in {out}", markup=False)
    for note in result.notes:
        RESULTS.print(note, markup=False)


def _show_curve(curve: "list[Agreement] | tuple[Agreement, ...]") -> None:
    from orchestration.cli.printing import print_table

    headings = {"threshold": "threshold", "precision": "precision", "recall": "recall", "f1": "F1", "links": "links"}
    print_table("Over thresholds", [_measures(measured) for measured in curve], headings)
