"""`oi promise`: when open orders may be expected, and by when each can be promised at a service level.

Belongs here: the command and how lead times are shown. Does not belong here: forecasting (ml/jobs/forecast_lead_times).

Exit codes: 0 done · 1 nothing is forecast, or the order is not open · 2 wrong usage.
"""

from typing import Annotated, Any

import typer

app = typer.Typer()


@app.command()
def promise(
    order_id: Annotated[str, typer.Argument(help="Open order; without it those promised too early are listed.")] = "",
    service: Annotated[
        float, typer.Option("--service", min=0.5, max=0.99, help="Share of such promises that is to be kept.")
    ] = 0.9,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most orders to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Median, 90 % interval and the promise that the service level allows, by the lead-time champion."""
    import duckdb

    from ml.jobs.forecast_lead_times import ForecastLeadTimesJob
    from orchestration.cli.printing import MESSAGES, RESULTS, print_json
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    report = ForecastLeadTimesJob(service=service).run(settings, open_current(settings.paths.published))
    if report.path is None:
        MESSAGES.print(f"oi: {report.reason}", markup=False)
        raise typer.Exit(1)
    chosen = "order_id = $order_id" if order_id else "promised_at < suggested_promise_at"
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            f"select * from read_parquet($path) where {chosen} "
            "order by suggested_promise_at - promised_at desc nulls last, order_id",
            {"path": str(report.path), **({"order_id": order_id} if order_id else {})},
        ).df()
    found = rows.astype("object").where(rows.notna(), None).to_dict("records")
    if order_id and not found:
        MESSAGES.print(f"oi: {order_id} is not among the {report.rows:,} open orders.", markup=False)
        raise typer.Exit(1)
    if as_json:
        print_json({"status": report.status, "version": report.version, "file": str(report.path), "orders": found})
        return
    for row in found[:limit]:
        RESULTS.print(sentence(row), markup=False)
    if not order_id:
        RESULTS.print(
            f"{len(found):,} of {report.rows:,} open orders are promised earlier than {service:.0%} service allows.",
            markup=False,
        )


def sentence(row: dict[str, Any]) -> str:
    """An order's lead time in words."""
    promised = f"{row['promised_at']:%Y-%m-%d %H:%M}" if row["promised_at"] is not None else "not promised"
    beyond = "; it has outlived its interval" if row["is_beyond_interval"] else ""
    return (
        f"{row['order_id']}, ordered {row['ordered_at']:%Y-%m-%d %H:%M}: {row['median_hours']:.0f} h "
        f"[{row['lower_hours']:.0f}, {row['upper_hours']:.0f}]; promised {promised}, "
        f"{row['service_level']:.0%} service allows {row['suggested_promise_at']:%Y-%m-%d %H:%M}{beyond}"
    )
