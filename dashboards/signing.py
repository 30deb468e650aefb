"""Carrying a person's decision about a version to the desk of `ml`.

Belongs here: the one place where the console changes the promotion ledger. Does not belong here: forms
(`dashboards.pages.desk`), rules and storage (`ml`).
"""

from workspace.keys import Signer
from workspace.links import Event
from workspace.settings import Settings


class NotSigned(Exception):
    """The decision was refused, and the ledger says so; the message says by which rule."""


def sign(
    settings: Settings, model: str, version: str, decision: str, dossier: str, person: Signer, reason: str
) -> Event:  # fmt: skip
    """Enter a decision in the ledger, and let the aliases follow.

    Args:
        settings: Whose company.
        model: Which model.
        version: Which version of it.
        decision: `approve` or `reject`.
        dossier: SHA-256 of the dossier that the person decided on.
        person: The person, with the key that their password opened.
        reason: Why.

    Raises:
        NotSigned: a rule of promotion forbids it, or the version stands by another dossier by now.
    """
    # MLflow takes a second to import: the console starts without it.
    from ml.core.promotion import MoveRefused
    from ml.io.gate_limits import load_limits
    from ml.io.promotions import DossierBroken
    from ml.io.registry import ArtifactMismatch
    from ml.io.stores import open_stores
    from ml.jobs import desk

    try:
        with open_stores(settings) as stores:
            if decision == "approve":
                return desk.approve(stores, model, version, person, reason, load_limits(), dossier=dossier)
            return desk.reject(stores, model, version, person, reason, dossier)
    except (MoveRefused, DossierBroken, ArtifactMismatch) as error:
        raise NotSigned(str(error)) from error
