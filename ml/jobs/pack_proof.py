"""Checks the ledger excerpt of an evidence pack. Lies in every pack as `verify.py` and needs Python alone.

Belongs here: recomputing hashes and, where the package `cryptography` is installed, signatures. Nothing of the platform
is imported, so that whoever doubts the platform can check its pack.

Usage: python verify.py [ledger.json]
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

BODY = ("kind", "subject", "actor", "reason", "payload")
HEADER = ("sequence", "stream", "at", "public", "previous_hash", "body_sha256")


def digest(values: list[Any]) -> str:
    """SHA-256 of a JSON list."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def problems(excerpt: dict[str, Any]) -> list[str]:
    """What does not hold in an excerpt: its events, their places in the chain, the chain up to its head, signatures."""
    links = {link["sequence"]: link for link in excerpt["links"]}
    found = [
        f"event {event['sequence']} is not what the chain holds at its place"
        for event in excerpt["events"]
        if event["sequence"] not in links
        or digest([event[name] for name in BODY]) != links[event["sequence"]]["body_sha256"]
    ]
    previous = excerpt["links"][0]["previous_hash"]
    for link in excerpt["links"]:
        if link["previous_hash"] != previous:
            found.append(f"link {link['sequence']} does not follow the one before it")
        if digest([link[name] for name in HEADER]) != link["hash"]:
            found.append(f"link {link['sequence']} was changed")
        previous = link["hash"]
    if previous != excerpt["head"]["hash"]:
        found.append("the chain does not end at the stated head")
    return found + signature_problems(excerpt["links"])


def signature_problems(links: list[dict[str, Any]]) -> list[str]:
    """Links that are not signed with the key that they name; unknown without `cryptography`."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        print("Signatures were not checked: install the package cryptography for that.", file=sys.stderr)
        return []
    found = []
    for link in links:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(link["public"]))
        try:
            key.verify(bytes.fromhex(link["signature"]), link["hash"].encode())
        except InvalidSignature:
            found.append(f"link {link['sequence']} is not signed with the key that it names")
    return found


def main() -> int:
    """Print what does not hold; 0 when all does."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("ledger.json")
    excerpt = json.loads(path.read_text(encoding="utf-8"))
    found = problems(excerpt)
    for problem in found:
        print(problem)
    if not found:
        print(f"{len(excerpt['events'])} events hold, by {len(excerpt['links'])} links up to {excerpt['head']['hash']}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
