"""Accounts for tests, made once a process and copied: a sealed key takes a tenth of a second to make."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from workspace.grants import Role
from workspace.keys import Signer
from workspace.users import Users

PASSWORD = "correct horse battery staple"
#: Name → roles. Sun Hao adds the others; Wang Li and Grace review; Zhao Min and Ada make models.
ROLES = {
    "sun.hao": {Role.ADMIN},
    "wang.li": {Role.REVIEWER},
    "zhao.min": {Role.ML_ENGINEER},
    "chen.yu": {Role.OPERATOR},
    "liu.fang": {Role.VIEWER},
    "ada": {Role.ML_ENGINEER},
    "grace": {Role.REVIEWER, Role.ML_ENGINEER},
}


def add_people(home: Path) -> Users:
    """Give a home the accounts of `ROLES`; returns its user store."""
    made = _made()
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(made / "users.jsonl", home / "users.jsonl")
    shutil.copytree(made / "signing-keys", home / "signing-keys", dirs_exist_ok=True)
    return Users(home)


def signer(home: Path, name: str) -> Signer:
    """The opened key of one of them; opened once a process, since every home gets copies of the same keys."""
    kept = (name, (home / "users.jsonl").read_bytes(), (home / "signing-keys" / f"{name}.json").read_bytes())
    if kept not in _opened:
        users = Users(home)
        assert users.verify(name, PASSWORD), name
        _opened[kept] = users.signer(name)
    return _opened[kept]


_opened: dict[tuple[str, bytes, bytes], Signer] = {}


@cache
def _made() -> Path:
    home = Path(tempfile.mkdtemp(prefix="oi-people-"))
    open_accounts(home)
    return home


def open_accounts(home: Path) -> None:
    """Open the accounts of `ROLES` one by one, in a home whose keys stay as they are."""
    users = Users(home)
    users.add("sun.hao", ROLES["sun.hao"], PASSWORD)
    assert users.verify("sun.hao", PASSWORD)
    admin = users.signer("sun.hao")
    for name, roles in ROLES.items():
        if name != "sun.hao":
            users.add(name, roles, PASSWORD, admin)
