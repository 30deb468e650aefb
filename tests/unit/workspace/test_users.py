"""Accounts: who may change them, what opens a key, and what a change by hand gains."""

import json
import stat
from pathlib import Path

import pytest

from tests.support.people import PASSWORD, add_people, signer
from workspace.grants import Role, UsersTampered
from workspace.keys import is_signed, new_signer
from workspace.users import UserRefused, Users


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return add_people(tmp_path)


def test_the_first_account_must_be_an_admins(tmp_path: Path) -> None:
    users = Users(tmp_path)
    assert users.is_empty()
    with pytest.raises(UserRefused, match="first account must be an admin's"):
        users.add("ada", {Role.OPERATOR}, PASSWORD)
    users.add("ada", {Role.ADMIN}, PASSWORD)
    with pytest.raises(UserRefused, match="changed by an admin"):
        users.add("bob", {Role.ADMIN}, PASSWORD)
    assert list(users.accounts()) == ["ada"]


def test_a_password_finds_its_person_and_opens_their_key(users: Users) -> None:
    assert users.verify("wang.li", "guessed password") is None
    assert users.verify("nobody.here", PASSWORD) is None
    with pytest.raises(UserRefused, match="sign in"):
        users.signer("wang.li")
    person = users.verify("wang.li", PASSWORD)
    assert person is not None
    assert person.roles == {Role.REVIEWER}
    own = users.signer("wang.li")
    assert is_signed(users.accounts()["wang.li"].public, own.sign(b"yes"), b"yes")
    assert not is_signed(users.accounts()["wang.li"].public, own.sign(b"yes"), b"no")


def test_secrets_are_readable_by_their_owner_only(users: Users, tmp_path: Path) -> None:
    users.service()
    files = list((tmp_path / "signing-keys").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "ENCRYPTED" in json.loads((tmp_path / "signing-keys" / "ada.json").read_text())["key"]


def test_a_changed_password_hash_opens_nothing(users: Users, tmp_path: Path) -> None:
    mine = json.loads((tmp_path / "signing-keys" / "liu.fang.json").read_text())
    path = tmp_path / "signing-keys" / "wang.li.json"
    theirs = json.loads(path.read_text())
    path.write_text(json.dumps({**theirs, "password_hash": mine["password_hash"]}))
    users.change_password("liu.fang", PASSWORD, "the password of liu fang")
    path.write_text(json.dumps({**theirs, "password_hash": json.loads(
        (tmp_path / "signing-keys" / "liu.fang.json").read_text())["password_hash"]}))  # fmt: skip
    assert users.verify("wang.li", "the password of liu fang") is None
    own = json.loads((tmp_path / "signing-keys" / "liu.fang.json").read_text())
    path.write_text(json.dumps(own))
    assert users.verify("wang.li", "the password of liu fang") is None, "another person's key is not theirs"


def test_a_change_of_password_keeps_the_key_and_changes_the_stamp(users: Users) -> None:
    before, public = users.find("ada"), users.accounts()["ada"].public
    users.verify("ada", PASSWORD)
    other = Users(users._journal.parent)
    other.change_password("ada", PASSWORD, "a whole new password")
    after = users.find("ada")
    assert before is not None
    assert after is not None
    assert before.stamp != after.stamp
    assert users.accounts()["ada"].public == public
    with pytest.raises(UserRefused):
        users.signer("ada")
    assert users.verify("ada", PASSWORD) is None
    with pytest.raises(UserRefused, match="another one"):
        users.change_password("ada", PASSWORD, "a whole new password")


def test_a_reset_gives_another_key_and_a_closed_account_none(users: Users, tmp_path: Path) -> None:
    admin, public = signer(tmp_path, "sun.hao"), users.accounts()["ada"].public
    users.reset("ada", "a whole new password", admin)
    assert users.accounts()["ada"].public != public
    users.disable("ada", admin)
    assert users.find("ada") is None
    assert users.verify("ada", "a whole new password") is None
    assert not (tmp_path / "signing-keys" / "ada.json").exists()
    users.add("ada", {Role.VIEWER}, PASSWORD, admin)
    person = users.verify("ada", PASSWORD)
    assert person is not None
    assert person.roles == {Role.VIEWER}


def test_what_held_then_is_remembered(users: Users, tmp_path: Path) -> None:
    given = users.grants()[-1].at
    users.set_roles("grace", {Role.VIEWER}, signer(tmp_path, "sun.hao"))
    identities = users.identities()
    assert Role.REVIEWER in identities.roles_at("grace", given)
    assert identities.roles_at("grace", users.grants()[-1].at) == {Role.VIEWER}
    assert identities.roles_at("grace", "2001-01-01T00:00:00+00:00") == frozenset()


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda users, by: users.set_roles("ada", {Role.ADMIN}, by("ada")), "ada is none"),
        (lambda users, by: users.add("eve", {Role.VIEWER}, PASSWORD, by("wang.li")), "wang.li is none"),
        (lambda users, by: users.add("ada", {Role.VIEWER}, PASSWORD, by("sun.hao")), "has an account already"),
        (lambda users, by: users.add("../eve", {Role.VIEWER}, PASSWORD, by("sun.hao")), "A name is"),
        (lambda users, by: users.add("system:gates", {Role.VIEWER}, PASSWORD, by("sun.hao")), "A name is"),
        (lambda users, by: users.add("eve", {Role.VIEWER}, "too short", by("sun.hao")), "12 to 1024"),
        (lambda users, by: users.disable("eve", by("sun.hao")), "no open account"),
        (lambda users, by: users.disable("sun.hao", by("sun.hao")), "last admin"),
        (lambda users, by: users.set_roles("sun.hao", {Role.REVIEWER}, by("sun.hao")), "last admin"),
        (lambda users, by: users.disable("ada", new_signer("sun.hao")), "not signed with the key of sun.hao"),
    ],
)
def test_a_change_that_may_not_be_is_refused(users: Users, tmp_path: Path, attempt, message) -> None:
    before = users.grants()
    with pytest.raises(UserRefused, match=message):
        attempt(users, lambda name: signer(tmp_path, name))
    assert users.grants() == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [line.replace('"viewer"', '"admin"') for line in lines],
        lambda lines: lines[1:],
        lambda lines: lines[:2] + lines[3:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines, "nonsense"],
        lambda lines: [*lines, lines[-1].replace('"name":"grace"', '"name":"mallory"')],
    ],
)
def test_a_journal_changed_by_hand_is_refused_whole(users: Users, tmp_path: Path, edit) -> None:
    path = tmp_path / "users.jsonl"
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    with pytest.raises(UsersTampered, match=r"(R|r)estore the file"):
        users.find("grace")
