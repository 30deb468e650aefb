"""What people do with a version: propose, approve, reject, promote, roll back, confirm.

Belongs here: each decision as one call that checks, enters it in the ledger, then lets the aliases follow. A decision
that is refused is entered as refused. Does not belong here: the rules (ml/core/promotion), asking a person
(orchestration/cli, dashboards).

A person decides with their own key (`workspace.keys.Signer`); a plain name is a program's.

The ledger event comes first and the alias after it. Who is stopped between the two leaves a ledger that says what holds
and an alias that is behind; `ml.io.champion.reconcile` moves it, and every decision here begins by doing so.
"""

from datetime import UTC, datetime

from ml.core.gates import Limits
from ml.core.lifecycle import CONFIRMED, FIRST_VERSION_ONLY, GATES_ACTOR, MoveRefused, State, expiry
from ml.io.champion import files_digest, reconcile, signed_digest
from ml.io.promotions import name_of
from ml.io.registry import ArtifactMismatch
from ml.io.stores import ModelStores
from workspace.keys import Signer
from workspace.links import Event

Actor = Signer | str
ACTIONS = ("approve", "reject", "shadow", "promote", "rollback", "confirm")


def propose(stores: ModelStores, model: str, version: str, actor: Actor, reason: str, dossier: str) -> Event:
    """Propose a version on a stored dossier.

    Raises:
        MoveRefused: the rules do not allow it, or its gates failed.
    """
    with stores.promotions.refusals_kept(model, version, State.PROPOSED, name_of(actor)):
        if stores.promotions.dossier(dossier)["verdict"] == "fail":
            raise MoveRefused(
                f"{model}/{version} failed a gate; `oi models show {version}` says which. Mend it and train anew."
            )
    return _decide(stores, model, version, State.PROPOSED, actor, reason, {"dossier": dossier})


def approve(stores: ModelStores, model: str, version: str, actor: Actor, reason: str, limits: Limits,
            condition: str = "", due_days: float | None = None, dossier: str | None = None) -> Event:  # fmt: skip
    """Approve a proposed version on the dossier that it stands by; valid for a limited time.

    Args:
        stores: Open stores.
        model: Which model.
        version: Which version of it.
        actor: The person, who neither made nor proposed it.
        reason: Why.
        limits: How long approvals hold.
        condition: What is still to be met; somebody must confirm it in time. Empty: none.
        due_days: Days until then; as the limits say if None.
        dossier: The dossier that the person read; the one that the version stands by if None.

    Raises:
        MoveRefused: the rules do not allow it, for instance because the approver made or proposed it.
    """
    now = datetime.now(UTC)
    with stores.promotions.refusals_kept(model, version, State.APPROVED, name_of(actor)):
        payload = {"dossier": _dossier(stores, model, version, dossier),
                   "expires_at": expiry(now, limits.approval_valid_days)}  # fmt: skip
    if condition:
        payload |= {"condition": condition,
                    "due_at": expiry(now, limits.condition_valid_days if due_days is None else due_days)}  # fmt: skip
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


def reject(stores: ModelStores, model: str, version: str, actor: Actor, reason: str,
           dossier: str | None = None) -> Event:  # fmt: skip
    """Reject a version for good; `dossier` is the one that the person read, if they read one.

    Raises:
        MoveRefused: the rules do not allow it, or the version stands by another dossier by now.
    """
    with stores.promotions.refusals_kept(model, version, State.REJECTED, name_of(actor)):
        if dossier is not None:
            _dossier(stores, model, version, dossier)
    return _decide(stores, model, version, State.REJECTED, actor, reason, {})


def promote(stores: ModelStores, model: str, version: str, actor: Actor, reason: str) -> Event:
    """Make an approved version the champion, after its files were verified against its dossier.

    Raises:
        MoveRefused: the rules do not allow it.
        ArtifactMismatch: its files are not those of its dossier.
    """
    return _put_to_work(stores, model, version, State.CHAMPION, actor, reason)


def start_shadow(stores: ModelStores, model: str, version: str, actor: Actor, reason: str) -> Event:
    """Let an approved version go on beside the champion, without deciding anything; raises as `promote` does."""
    return _put_to_work(stores, model, version, State.SHADOW, actor, reason)


