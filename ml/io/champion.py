"""The champion as the ledger names it: loading it verified, keeping the aliases in step, telling when they are not.

Belongs here: reads of the ledger together with the registry. Does not belong here: decisions (ml/jobs/desk).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ml.core.lifecycle import State
from ml.io.policies import POLICY, stored_digest
from ml.io.promotions import DossierBroken
from ml.io.registry import CHALLENGER, CHAMPION, LoadedModel, aliases, current_digest, load, project_aliases
from ml.io.stores import ModelStores
from workspace.links import Event


class NoChampion(RuntimeError):
    """No version has been promoted, so that nothing can be scored."""


@dataclass(frozen=True)
class ChampionCheck:
    """Whether registry and ledger agree.

    Attributes:
        champion: Champion by the ledger.
        alias: Champion by the alias.
        problems: What does not hold, in words; empty when all is well.
    """

    model: str
    champion: str | None
    alias: str | None
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def load_champion(stores: ModelStores, model: str) -> LoadedModel:
    """Load the ledger's champion, after its dossier and its files were verified.

    Raises:
        NoChampion: the ledger names none.
        DossierBroken: its dossier is absent or changed.
        ArtifactMismatch: its files are not those of the dossier.
    """
    history = stores.promotions.history(model)
    if history.champion is None:
        raise NoChampion(
            f"{model} has no champion: no version was promoted yet. `oi models list` shows where versions stand; "
            f"`oi models show VERSION` says which gate stopped one."
        )
    return load(stores, model, history.champion, signed_digest(stores, model, history.champion))


def signed_digest(stores: ModelStores, model: str, version: str) -> str:
    """The digest of a version's files that its dossier states.

    Raises:
        DossierBroken: there is no sound dossier.
    """
    signed = stores.promotions.history(model).version(version).dossier
    if signed is None:
        raise DossierBroken(f"{model}/{version} has no dossier; propose it first.")
    return str(stores.promotions.dossier(signed)["artifact"]["digest"])


def files_digest(stores: ModelStores, model: str, version: str) -> str | None:
    """Digest of the files of a version of a model or of a policy, as they lie there now; None if there are none."""
    return stored_digest(stores, version) if model == POLICY else current_digest(stores, model, version)


def reconcile(stores: ModelStores, model: str) -> list[str]:
    """Make the aliases follow the ledger; returns what was changed, in words. A policy has no alias."""
    if model == POLICY:
        return []
    history = stores.promotions.history(model)
    return project_aliases(stores, model, {CHAMPION: history.champion, CHALLENGER: history.challenger})


def check_champion(stores: ModelStores, model: str) -> ChampionCheck:
    """Compare ledger, aliases, dossier and files, without changing anything."""
    history = stores.promotions.history(model)
    present = aliases(stores, model)
    problems = [f"event {number} of the ledger is void: {reason}" for number, reason in history.void.items()]
    problems += [f"ledger event {finding.sequence} {finding.problem}" for finding in stores.promotions.verify()]
    problems += [
        f"the {duty.what} of {model}/{duty.version} by {duty.by} was to be confirmed by {duty.due_at:%Y-%m-%d %H:%M}Z"
        for duty in history.overdue(datetime.now(UTC))
    ]
    wanted = {} if model == POLICY else {CHAMPION: history.champion, CHALLENGER: history.challenger}
    for alias, named in wanted.items():
        if present.get(alias) != named:
            problems.append(
                f"alias {alias} points at {present.get(alias) or 'none'}, the ledger says {named or 'none'}"
            )
    if history.champion is not None:
        problems += _file_problems(stores, model, history.champion)
    return ChampionCheck(model, history.champion, present.get(CHAMPION), tuple(problems))


def watch_champion(stores: ModelStores, model: str) -> tuple[ChampionCheck, Event | None]:
    """`check_champion`, and the alarm that the ledger holds of it if something came or went since the last look."""
    found = check_champion(stores, model)
    return found, stores.promotions.record_alarm(model, found.problems)


def _file_problems(stores: ModelStores, model: str, version: str) -> list[str]:
    try:
        signed = signed_digest(stores, model, version)
    except DossierBroken as error:
        return [str(error)]
    found = files_digest(stores, model, version)
    return [] if found == signed else [f"files of {model}/{version} have digest {found}, its dossier says {signed}"]


def newest_version(stores: ModelStores, model: str, *states: State) -> str | None:
    """The newest evaluated version, in one of the states if any is named."""
    known = stores.promotions.history(model).versions
    found = [name for name, version in known.items() if version.evaluated and (not states or version.state in states)]
    return max(found, key=int) if found else None
