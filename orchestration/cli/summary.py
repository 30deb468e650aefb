"""What was found, in words a person reads: the summary after a run, and `oi status`.

Belongs here: collecting and printing the state of a company. Does not belong here: computing what is shown; each room
states its own figures.
"""

from typing import TYPE_CHECKING, Any

from orchestration.cli.printing import RESULTS, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.lib.runs import RunOutcome
    from workspace.settings import Settings

MASTER = {"customers": "customer", "products": "product", "warehouses": "warehouse"}


def summary_of(settings: "Settings") -> dict[str, Any]:
    """The state of a company as JSON values; a part that does not exist yet is empty or null."""
    from workspace.published import find_current

    snapshot = find_current(settings.paths.published)
    return {
        "company": settings.paths.company,
        "home": str(settings.home),
        "landed": _landed(settings),
        "sources": _sources(settings),
        "published": {"version": snapshot.version, "as_of": snapshot.notes.get("as_of")} if snapshot else None,
        "master_data": _master_data(snapshot) if snapshot else [],
        "on_time_by_region": _on_time(snapshot) if snapshot else [],
        "validations": _validations(settings),
        "models": _models(settings),
        "places": _places(settings),
    }


def print_run(outcome: "RunOutcome") -> None:
    """How a run went: its steps when it failed, its warnings, and how long it took."""
    if outcome.skipped:
        RESULTS.print(f"[green]Nothing changed[/green] since run {outcome.run_id[:8]}; nothing was run again.")
        return
    failed = [step for step in outcome.steps if step.status == "failed"]
    for step in failed:
        RESULTS.print(f"[red]{step.name} failed[/red] after {step.seconds:.0f} s: {step.error}", markup=True)
    skipped = sum(step.status == "skipped" for step in outcome.steps)
    severe = [check for check in outcome.failed_checks if check.severity == "ERROR"]
    warned = [check for check in outcome.failed_checks if check.severity != "ERROR"]
    for check in severe:
        RESULTS.print(f"[red]check failed[/red] {check.asset}: {check.name}. {check.description}")
    state = "[green]succeeded[/green]" if outcome.success else "[red]failed[/red]"
    RESULTS.print(
        f"Run {outcome.run_id[:8]} of {outcome.job} {state} in {outcome.seconds:.0f} s: {len(outcome.steps)} steps, "
        f"{len(outcome.checks)} checks ({len(severe)} failed, {len(warned)} warned), {skipped} steps not executed. "
        f"Days {outcome.first_day} to {outcome.last_day}."
    )
    if not outcome.success:
        RESULTS.print("What was published before stays in service.")


def print_summary(summary: dict[str, Any]) -> None:
    """The state of a company as tables."""
    RESULTS.rule(f"[bold]{summary['company']}[/bold]")
    print_table(
        "Landed rows", summary["landed"],
        {"table": "table", "read": "read", "landed": "landed", "quarantined": "quarantined", "reasons": "reasons"},
    )  # fmt: skip
    print_table(
        "Sources", summary["sources"],
        {"input": "source", "newest_at": "last new at", "age_hours": "hours ago", "due_hours": "due within (h)",
         "state": "state"},
    )  # fmt: skip
    print_table(
        "Master data", summary["master_data"],
        {"entity": "entity", "records": "source records", "golden": "golden records", "unmapped": "unmapped codes"},
    )  # fmt: skip
    print_table(
        "Expectations", summary["validations"],
        {"boundary": "boundary", "passed": "passed", "warned": "warned", "failed": "failed", "skipped": "skipped",
         "worst": "what did not hold"},
    )  # fmt: skip
    print_table(
        "Late orders by region (delivered orders with a promise)", summary["on_time_by_region"],
        {"region": "region", "orders": "orders", "late_pct": "late %", "low": "from", "high": "to"},
    )  # fmt: skip
    for model in summary["models"]:
        _print_model(model)
    RESULTS.print("[bold]Where to look[/bold]")
    for place in summary["places"]:
        RESULTS.print(f"  {place['what']:<22} {place['where']}", soft_wrap=True)


def _print_model(model: dict[str, Any]) -> None:
    RESULTS.print(f"\n[bold]{model['model']}[/bold] version {model['version']} is {model['state']}")
    print_table(
        "Metrics (95 % intervals)", model["metrics"],
        {"metric": "metric", "value": "value", "low": "from", "high": "to"},
    )  # fmt: skip
    fairness = model["fairness"]
    if fairness:
        RESULTS.print(f"Regional audit: [bold]{fairness['verdict']}[/bold]. {fairness['reason']}")
    print_table("Gates", model["gates"], {"gate": "gate", "verdict": "verdict", "reason": "because"})
    RESULTS.print(f"Champion: version [bold]{model['champion'] or 'none'}[/bold]\n")


