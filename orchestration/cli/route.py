"""`oi route`: solve a batch from files with a proven bound, and explain any choice of a run.

Belongs here: the commands and how their answers are shown. Does not belong here: reading and keeping runs
(decisions.routing), solving (ml.core.routing).
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from decisions.routing.service import LiveRouter
    from ml.core.routing.parameters import RoutingParameters
    from workspace.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Solve order routing with a proven bound; explain a choice.")


@app.command()
def solve(
    orders: Annotated[Path, typer.Option(help="order_id, region, priority, promised_days.")],
    lines: Annotated[Path, typer.Option(help="order_id, product_id, quantity, weight_kg.")],
    stock: Annotated[Path, typer.Option(help="node_id, product_id, quantity, reserved, scarcity, relief.")],
    rates: Annotated[Path, typer.Option(help="node_id or origin_region, region, service, fixed, per_kg, days.")],
    out: Annotated[Path, typer.Option(help="Folder for assignments, unfilled lines, orders and the summary.")],
    nodes: Annotated[Path | None, typer.Option(help="node_id, capacity, region, enabled.")] = None,
    late: Annotated[Path | None, typer.Option(help="order_id or region, node_id, service, probability.")] = None,
    products: Annotated[Path | None, typer.Option(help="product_id, weight_kg.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A weight or limit, as lateness_cost=12.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Route orders from CSV or Parquet files: node and service of each line, and a bound on what any choice costs."""
    from decisions.routing.problem import BatchFiles, read_batch
    from decisions.routing.store import write_run
    from decisions.routing.tables import RoutingInputError
    from ml.core.routing.solve import solve_batch

    parameters = _parameters(settings or [])
    try:
        batch = read_batch(BatchFiles(orders, lines, stock, rates, nodes, late, products))
    except RoutingInputError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    summary = write_run(out, batch, solve_batch(batch.problem, parameters))
    if as_json:
        from orchestration.cli.printing import print_json

        print_json(summary)
        return
    _show_summary(summary, out)


@app.command()
def plan(
    window_hours: Annotated[float, typer.Option(min=0, help="Hours in which a parcel may still move.")] = 12.0,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds for the solver.")] = 60.0,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A weight or limit, as lateness_cost=12.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Decide on the company's open orders as of its published data; by the named rule where the model cannot."""
    from decisions.routing.plan import PlanJob
    from orchestration.cli.printing import print_json
    from workspace.published import open_current
    from workspace.settings import load_settings

    company = load_settings()
    _parameters(settings or [])
    changes = changes_of(settings or [])
    report = PlanJob(window_hours, time_limit, changes=changes).run(company, open_current(company.paths.published))
    if as_json:
        print_json({"status": report.status, **report.summary})
        return
    typer.echo(report.reason)
    _show_summary(dict(report.summary), report.folder)
    typer.echo(f"  {report.summary['automatic']:>8} orders: by themselves")
    typer.echo(f"  {report.summary['person']:>8} orders: to a person")
    for name, (passed, met) in report.checks.items():
        typer.echo(f"  {'passed' if passed else 'FAILED':>8} {name}: {met}")


def _router(company: "Settings") -> "LiveRouter":
    """What answers single orders by the newest plan; exit code 2 where there is none to answer by."""
    from decisions.routing.service import open_router
    from decisions.routing.tables import RoutingInputError
    from workspace.published import open_current

    try:
        return open_router(company, open_current(company.paths.published))
    except RoutingInputError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@app.command()
def one(
    order: Annotated[
        str, typer.Argument(help="The order as JSON; without it, one order a line on standard input.")
    ] = "",
) -> None:
    """Decide on single orders as they come, by the newest plan's prices and what it left; one JSON answer a line.

    An order has region, lines (each product_id, quantity) and where known order_id, priority, slack_hours. What an
    answer takes stays taken until the command ends; nothing is written to the company's records.
    """
    from decisions.routing.service import read_order
    from workspace.settings import load_settings

    router = _router(load_settings())
    for line in [order] if order else sys.stdin:
        if line.strip():
            typer.echo(json.dumps(router.route(read_order(line)), ensure_ascii=False))


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the loopback interface; 0: any free one.")
    ] = 8401,
) -> None:
    """Answer single orders over HTTP on loopback, as `oi route one` does on a pipe: POST /route, one JSON order a line.

    A request carries the token of `route-token` in the company's folder, which only its owner can read. Ends with
    Ctrl-C or SIGTERM; answers go on to each newer plan within seconds.
    """
    from decisions.routing.endpoint import Endpoint, company_token
    from decisions.routing.service import newer_router
    from workspace.loopback import PortTaken, serve_on_loopback
    from workspace.settings import load_settings

    company = load_settings()
    router = _router(company)
    token = company.paths.root / "route-token"
    endpoint = Endpoint(router, lambda plan: newer_router(company, plan), company_token(token))

    def show(address: str) -> None:
        typer.echo(f"POST {address}/route, by plan {router.plan}; the token is in {token} (Ctrl-C stops it)")

    try:
        serve_on_loopback(endpoint, port, show, "on")
    except PortTaken as error:
        typer.echo(f"{error} Name a free one with --port.", err=True)
        raise typer.Exit(4) from error


