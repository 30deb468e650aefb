"""Databases and REST APIs, fetched by dlt into the scratch folder and shown like files.

Belongs here: running dlt's sources as the manifest configures them, offline from everything but the source itself.
Does not belong here: files (readers), and what the rows mean (the adapter's SQL).
"""

from collections.abc import Mapping
from pathlib import Path

from sources.manifest import Manifest
from sources.raw import RawTables
from sources.record import LandedFile


def load_remote(
    raw: RawTables, manifest: Manifest, extract: Path, scratch: Path, secrets: Mapping[str, str]
) -> dict[str, LandedFile]:  # fmt: skip
    """Fetch every `dlt` source of the manifest into raw tables."""
    return {}
