"""A corpus of attacks on promotion, each with the words by which it is refused or found.

`ASKED` are demands that break a rule: refused, and kept in the ledger's stream `refusals`. `BY_HAND` changes what is
stored behind the ledger's back: found by the watch over the champion, and kept in the stream `alarms`. `BY_REQUEST`
are requests to the console: refused, and kept in the log of access.
"""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from ml.core.gates import Limits
from ml.core.lifecycle import CONFIRMED, TRAINING_ACTOR, State
from ml.io.stores import ModelStores
from ml.jobs import desk
from tests.support.console_people import Browser
from tests.support.people import signer
from workspace.files import canonical_json
from workspace.keys import Signer, new_signer
from workspace.ledger import open_ledger
from workspace.links import hash_of, header_of
from workspace.settings import Settings

MODEL = "late-delivery-risk"
REASON = "read the report, and every gate passed"
SCRIPT = "<script>alert(document.cookie)</script> read the report"


@dataclass(frozen=True)
class Scene:
    """A company whose version 1 is champion and whose version 2 was made, and proposed by grace."""

    settings: Settings
    stores: ModelStores
    limits: Limits

    def person(self, name: str) -> Signer:
        return signer(self.settings.home, name)

    @property
    def dossier(self) -> str:
        """What version 2 stands by."""
        return self.stores.promotions.history(MODEL).version("2").dossier or ""

    def approve(self, actor: Signer | str, version: str = "2", **how: Any) -> None:
        desk.approve(self.stores, MODEL, version, actor, how.pop("reason", REASON), self.limits, **how)

    def promote(self, actor: Signer | str, version: str = "2") -> None:
        desk.promote(self.stores, MODEL, version, actor, REASON)

    def move(self, to: State | str, actor: Signer | str, version: str = "2", **payload: str) -> None:
        self.stores.promotions.move(MODEL, version, to, actor, REASON, payload)

    def execute(self, statement: str) -> None:
        """Change the ledger by hand."""
        with create_engine(self.settings.paths.ledger_url(self.settings), poolclass=NullPool).begin() as connection:
            connection.execute(text(statement))

    def rows(self) -> list[dict[str, Any]]:
        with create_engine(self.settings.paths.ledger_url(self.settings), poolclass=NullPool).begin() as connection:
            found = connection.execute(text("select * from ledger_events order by sequence"))
            return [dict(row) for row in found.mappings()]

    def put(self, rows: list[dict[str, Any]], key: Signer) -> None:
        """Write events by hand, chained and signed as well as a key that is not theirs can."""
        with create_engine(self.settings.paths.ledger_url(self.settings), poolclass=NullPool).begin() as connection:
            for row in rows:
                row["public"] = key.public
                row["hash"] = hash_of(header_of(row))
                row["signature"] = key.sign(row["hash"].encode())
                names = ", ".join(row)
                places = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"insert or replace into ledger_events ({names}) values ({places})"), row)

    def forge(self, kind: str, actor: str, **payload: str) -> None:
        """Add an event in another's name, signed with ada's key."""
        last = self.rows()[-1]
        forged = {**last, "sequence": last["sequence"] + 1, "stream": "promotions", "previous_hash": last["hash"],
                  "kind": kind, "actor": actor, "subject": f"{MODEL}/2", "at": datetime.now(UTC).isoformat(),
                  "payload": canonical_json(payload)}  # fmt: skip
        self.put([forged], self.person("ada"))


@dataclass(frozen=True)
class Attack:
    """What is done, and words of the answer."""

    name: str
    run: Callable[[Scene], object]
    answer: str


