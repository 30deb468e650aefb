"""Promotes version 2 again and again, killed one step later each time, and prints what each kill left behind.

Run as a program, `python -m tests.support.kill_promotion HOME COPY`: it forks before any store is opened, so that each
promotion is a process of its own without importing everything anew. COPY is what HOME is put back to before each.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from ml.io import champion
from ml.io.registry import CHAMPION, aliases
from ml.io.stores import open_stores
from ml.jobs import desk
from tests.support.people import signer
from workspace.kept_head import KeptHead
from workspace.ledger import Ledger
from workspace.settings import Settings

MODEL = "late-delivery-risk"
#: What a promotion writes, in the order in which it does. A kill falls before or after each.
STEPS = (
    (Ledger, "_append_once"), (KeptHead, "keep"),
    (MlflowClient, "set_registered_model_alias"), (MlflowClient, "delete_registered_model_alias"),
)  # fmt: skip


def main() -> None:
    """One line of JSON a kill, until a promotion is over before its turn to be killed comes."""
    home, copy = Path(sys.argv[1]), Path(sys.argv[2])
    for turn in range(1, 100):
        shutil.rmtree(home)
        shutil.copytree(copy, home)
        status = apart(lambda turn=turn: promote(home, turn))  # type: ignore[misc]
        if apart(lambda: look(home)):
            raise SystemExit("looking failed")
        if not os.WIFSIGNALED(status):
            return


def apart(work: Callable[[], None]) -> int:
    """Do something in a process of its own; gives how it ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
            sys.stdout.flush()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def promote(home: Path, turn: int) -> None:
    """Promote, and die at the crossing of this number."""
    crossings = 0

    def cross() -> None:
        nonlocal crossings
        crossings += 1
        if crossings == turn:
            os.kill(os.getpid(), signal.SIGKILL)

    def between(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            cross()
            found = step(*arguments, **named)
            cross()
            return found

        return run

    for place, name in STEPS:
        setattr(place, name, between(getattr(place, name)))
    with open_stores(Settings(home=home, company="acme")) as stores:
        desk.promote(stores, MODEL, "2", signer(home, "grace"), "go")


def look(home: Path) -> None:
    """Print what is found as it was left, and after the next step of anybody."""
    with open_stores(Settings(home=home, company="acme")) as stores:
        left = {"ledger": stores.promotions.history(MODEL).champion, "alias": aliases(stores, MODEL).get(CHAMPION),
                "served": champion.load_champion(stores, MODEL).version,
                "findings": len(stores.promotions.verify())}  # fmt: skip
        champion.reconcile(stores, MODEL)
        print(json.dumps({**left, "mended": champion.check_champion(stores, MODEL).problems}))


if __name__ == "__main__":
    main()
