"""What people do with a version: propose, approve, reject, promote, roll back.

Belongs here: each decision as one call that checks, enters it in the ledger, then lets the aliases follow.
Does not belong here: the rules (ml/core/promotion), asking a person (orchestration/cli, dashboards).

The ledger event comes first and the alias after it. Who is stopped between the two leaves a ledger that says what holds
and an alias that is behind; `ml.io.champion.reconcile` moves it, and every decision here begins by doing so.
"""

from datetime import UTC, datetime

from ml.core.gates import Limits
from ml.core.promotion import FIRST_VERSION_ONLY, GATES_ACTOR, SYSTEM, MoveRefused, State, expiry
from ml.io.champion import reconcile, signed_digest
from ml.io.registry import ArtifactMismatch, current_digest
from ml.io.stores import ModelStores
from workspace.ledger import Event


def require_person(actor: str) -> str:
    """The actor, if it may be a person's name.

    Raises:
        MoveRefused: it is empty or marks a program.
    """
    if not actor.strip() or actor.startswith(SYSTEM):
        raise MoveRefused(
            f"A decision needs the name of a person, not {actor!r}; names that begin with {SYSTEM} are programs."
        )
    return actor.strip()


def propose(stores: ModelStores, model: str, version: str, actor: str, reason: str, dossier: str) -> Event:
    """Propose a version on a stored dossier.

    Raises:
        MoveRefused: the rules do not allow it, or its gates failed.
    """
    if stores.promotions.dossier(dossier)["verdict"] == "fail":
        raise MoveRefused(
            f"{model}/{version} failed a gate; `oi models show {version}` says which. Mend it and train anew."
        )
    return _decide(stores, model, version, State.PROPOSED, actor, reason, {"dossier": dossier})


def approve(stores: ModelStores, model: str, version: str, actor: str, reason: str, limits: Limits) -> Event:
    """Approve a proposed version on the dossier that it stands by; valid for a limited time.

    Raises:
        MoveRefused: the rules do not allow it, for instance because the approver made or proposed it.
    """
    expires_at = expiry(datetime.now(UTC), limits.approval_valid_days)
    payload = {"dossier": _dossier(stores, model, version), "expires_at": expires_at}
    return _decide(stores, model, version, State.APPROVED, actor, reason, payload)


def approve_first_by_gates(stores: ModelStores, model: str, version: str, limits: Limits) -> Event:
    """Approve a model's first version in the name of the gates, as the limits allow.

    Raises:
        MoveRefused: the limits or the rules do not allow it, or a gate did not pass.
    """
    dossier = _dossier(stores, model, version)
    if limits.automatic_promotion != FIRST_VERSION_ONLY or stores.promotions.dossier(dossier)["verdict"] != "pass":
        raise MoveRefused(
            f"The gates may not approve {model}/{version}: policy {limits.automatic_promotion}, or not all pass."
        )
    payload = {"dossier": dossier, "expires_at": expiry(datetime.now(UTC), limits.approval_valid_days),
               "automatic": FIRST_VERSION_ONLY}  # fmt: skip
    reason = "first version of this model, every applicable gate passed; gates.yaml allows it without a person"
    return _decide(stores, model, version, State.APPROVED, GATES_ACTOR, reason, payload)


def reject(stores: ModelStores, model: str, version: str, actor: str, reason: str) -> Event:
    """Reject a version for good.

    Raises:
        MoveRefused: the rules do not allow it.
    """
    return _decide(stores, model, version, State.REJECTED, actor, reason, {})


def promote(stores: ModelStores, model: str, version: str, actor: str, reason: str) -> Event:
    """Make an approved version the champion, after its files were verified against its dossier.

    Raises:
        MoveRefused: the rules do not allow it.
        ArtifactMismatch: its files are not those of its dossier.
    """
    _require_sound_files(stores, model, version)
    return _decide(stores, model, version, State.CHAMPION, actor, reason, {"dossier": _dossier(stores, model, version)})


def roll_back(stores: ModelStores, model: str, actor: str, reason: str) -> Event:
    """Restore the champion before the present one, after its files were verified.

    Raises:
        MoveRefused: there is none before it.
        ArtifactMismatch: its files are not those of its dossier.
    """
    champions = stores.promotions.history(model).champions
    if len(champions) < 2:
        raise MoveRefused(
            f"{model} has no champion before {champions[-1] if champions else 'the first'}; nothing to restore."
        )
    _require_sound_files(stores, model, champions[-2])
    return _decide(stores, model, champions[-1], State.ROLLED_BACK, actor, reason, {"restores": champions[-2]})


def _decide(stores: ModelStores, model: str, version: str, to: State, actor: str, reason: str,
            payload: dict[str, str]) -> Event:  # fmt: skip
    reconcile(stores, model)
    event = stores.promotions.move(model, version, to, actor, reason, payload)
    reconcile(stores, model)
    return event


def _dossier(stores: ModelStores, model: str, version: str) -> str:
    dossier = stores.promotions.history(model).version(version).dossier
    if dossier is None:
        raise MoveRefused(f"{model}/{version} has not been proposed; propose it first.")
    stores.promotions.dossier(dossier)
    return dossier


def _require_sound_files(stores: ModelStores, model: str, version: str) -> None:
    signed, found = signed_digest(stores, model, version), current_digest(stores, model, version)
    if signed != found:
        raise ArtifactMismatch(
            f"The files of {model}/{version} have digest {found}; its dossier says {signed}. Restore them first."
        )