@app.command()
def explain(
    order: Annotated[str, typer.Argument(help="order_id.")],
    run: Annotated[Path | None, typer.Option(help="Folder of a run or plan; the newest plan if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Why this node? Fences, stock seen, cost by part, rank, why split, why farther, and what would flip the choice."""
    import numpy as np

    from decisions.routing.store import read_run
    from decisions.routing.tables import RoutingInputError
    from ml.core.routing.explain import explain as explain_choice

    try:
        run = run or _newest_plan()
        problem, result, order_ids = read_run(run)
    except RoutingInputError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    found = np.flatnonzero(order_ids == order)
    if not len(found):
        typer.echo(f"{run} has no order {order!r}; orders.parquet there lists the order ids.", err=True)
        raise typer.Exit(1)
    answer = {**explain_choice(problem, result, int(found[0])).as_dict(), "order_id": order}
    if as_json:
        from orchestration.cli.printing import print_json

        print_json(_finite(answer))
        return
    _show_answer(answer)


def _newest_plan() -> Path:
    """Folder of the company's newest plan.

    Raises:
        RoutingInputError: there is none.
    """
    from decisions.routing.kept import newest_plan
    from decisions.routing.tables import RoutingInputError
    from workspace.settings import load_settings

    found = newest_plan(load_settings().paths.plans)
    if found is None:
        raise RoutingInputError("There is no plan yet; make one with `oi route plan`, or name a run with --run.")
    return found.folder


def _parameters(settings: list[str]) -> "RoutingParameters":
    """Parameters from `name=value` pairs; a wrong one ends the command as wrong usage."""
    from ml.core.routing.parameters import RoutingParameters

    try:
        return RoutingParameters(**changes_of(settings))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def changes_of(settings: list[str]) -> dict[str, Any]:
    """Values from `name=value` pairs; an unknown name or a text that is no number ends the command as wrong usage."""
    from dataclasses import fields

    from ml.core.routing.parameters import RoutingParameters

    known = {item.name: item for item in fields(RoutingParameters)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            raise typer.BadParameter(f"--set wants name=value with a name of {', '.join(known)}; got {setting!r}")
        try:
            values[name] = int(text) if isinstance(known[name].default, int) else float(text)
        except ValueError as error:
            raise typer.BadParameter(f"--set {name} wants a number; got {text!r}") from error
    return values


def _finite(value: Any) -> Any:
    """The same answer with null for numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not -1e300 < value < 1e300 else value


def _show_summary(summary: dict[str, Any], out: Path) -> None:
    on_time = "not available" if summary["on_time"] is None else f"{summary['on_time']:.1%}"
    proven = "no bound is proven by a rule"
    if summary["gap"] is not None:
        proven = f"at most {summary['gap']:.2%} above the best possible (bound {summary['lower_bound']:,.2f})"
    typer.echo(
        f"{summary['orders']} orders: {summary['filled']} filled, {summary['partial']} partial, "
        f"{summary['unfilled']} unfilled, {summary['excluded']} excluded; {summary['split']} split\n"
        f"cost {summary['objective']:,.2f}, {proven}; expected on time {on_time}\n"
        f"{summary['status']} in {summary['seconds']:.1f} s; written to {out}"
    )
    for code, count in summary["reasons"].items():
        typer.echo(f"  {count:>8} orders: {code}")


def _show_answer(answer: dict[str, Any]) -> None:
    shipped = "; ".join(f"{p['name']} by {p['service_name']}, lines {p['lines']}" for p in answer["parcels"])
    typer.echo(f"{answer['order_id']}: {answer['status']}" + (f" from {shipped}" if shipped else ""))
    if answer["reason"]:
        typer.echo(f"  {answer['reason']}: {answer['reason_text']}")
    for name in ("why_split", "why_farther"):
        if answer[name]:
            typer.echo(f"  {name.replace('_', ' ')}: {answer[name].replace('_', ' ')}")
    for node in answer["nodes"]:
        parts = ", ".join(f"{c['name']} {c['weighted']:.2f}" for c in node["components"] if c["weighted"])
        fences = ", ".join(f"{name} {'passed' if ok else 'failed'}" for name, _, ok in node["fences"])
        stock = ", ".join(f"{s['requested']} of {s['available']} ({s['left_after_batch']} left)" for s in node["stock"])
        rank = f"{node['rank']:>3}" if node["rank"] else "  –"
        typer.echo(
            f"{rank} {node['name']:<14} {node['verdict']:<9} {node['priced_total']:>9.2f}  stock {stock}"
            + (f"  {parts}" if parts else "")
            + (f"  fences: {fences}" if fences else "")
            + (f"  {', '.join(node['reasons'])}" if node["reasons"] else "")
        )
    for flip in answer["flips"][:3]:
        typer.echo(f"  would flip to {flip['name']}: {flip['what']} from {flip['now']:.3f} to {flip['then']:.3f}")
