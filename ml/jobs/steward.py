"""What a steward looks at and decides: a golden record by any of its ids, the queue of doubtful pairs, verdicts.

Belongs here: each of these as one call. Does not belong here: matching (master), which verdicts fit together
(ml/core/matching/verdicts), asking a person (orchestration/cli, dashboards).

A verdict holds from the next run of matching on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ml.core.matching.identities import UnknownId, resolve
from ml.core.matching.verdicts import VerdictRefused
from ml.io.matching import MatchingStore
from ml.io.verdicts import open_verdicts
from workspace.grants import Role
from workspace.keys import Signer
from workspace.links import Event
from workspace.published import find_current
from workspace.settings import Settings
from workspace.users import Users

#: Who may decide about records.
STEWARDS = frozenset({Role.OPERATOR, Role.REVIEWER})
#: What is told of a pair that waits.
WAITING = ("left_record", "right_record", "probability", "evidence")


@dataclass(frozen=True)
class GoldenRecord:
    """One golden record as it stands.

    Attributes:
        golden_id: Its present id.
        records: Its source records: `record_id`, `match_rule`, `match_probability`.
        values: Its golden values as last published; empty before.
    """

    golden_id: str
    records: list[dict[str, Any]]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """Where an id or a record leads.

    Attributes:
        asked: What was asked for.
        golden: The golden records that it leads to now: several after a split.
        changes: Merges and splits on the way, oldest first.
    """

    asked: str
    golden: list[GoldenRecord]
    changes: list[dict[str, Any]]


def look_up(settings: Settings, entity: str, asked: str) -> Found:
    """The golden record behind a golden id of any age, or behind a record `system|code`.

    Raises:
        UnknownId: nothing ever had it.
    """
    store = MatchingStore(settings.paths.matching)
    matched = _with_record_ids(store.read("matched_records", entity))
    changes = store.read("identity_changes", entity).sort("changed_at", "change_id").to_dicts()
    present = set(matched["golden_id"])
    of_record = matched.filter(pl.col("record_id") == asked)["golden_id"].to_list()
    if "|" in asked and not of_record:
        raise UnknownId(f"No {entity} record {asked!r} has been matched. A record is named system|code.")
    history = [{"golden_id": change["golden_id"], "into": tuple(change["into"].split(","))} for change in changes]
    ids = of_record or resolve(asked, present.__contains__, history)
    way = {asked, *ids}
    return Found(
        asked, [_golden(settings, entity, matched, golden_id) for golden_id in ids],
        [change for change in changes if change["golden_id"] in way or way & set(change["into"].split(","))],
    )  # fmt: skip


def _with_record_ids(matched: pl.DataFrame) -> pl.DataFrame:
    return matched.with_columns(record_id=pl.concat_str("source_system", pl.lit("|"), "code"))


def _golden(settings: Settings, entity: str, matched: pl.DataFrame, golden_id: str) -> GoldenRecord:
    records = matched.filter(pl.col("golden_id") == golden_id).sort("record_id")
    return GoldenRecord(
        golden_id, records.select("record_id", "match_rule", "match_probability").to_dicts(),
        _published_values(settings, entity, golden_id),
    )  # fmt: skip


def _published_values(settings: Settings, entity: str, golden_id: str) -> dict[str, Any]:
    snapshot = find_current(settings.paths.published)
    if snapshot is None or f"dim_{entity}s" not in snapshot.tables:
        return {}
    with snapshot.connect() as connection:
        rows = connection.execute(f"select * from dim_{entity}s where {entity}_id = ?", [golden_id]).pl().to_dicts()
    return rows[0] if rows else {}


def queue(settings: Settings, entity: str) -> pl.DataFrame:
    """Pairs that wait for a steward and have no verdict yet, likeliest first.

    Returns:
        `left_record`, `right_record`, `probability`, `evidence`.
    """
    pairs = MatchingStore(settings.paths.matching).read("matched_pairs", entity).filter(pl.col("zone") == "queue")
    if pairs.is_empty():
        return pairs.select(WAITING)
    ledger = open_verdicts(settings)
    try:
        decided = ledger.verdicts(entity).of_pair
    finally:
        ledger.close()
    given = pl.DataFrame(list(decided), schema={"left_record": pl.String, "right_record": pl.String}, orient="row")
    waiting = pairs.with_columns(
        first=pl.min_horizontal("left_record", "right_record"), second=pl.max_horizontal("left_record", "right_record")
    ).join(given, left_on=["first", "second"], right_on=["left_record", "right_record"], how="anti")  # fmt: skip
    ordered = waiting.sort("probability", "left_record", "right_record", descending=[True, False, False])
    return ordered.select(WAITING)


def decide_pair(settings: Settings, entity: str, verdict: str, left: str, right: str, by: Signer, reason: str) -> Event:
    """Enter a steward's verdict on two records `system|code`: `linked`, `apart` or `withdrawn`.

    Raises:
        VerdictRefused: the person is no steward, a record is unknown, or the verdict contradicts others.
    """
    person = Users(settings.home).find(by.name)
    roles = frozenset(person.roles) if person else frozenset()
    if not roles & STEWARDS:
        raise VerdictRefused(
            f"{by.name} may not decide about records: it takes a person with the role "
            f"{' or '.join(sorted(STEWARDS))}, and {by.name} is {', '.join(sorted(roles)) or 'none'}."
        )
    matched = _with_record_ids(MatchingStore(settings.paths.matching).ensure().read("matched_records", entity))
    if absent := {left, right} - set(matched["record_id"]):
        raise VerdictRefused(f"No {entity} record {min(absent)!r} has been matched. A record is named system|code.")
    ledger = open_verdicts(settings)
    try:
        return ledger.give(entity, verdict, left, right, by, reason)
    finally:
        ledger.close()