def _later(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


def _edited_dossier(scene: Scene) -> str:
    """A dossier that says better things, stored under its own digest."""
    found = scene.stores.promotions.dossier(scene.dossier)
    return scene.stores.promotions.save_dossier({**found, "metrics": {}, "verdict": "pass"})


def _expired(scene: Scene) -> None:
    scene.move(State.APPROVED, scene.person("wang.li"), dossier=scene.dossier, expires_at=_later(seconds=-1))
    scene.promote(scene.person("grace"))


def _changed_after_approval(scene: Scene) -> None:
    scene.approve(scene.person("wang.li"))
    scene.move(State.PROPOSED, scene.person("grace"), dossier=_edited_dossier(scene))
    scene.promote(scene.person("grace"))


def _swap_files(scene: Scene) -> None:
    for stored in scene.settings.paths.mlflow.rglob("model.skops"):
        stored.write_bytes(stored.read_bytes() + b"\0")


def _promote_swapped_files(scene: Scene) -> None:
    scene.approve(scene.person("wang.li"))
    _swap_files(scene)
    scene.promote(scene.person("grace"))


def _dossier_file(scene: Scene, version: str) -> Any:
    digest = scene.stores.promotions.history(MODEL).version(version).dossier
    return scene.settings.paths.reports / "dossiers" / f"{digest}.json"


def _edit_dossier(scene: Scene, version: str) -> None:
    path = _dossier_file(scene, version)
    path.write_text(path.read_text().replace('"pass"', '"fail"', 1))


def _approve_edited_dossier(scene: Scene) -> None:
    _edit_dossier(scene, "2")
    scene.approve(scene.person("wang.li"))


def _confirm_own_rollback(scene: Scene) -> None:
    scene.approve(scene.person("wang.li"))
    scene.promote(scene.person("grace"))
    desk.roll_back(scene.stores, MODEL, scene.person("grace"), REASON, scene.limits)
    desk.confirm(scene.stores, MODEL, "2", scene.person("grace"), REASON)


ASKED = (
    Attack("self-approval", lambda s: s.approve(s.person("grace")), "must not be who made or proposed it"),
    Attack("approval by the gates again", lambda s: s.approve("system:gates"), "A program may approve only"),
    Attack("approval by an invented program", lambda s: s.approve("system:deploy"), "A program may approve only"),
    Attack("an engineer approves", lambda s: s.approve(s.person("ada")), "takes a person with the role reviewer"),
    Attack("an admin approves", lambda s: s.approve(s.person("sun.hao")), "takes a person with the role reviewer"),
    Attack("a viewer rejects", lambda s: desk.reject(s.stores, MODEL, "2", s.person("liu.fang"), REASON),
           "takes a person with the role reviewer"),
    Attack("an operator promotes", lambda s: s.promote(s.person("chen.yu")), "takes a person with the role"),
    Attack("a name without its key", lambda s: s.approve("wang.li"), "takes the signature of wang.li"),
    Attack("another's name with one's own key", lambda s: s.approve(s.person("ada").acting_as("wang.li")),
           "signed with a key that wang.li did not hold"),
    Attack("a key of one's own making", lambda s: s.approve(new_signer("wang.li")), "did not hold"),
    Attack("a name with a system prefix and a person's key", lambda s: s.approve(s.person("ada").acting_as("system:x")),
           "did not hold"),
    Attack("nobody approves", lambda s: s.approve(""), "needs an actor"),
    Attack("promotion without approval", lambda s: s.promote(s.person("grace")), "from approved, shadow only"),
    Attack("expired approval", _expired, "expired"),
    Attack("dossier replaced after approval", _changed_after_approval, "from approved, shadow only"),
    Attack("approval of a better dossier", lambda s: s.approve(s.person("wang.li"), dossier=_edited_dossier(s)),
           "Read the dossier anew"),
    Attack("approval of a dossier written past the desk",
           lambda s: s.move(State.APPROVED, s.person("wang.li"), dossier=_edited_dossier(s), expires_at=_later(days=1)),
           "stands by dossier"),
    Attack("approval for ever", lambda s: s.move(State.APPROVED, s.person("wang.li"), dossier=s.dossier),
           "must state when it expires"),
    Attack("a condition without an end",
           lambda s: s.move(State.APPROVED, s.person("wang.li"), dossier=s.dossier, expires_at=_later(days=1),
                            condition="watch the south"), "by when"),
    Attack("files swapped before promotion", _promote_swapped_files, "The files of late-delivery-risk/2 have digest"),
    Attack("dossier edited before approval", _approve_edited_dossier, "was changed after it was signed"),
    Attack("path in a dossier's name",
           lambda s: desk.propose(s.stores, MODEL, "2", s.person("grace"), REASON, "../../../users"),
           "There is no dossier"),
    Attack("path in a version", lambda s: s.approve(s.person("wang.li"), version="../../1"), "has not been proposed"),
    Attack("no reason", lambda s: s.approve(s.person("wang.li"), reason=" \n"), "needs a reason"),
    Attack("a version registered over another", lambda s: s.move(State.REGISTERED, TRAINING_ACTOR, version="1"),
           "can become registered from nothing"),
    Attack("the champion approved again", lambda s: s.approve(s.person("wang.li"), version="1"),
           "can become approved from proposed only"),
    Attack("rollback of the first champion",
           lambda s: desk.roll_back(s.stores, MODEL, s.person("wang.li"), REASON, s.limits), "no champion before"),
    Attack("own rollback confirmed", _confirm_own_rollback, "grace"),
    Attack("confirming nothing", lambda s: s.move(CONFIRMED, s.person("wang.li")), "Nothing about"),
)  # fmt: skip


def _reorder(scene: Scene) -> None:
    for was, becomes in ((2, -1), (3, 2), (-1, 3)):
        scene.execute(f"update ledger_events set sequence = {becomes} where sequence = {was}")


def _replay(scene: Scene) -> None:
    rows = scene.rows()
    copy = {**next(row for row in rows if row["kind"] == "champion"), "sequence": rows[-1]["sequence"] + 1,
            "previous_hash": rows[-1]["hash"]}  # fmt: skip
    names = ", ".join(copy)
    with create_engine(scene.settings.paths.ledger_url(scene.settings), poolclass=NullPool).begin() as connection:
        places = ", ".join(f":{name}" for name in copy)
        connection.execute(text(f"insert into ledger_events ({names}) values ({places})"), copy)


def _rewrite(scene: Scene) -> None:
    """The whole chain again, with another author, consistent in itself, and signed with a key of the attacker's."""
    rows, previous, key = scene.rows(), "0" * 64, new_signer("mallory")
    scene.execute("delete from ledger_events")
    for row in rows:
        row["previous_hash"] = previous
        if row["kind"] == "proposed":
            row["actor"] = "wang.li"
        scene.put([row], key)
        previous = row["hash"]


def _replace_head(scene: Scene) -> None:
    head = scene.settings.paths.ledger_head
    head.write_text(json.dumps({**json.loads(head.read_text()), "sequence": 1}))


def _alias(scene: Scene, version: str) -> None:
    scene.stores.client.set_registered_model_alias(MODEL, "champion", version)


BY_HAND = (
    Attack("event edited",
           lambda s: s.execute("update ledger_events set actor = 'wang.li' where sequence = 2"), "event 2 was changed"),
    Attack("reason edited",
           lambda s: s.execute("update ledger_events set reason = 'x' where sequence = 3"), "event 3 was changed"),
    Attack("event deleted",
           lambda s: s.execute("delete from ledger_events where sequence = 2"), "event 3 expected event 2"),
    Attack("newest event cut off",
           lambda s: s.execute("delete from ledger_events where sequence = (select max(sequence) from ledger_events)"),
           "cut off"),
    Attack("events reordered", _reorder, "event 2 does not follow the event before it"),
    Attack("event replayed", _replay, "was changed"),
    Attack("signature swapped",
           lambda s: s.execute("update ledger_events set signature = (select signature from ledger_events "
                               "where sequence = 1) where sequence = 4"), "event 4 does not carry the signature"),
    Attack("chain written anew with another key", _rewrite, "did not hold"),
    Attack("a reviewer's approval forged",
           lambda s: s.forge("approved", "wang.li", dossier=s.dossier, expires_at=_later(days=9)),
           "signed with a key that wang.li did not hold"),
    Attack("a program's approval forged", lambda s: s.forge("approved", "system:gates", dossier=s.dossier),
           "signed with a key that system:gates did not hold"),
    Attack("a promotion under one's own name",
           lambda s: s.forge("champion", "ada", dossier=s.dossier), "from approved, shadow only"),
    Attack("kept head removed", lambda s: s.settings.paths.ledger_head.unlink(), "is gone"),
    Attack("kept head replaced", _replace_head, "is not the event that was the newest"),
    Attack("alias moved", lambda s: _alias(s, "2"), "alias champion points at 2, the ledger says 1"),
    Attack("alias removed", lambda s: s.stores.client.delete_registered_model_alias(MODEL, "champion"),
           "alias champion points at none"),
    Attack("champion's files swapped", _swap_files, "its dossier says"),
    Attack("champion's dossier edited", lambda s: _edit_dossier(s, "1"), "was changed after it was signed"),
    Attack("champion's dossier removed", lambda s: _dossier_file(s, "1").unlink(), "There is no dossier"),
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request of somebody who is signed in, and how it is answered. `rule` is what the log calls it."""

    name: str
    run: Callable[[Browser, str, str], Any]
    status: int
    rule: str


def _decision(dossier: str, **changes: str) -> dict[str, str]:
    return {"decision": "approve", "dossier": dossier, "reason": REASON, **changes}


def _token(browser: Browser, case: str) -> str:
    return browser.token(browser.get(case).text, case)


def _stolen_token(browser: Browser, case: str, dossier: str) -> Any:
    """The token of a reviewer's form, sent from the session of somebody else."""
    stolen = _token(browser, case)
    browser.client.cookies.clear()
    browser.sign_in("zhao.min")
    return browser.post(case, _decision(dossier, form_token=stolen))


def _used_token(browser: Browser, case: str, dossier: str) -> Any:
    token = _token(browser, case)
    browser.post(case, _decision("0" * 64, form_token=token))
    return browser.post(case, _decision(dossier, form_token=token))


def _as_another(name: str) -> Callable[[Browser, str, str], Any]:
    def run(browser: Browser, case: str, dossier: str) -> Any:
        browser.client.cookies.clear()
        browser.sign_in(name)
        token = browser.token(browser.get("/desk").text, "/sign-out")
        return browser.post(case, _decision(dossier, form_token=token))

    return run


BY_REQUEST = (
    Request("form without a token", lambda b, case, dossier: b.post(case, _decision(dossier)), 403, "form_token"),
    Request("form with a token made up",
            lambda b, case, dossier: b.post(case, _decision(dossier, form_token="a" * 40)), 403, "form_token"),
    Request("form token stolen from another", _stolen_token, 403, "role"),
    Request("form token used twice", _used_token, 403, "form_token"),
    Request("form of another site",
            lambda b, case, dossier: b.post(case, _decision(dossier, form_token=_token(b, case)),
                                            Origin="https://evil.example"), 403, "origin"),
    Request("role escalation by an engineer", _as_another("zhao.min"), 403, "role"),
    Request("role escalation by an admin", _as_another("sun.hao"), 403, "role"),
    Request("a dossier that was replaced",
            lambda b, case, dossier: b.post(case, _decision("0" * 64, form_token=_token(b, case))), 409, "decision"),
    Request("script as a dossier",
            lambda b, case, dossier: b.post(case, _decision("<script>alert(1)</script>", form_token=_token(b, case))),
            409, "decision"),
)  # fmt: skip


def refusals(settings: Settings, stream: str) -> list[str]:
    """What a stream of the ledger keeps, as text."""
    with closing(open_ledger(settings)) as ledger:
        return [event.reason for event in ledger.events(stream=stream)]
