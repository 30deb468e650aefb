"""Ed25519 keys: made, sealed under a password, opened, checked.

Belongs here: keys and their sealed form. Does not belong here: whose key it is (`workspace.users`), what is signed
(`workspace.ledger`).

A person's key is sealed by Argon2id of their password, so that a copy of the disk signs nothing. The platform's own key
has nobody to type a password; its file is readable by its owner alone.

OpenSSL makes and seals keys and signs. libsodium checks signatures, in half of OpenSSL's time, which is nearly all of
what verifying a long ledger takes.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

SALT_BYTES = 16


class KeyNotOpened(RuntimeError):
    """A sealed key does not open: another password sealed it, or it is no key."""


@dataclass(frozen=True)
class Signer:
    """Somebody with an opened key. `public` is the key's public half in hex, 64 characters."""

    name: str
    key: Ed25519PrivateKey
    public: str

    def sign(self, message: bytes) -> str:
        """The signature of a message in hex, 128 characters."""
        return self.key.sign(message).hex()

    def acting_as(self, name: str) -> "Signer":
        """The same key under another name: one key of the platform signs for all its programs."""
        return Signer(name, self.key, self.public)


def new_signer(name: str) -> Signer:
    """A signer with a key that nobody has seen before."""
    return _signer(name, Ed25519PrivateKey.generate())


def is_signed(public: str, signature: str, message: bytes) -> bool:
    """Whether `signature` is of `message` by the key whose public half is `public`; false for what is not hex."""
    try:
        _public_key(public).verify(message, bytes.fromhex(signature))
    except (BadSignatureError, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _public_key(public: str) -> VerifyKey:
    return VerifyKey(bytes.fromhex(public))


def are_signed(signed: Sequence[tuple[str, str, bytes]]) -> list[bool]:
    """`is_signed` of many (public half, signature, message)."""
    return [is_signed(*one) for one in signed]


def sealed(signer: Signer, password: str | None = None) -> str:
    """A key as text: the salt in hex, a line feed, the key as PEM; sealed if a password is given."""
    salt = os.urandom(SALT_BYTES)
    seal: KeySerializationEncryption = NoEncryption()
    if password is not None:
        seal = BestAvailableEncryption(_stretched(password, salt))
    return f"{salt.hex()}\n{signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, seal).decode()}"


def opened(name: str, key: str, password: str | None = None) -> Signer:
    """The signer of a sealed key.

    Raises:
        KeyNotOpened: another password sealed it, or it is damaged.
    """
    salt, _, pem = key.partition("\n")
    try:
        secret = None if password is None else _stretched(password, bytes.fromhex(salt))
        found = load_pem_private_key(pem.encode(), secret)
    except (ValueError, TypeError) as error:
        raise KeyNotOpened(f"The key of {name} does not open with this password; sign in anew.") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyNotOpened(f"What is kept as the key of {name} is no Ed25519 key; restore it from a copy.")
    return _signer(name, found)


def write_secret(path: Path, content: str) -> None:
    """Write a file that only its owner reads (mode 0600), replacing one that is there in one stroke."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    waiting = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    waiting.replace(path)


def _signer(name: str, key: Ed25519PrivateKey) -> Signer:
    return Signer(name, key, key.public_key().public_bytes_raw().hex())


def _stretched(password: str, salt: bytes) -> bytes:
    """The password made expensive to guess: Argon2id, second recommended option of RFC 9106 (64 MiB, 3 passes)."""
    return hash_secret_raw(password.encode(), salt, time_cost=3, memory_cost=65536, parallelism=4, hash_len=32,
                           type=Type.ID).hex().encode()  # fmt: skip
