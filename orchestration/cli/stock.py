"""`oi stock`: the stock-outs that are foreseen, what to do about each, and how earlier alerts would have fared.

Belongs here: the command and how alerts are shown. Does not belong here: deciding (decisions/stockouts).

Exit codes: 0 done · 1 nothing is forecast · 2 wrong usage.
"""

from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Stock-outs that are foreseen, and what to do about them."""


@app.command()
def alerts(
    least_probability: Annotated[
        float, typer.Option("--least-probability", min=0.001, max=0.999, help="Alert from this probability on.")
    ] = 0.1,
    keep_days: Annotated[
        float, typer.Option("--keep-days", min=0, help="Days of its own demand that a giving node keeps.")
    ] = 7.0,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most alerts to show, dearest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output: all alerts.")] = False,
) -> None:
    """Decide on the newest forecasts: available, expected, inbound, the transfer, the loss with and without it."""
    from decisions.stockouts.alerts import StockAlertJob
    from decisions.stockouts.policy import AlertPolicy
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    policy = AlertPolicy(least_probability=least_probability, keep_days=keep_days)
    report = StockAlertJob(policy).run(settings, open_current(settings.paths.published))
    rows = report.alerts.astype("object").where(report.alerts.notna(), None).to_dict("records")
    if as_json:
        print_json({"status": report.status, "file": str(report.path), "alerts": rows})
        return
    for row in rows[:limit]:
        RESULTS.print(sentence(row), markup=False)
    RESULTS.print(f"{len(rows):,} alerts; kept in {report.path}", markup=False)


@app.command()
def review(
    least_probability: Annotated[
        float, typer.Option("--least-probability", min=0.001, max=0.999, help="Alert from this probability on.")
    ] = 0.1,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Precision, recall and lead time week by week, beside as many alerts by fewest days of cover."""
    from decisions.stockouts.policy import AlertPolicy
    from decisions.stockouts.review import review as look_back
    from orchestration.cli.printing import print_json, print_table
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    policy = AlertPolicy(least_probability=least_probability)
    weeks = look_back(settings, open_current(settings.paths.published), policy)
    rows = weeks.astype("object").where(weeks.notna(), None).to_dict("records")
    if as_json:
        print_json({"least_probability": least_probability, "weeks": rows})
        return
    shares = ("precision", "rule_precision", "recall", "rule_recall")
    shown = [
        {"week": row["week"], "alerts": row["alerts"], **{name: _share(row[name]) for name in shares},
         **{name: "" if row[name] is None else f"{row[name]:.0f} h" for name in ("lead_hours", "rule_lead_hours")}}
        for row in rows
    ]  # fmt: skip
    print_table(
        "Alerts by week on counts that the champion had not learned from", shown,
        {"week": "week", "alerts": "alerts", "precision": "came true", "rule_precision": "by cover",
         "recall": "found", "rule_recall": "by cover", "lead_hours": "ahead", "rule_lead_hours": "by cover"},
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def sentence(row: dict[str, Any]) -> str:
    """An alert in words."""
    inbound = f"{row['inbound_units']} on the way, {row['inbound_units_due']} of them due"
    move = (
        f"move {row['transfer_units']} from {row['transfer_from']} (in time: {row['arrival_probability']:.0%}), "
        f"loss {row['lost_units_with_transfer']:.2f} units"
        if row["action"] == "transfer"
        else "no transfer pays"
    )
    told = f"; tell the customers of {row['waiting_units']} waiting units" if row["notify_customers"] else ""
    return (
        f"{row['warehouse_id']} {row['product_id']}: {row['stockout_probability']:.0%} out within "
        f"{row['horizon_hours']} h; {row['on_hand_units']} on hand, {row['available_units']} available, "
        f"{row['expected_units']:.1f} expected, "
        f"{inbound}; loss {row['expected_lost_units']:.2f} units"
        f"{_money(row['expected_lost_amount'], row['currency'])}; {move}{told}"
    )


def _money(amount: float | None, currency: str | None) -> str:
    return "" if amount is None else f" ({amount:,.2f} {currency or ''})".replace(" )", ")")
