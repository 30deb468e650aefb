"""Entry point of `oi`: the table of commands, each loaded only when it is called.

Belongs here: the table, global options, and how errors end a command.
Does not belong here: what a command does; that is one module a group beside this one, which defines `app`.

Exit codes: 0 done · 1 the work failed or a check said no · 2 wrong usage · 3 not enough evidence for a verdict ·
4 busy, try again later.
"""

import importlib
import os
import sys
from typing import Any

import click
import typer
from typer.core import TyperGroup

EXIT_FAILED, EXIT_USAGE, EXIT_INSUFFICIENT, EXIT_BUSY = 1, 2, 3, 4

#: Errors that these packages define carry a message for people: the rule, the value met and the remedy.
ROOMS = {"workspace", "sources", "twin", "expectations", "ml", "decisions", "dashboards", "orchestration"}

COMMANDS = {
    "demo": ("orchestration.cli.demo", "Generate the demo company, run the whole graph, sum up what was found."),
    "up": ("orchestration.cli.up", "Start Dagster, MLflow and the console; Ctrl-C stops all three."),
    "land": ("orchestration.cli.land", "Land an extract: cast, check, quarantine, write Parquet by day."),
    "contract": (
        "orchestration.cli.contract",
        "The landing contract: versions, changelog, changes that lack a version.",
    ),
    "run": ("orchestration.cli.run", "Run a job of the asset graph: build, train_and_audit, score, everything."),
    "quarantine": ("orchestration.cli.quarantine", "Refused rows: look, mend, replay; and where all rows went."),
    "trace": ("orchestration.cli.trace", "From an order in the marts back to files, lines, runs and versions."),
    "status": ("orchestration.cli.status", "What is landed, published, promoted and failing."),
    "doctor": ("orchestration.cli.doctor", "Which capabilities are on or off, and why."),
    "use": ("orchestration.cli.use", "Switch the home to another company."),
    "models": ("orchestration.cli.models", "Registered versions: list, show, compare, promote, history."),
    "train": ("orchestration.cli.train", "Learn a yes/no column of any table, with backtest, report and audit."),
    "match": ("orchestration.cli.match", "Which records are one: try it on any tables; teach by labelled pairs."),
    "audit": ("orchestration.cli.audit", "Regional bias audits: of a company's models, or of any table."),
    "master": ("orchestration.cli.master", "Golden records by any id, the stewards' queue, verdicts on records."),
    "twin": ("orchestration.cli.twin", "The simulated network: generate extracts, score, compare policies."),
    "route": ("orchestration.cli.route", "Solve order routing with a proven bound; explain a choice."),
    "policy": ("orchestration.cli.policy", "Routing policies: what is in force; register a change for the gates."),
    "replay": (
        "orchestration.cli.replay",
        "Give a stored prediction, decision or policy again; say whether it is the same.",
    ),
    "evidence": ("orchestration.cli.evidence", "Pack all evidence about a version, in English and Chinese."),
    "stock": ("orchestration.cli.stock", "Stock-outs that are foreseen, and what to do about them."),
    "promise": ("orchestration.cli.promise", "When open orders may be expected, and by when each can be promised."),
    "users": ("orchestration.cli.users", "Accounts: add, list, role, disable, passwd."),
    "ledger": ("orchestration.cli.ledger", "Read and verify the append-only ledgers."),
}


class LazyGroup(TyperGroup):
    """A command group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Name and summary for listing; `resolve_command` loads what is to run."""
        return click.Command(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command itself, imported now."""
        name, listed, rest = super().resolve_command(ctx, args)
        if name is None or listed is None:
            return name, listed, rest
        module, summary = COMMANDS[name]
        command: click.Command = typer.main.get_command(importlib.import_module(module).app)
        command.name = name
        command.help = command.help or summary
        return name, command, rest


app = typer.Typer(
    cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="Order intelligence: from raw extracts to audited, promoted decisions.",
)  # fmt: skip


@app.callback()
def _root() -> None:
    """Order intelligence: from raw extracts to audited, promoted decisions."""


def main(argv: list[str] | None = None) -> Any:
    """Run `oi`. An error that a room of ours defines ends as its message; any other keeps its traceback."""
    from workspace.locks import Busy
    from workspace.settings import quiet_environment

    os.environ.update(quiet_environment())
    sys.dont_write_bytecode = False
    try:
        return app(args=argv)
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ROOMS:
            raise
        print(f"oi: {error}", file=sys.stderr)
        raise SystemExit(EXIT_BUSY if isinstance(error, Busy) else EXIT_FAILED) from error


if __name__ == "__main__":
    main()
