"""Carrying a person's decision about a version to the desk of `ml`.

Belongs here: the one place where the console changes the promotion ledger. Does not belong here: forms
(`dashboards.pages.desk`), rules and storage (`ml`).
"""

from dataclasses import dataclass

from workspace.keys import Signer
from workspace.links import Event
from workspace.settings import Settings


class NotSigned(Exception):
    """The decision was refused, and the ledger says so; the message says by which rule."""


@dataclass(frozen=True)
class Decision:
    """What a form asks for.

    Attributes:
        action: One of `ml.jobs.desk.ACTIONS`.
        reason: Why.
        dossier: SHA-256 of the dossier that the person decided on; None where the decision is not about one.
        condition: What is still to be met by an approved version; empty: nothing.
        within_days: Days for that; None: as the limits say.
    """

    action: str
    reason: str
    dossier: str | None = None
    condition: str = ""
    within_days: float | None = None


def sign(settings: Settings, model: str, version: str, decision: Decision, person: Signer) -> Event:
    """Enter a decision in the ledger, and let the aliases follow.

    Args:
        settings: Whose company.
        model: Which model or policy.
        version: Which version of it.
        decision: What is decided.
        person: The person, with the key that their password opened.

    Raises:
        NotSigned: a rule of promotion forbids it, or the version stands by another dossier by now.
    """
    # MLflow takes a second to import: the console starts without it.
    from ml.core.lifecycle import MoveRefused
    from ml.io.gate_limits import load_limits
    from ml.io.promotions import DossierBroken
    from ml.io.registry import ArtifactMismatch
    from ml.io.stores import open_stores
    from ml.jobs import desk

    try:
        with open_stores(settings) as stores:
            return desk.decide(
                stores, decision.action, model, version, person, decision.reason, load_limits(),
                dossier=decision.dossier, condition=decision.condition, due_days=decision.within_days,
            )  # fmt: skip
    except (MoveRefused, DossierBroken, ArtifactMismatch) as error:
        raise NotSigned(str(error)) from error