def _landed(settings: "Settings") -> list[dict[str, Any]]:
    from collections import Counter

    from sources.history import landing_history

    rows: dict[str, dict[str, Any]] = {}
    reasons: dict[str, Counter[str]] = {}
    for report in landing_history(settings):
        for table, found in report.tables.items():
            row = rows.setdefault(table, {"table": table, "read": 0, "landed": 0, "quarantined": 0})
            row["read"] += found.total.read
            row["landed"] += found.total.landed
            row["quarantined"] += found.total.quarantined
            reasons.setdefault(table, Counter()).update(found.reasons)
    for table, row in rows.items():
        row["reasons"] = ", ".join(f"{name} {count:,}" for name, count in reasons[table].most_common(3))
    return list(rows.values())


def _sources(settings: "Settings") -> list[dict[str, Any]]:
    from sources.freshness import source_freshness

    return [
        {
            "input": found.input, "due_hours": found.due_hours, "state": found.state.replace("_", " "),
            "newest_at": found.newest.at.isoformat(timespec="minutes") if found.newest else None,
            "age_hours": found.age_hours,
        }
        for found in source_freshness(settings) if found.due_hours
    ]  # fmt: skip


def _master_data(snapshot: Any) -> list[dict[str, Any]]:
    rows = []
    with snapshot.connect() as connection:
        for entities, entity in MASTER.items():
            records, golden = connection.execute(
                f"select count(*), count(distinct {entity}_id) from xref_{entities}"
            ).fetchone()
            unmapped = connection.execute(
                "select count(*) from unmapped_codes where entity = $entity", {"entity": entity}
            ).fetchone()
            rows.append({"entity": entities, "records": records, "golden": golden, "unmapped": unmapped[0]})
    return rows


def _on_time(snapshot: Any) -> list[dict[str, Any]]:
    """Late share by region with Wilson 95 % intervals, worst first; small regions keep their wide interval."""
    with snapshot.connect() as connection:
        return [
            {"region": region, "name": name, "orders": count, "late": late, "late_pct": 100 * late / count,
             "low": 100 * low, "high": 100 * high}
            for region, name, count, late, low, high in connection.execute(
                """
                with counted as (
                    select region_code, count(*) as n, count(*) filter (is_late) as k
                    from fct_orders where is_late is not null group by region_code
                )
                select region_code, name, n, k,
                    (k / n + 1.9208 / n - 1.96 * sqrt(k * (n - k) / (n * 1.0 * n * n) + 0.9604 / (n * 1.0 * n)))
                        / (1 + 3.8416 / n),
                    (k / n + 1.9208 / n + 1.96 * sqrt(k * (n - k) / (n * 1.0 * n * n) + 0.9604 / (n * 1.0 * n)))
                        / (1 + 3.8416 / n)
                from counted left join dim_regions using (region_code)
                order by k / n desc, region_code
                """
            ).fetchall()
        ]  # fmt: skip


def _validations(settings: "Settings") -> list[dict[str, Any]]:
    from expectations.boundaries import BOUNDARIES
    from expectations.report import latest

    rows = []
    for boundary in BOUNDARIES:
        report = latest(settings, boundary)
        if report is not None:
            failed = report.failed()
            rows.append(
                {
                    "boundary": boundary,
                    "passed": report.count("passed"),
                    "warned": sum(check.severity == "warning" for check in failed),
                    "failed": sum(check.severity == "error" for check in failed),
                    "skipped": report.count("skipped"),
                    "worst": "; ".join(f"{check.id}: {check.observed}" for check in failed[:3]),
                }
            )
    return rows


def _models(settings: "Settings") -> list[dict[str, Any]]:
    """The newest version of each model with the evidence that was filed for it."""
    import json

    from ml.io.champion import newest_version
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import MODELS

    def filed(path: "Path") -> Any:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    found = []
    with open_stores(settings) as stores:
        for spec in MODELS.values():
            version = newest_version(stores, spec.name)
            if version is None:
                continue
            history = stores.promotions.history(spec.name)
            folder = stores.report_folder(spec.name, version)
            evaluation, gates = filed(folder / "evaluation.json"), filed(folder / "gates.json")
            found.append(
                {
                    "model": spec.name,
                    "version": version,
                    "state": str(history.version(version).state),
                    "champion": history.champion,
                    "metrics": [
                        {"metric": m, **estimate} for m, estimate in (evaluation or {}).get("backtest", {}).items()
                    ],
                    "fairness": filed(folder / "fairness.json"),
                    "gates": [
                        {"gate": gate["name"], "verdict": gate["verdict"], "reason": gate["reason"]}
                        for gate in (gates or {}).get("gates", [])
                    ],
                }
            )
    return found


def _places(settings: "Settings") -> list[dict[str, str]]:
    paths = settings.paths
    return [
        {"what": "Console", "where": f"http://127.0.0.1:{settings.console_port} (make up)"},
        {"what": "Dagster", "where": f"http://127.0.0.1:{settings.dagster_port} (make up)"},
        {"what": "MLflow", "where": f"http://127.0.0.1:{settings.mlflow_port} (make up)"},
        {"what": "Data docs", "where": str(paths.validations / "docs" / "index.html")},
    ]
