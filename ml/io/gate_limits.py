"""Reading the one reviewed file of gate limits.

Belongs here: the file's place and its reading. Does not belong here: what the limits mean (ml/core/gates).
"""

from pathlib import Path

import yaml

from ml.core.gates import Limits

LIMITS_FILE = Path(__file__).resolve().parents[1] / "gates.yaml"


def load_limits(path: Path = LIMITS_FILE) -> Limits:
    """The limits of a file.

    Raises:
        pydantic.ValidationError: a limit is absent, unknown or out of range.
    """
    return Limits(**yaml.safe_load(path.read_text(encoding="utf-8")))