def _put_to_work(stores: ModelStores, model: str, version: str, to: State, actor: Actor, reason: str) -> Event:
    with stores.promotions.refusals_kept(model, version, to, name_of(actor)):
        _require_sound_files(stores, model, version)
        payload = {"dossier": _dossier(stores, model, version)}
        _require_same_company(stores, model, version, payload["dossier"])
    return _decide(stores, model, version, to, actor, reason, payload)


def roll_back(stores: ModelStores, model: str, actor: Actor, reason: str, limits: Limits,
              version: str = "") -> Event:  # fmt: skip
    """Restore the champion before the present one, after its files were verified.

    One person may do this alone, at once; another must `confirm` it within the time that the limits state. `version` is
    the champion that the person means, if they named one.

    Raises:
        MoveRefused: there is none before it, or the rules do not allow it.
        ArtifactMismatch: its files are not those of its dossier.
    """
    champions = stores.promotions.history(model).champions
    leaving = champions[-1] if champions else ""
    with stores.promotions.refusals_kept(model, leaving, State.ROLLED_BACK, name_of(actor)):
        if len(champions) < 2:
            raise MoveRefused(f"{model} has no champion before {leaving or 'the first'}; nothing to restore.")
        if version not in ("", leaving):
            raise MoveRefused(f"{model}/{version} is not in service; {leaving} is. Look again before rolling back.")
        _require_sound_files(stores, model, champions[-2])
    due_at = expiry(datetime.now(UTC), limits.rollback_confirmed_hours / 24)
    payload = {"restores": champions[-2], "due_at": due_at}
    return _decide(stores, model, leaving, State.ROLLED_BACK, actor, reason, payload)


def confirm(stores: ModelStores, model: str, version: str, actor: Actor, reason: str) -> Event:
    """Confirm a rollback afterwards, or that the condition of an approval is met.

    Raises:
        MoveRefused: nothing waits to be confirmed, or the rules do not allow this person to.
    """
    return _decide(stores, model, version, CONFIRMED, actor, reason, {})


def decide(stores: ModelStores, action: str, model: str, version: str, person: Signer, reason: str, limits: Limits, *,
           dossier: str | None = None, condition: str = "", due_days: float | None = None) -> Event:  # fmt: skip
    """One of `ACTIONS` by its name, as commands and forms ask for it; arguments and errors as of its own function.

    A rollback is of the champion; if another version is named, it is refused.
    """
    if action == "approve":
        return approve(stores, model, version, person, reason, limits, condition, due_days, dossier)
    if action == "reject":
        return reject(stores, model, version, person, reason, dossier)
    if action == "rollback":
        return roll_back(stores, model, person, reason, limits, version)
    plain = {"shadow": start_shadow, "promote": promote, "confirm": confirm}
    return plain[action](stores, model, version, person, reason)


def _decide(stores: ModelStores, model: str, version: str, to: State | str, actor: Actor, reason: str,
            payload: dict[str, str]) -> Event:  # fmt: skip
    reconcile(stores, model)
    event = stores.promotions.move(model, version, to, actor, reason, payload)
    reconcile(stores, model)
    return event


def _dossier(stores: ModelStores, model: str, version: str, read: str | None = None) -> str:
    dossier = stores.promotions.history(model).version(version).dossier
    if dossier is None:
        raise MoveRefused(f"{model}/{version} has not been proposed; propose it first.")
    if read not in (None, dossier):
        raise MoveRefused(
            f"{model}/{version} stands by dossier {dossier}, and what was read is {read or 'none'}. "
            f"Read the dossier anew and decide on that."
        )
    stores.promotions.dossier(dossier)
    return dossier


def _require_sound_files(stores: ModelStores, model: str, version: str) -> None:
    signed, found = signed_digest(stores, model, version), files_digest(stores, model, version)
    if signed != found:
        raise ArtifactMismatch(
            f"The files of {model}/{version} have digest {found}; its dossier says {signed}. Restore them first."
        )


def _require_same_company(stores: ModelStores, model: str, version: str, dossier: str) -> None:
    """A policy goes into service only beside the version of the model that it was judged with."""
    judged_with = stores.promotions.dossier(dossier).get("judged_with")
    if judged_with is None:
        return
    champion = stores.promotions.history(judged_with["model"]).champion
    if champion != judged_with["version"]:
        raise MoveRefused(
            f"{model}/{version} was judged with {judged_with['model']}/{judged_with['version'] or 'none'}; "
            f"{champion or 'none'} is in service. Propose it anew, so that it is judged with that one."
        )
