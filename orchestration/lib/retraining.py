"""When training should start by itself.

Belongs here: the rule over what the ledger and the last look at the champion say. Does not belong here: the look
(ml/jobs/watch), the sensor (defs/automation).
"""

from dataclasses import dataclass

from workspace.published import find_current
from workspace.settings import Settings


@dataclass(frozen=True)
class Retraining:
    """Whether to train, why or why not, and a key that is the same as long as nothing new is known."""

    is_due: bool
    why: str
    key: str = ""


def retraining(settings: Settings) -> Retraining:
    """The rule: train when nothing is trained yet, or when the champion fails and no newer version waits for people."""
    from ml.core.lifecycle import State
    from ml.io.champion import newest_version
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import LATE_DELIVERY
    from ml.jobs.watch import newest_report

    snapshot = find_current(settings.paths.published)
    if snapshot is None:
        return Retraining(False, "Nothing is published yet.")
    if LATE_DELIVERY.table not in snapshot.tables:
        return Retraining(False, f"The snapshot has no {LATE_DELIVERY.table} yet.")
    with open_stores(settings) as stores:
        champion = stores.promotions.history(LATE_DELIVERY.name).champion
        newest = newest_version(stores, LATE_DELIVERY.name)
        waiting = newest_version(stores, LATE_DELIVERY.name, State.EVALUATED, State.PROPOSED, State.APPROVED,
                                 State.SHADOW)  # fmt: skip
        if newest is None:
            return Retraining(True, "No version has been trained.", snapshot.digest)
        if champion is None:
            return Retraining(False, f"Version {newest} waits for a decision; there is no champion to watch.")
        report = newest_report(stores.report_folder(LATE_DELIVERY.name, champion))
    if report is None:
        return Retraining(False, f"Nobody has looked at version {champion} yet; scoring does.")
    if not report["is_due"]:
        return Retraining(False, str(report["why"]))
    if waiting is not None and int(waiting) > int(champion):
        return Retraining(False, f"Version {waiting} is newer and waits for a decision. {report['why']}")
    return Retraining(True, str(report["why"]), f"{champion}@{report['snapshot']}")
