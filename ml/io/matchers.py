"""Matchers that people taught, kept for the company.

Belongs here: writing and reading one. Does not belong here: teaching (ml/jobs/products).

    matching/matchers/product.skops     the classifier, opened only if it holds nothing but known types
    matching/matchers/product.json      what it reads and learnt from
"""

import json
from pathlib import Path

import skops.io

from ml.core.matching.products.matcher import TRUSTED_TYPES, Matcher
from workspace.files import canonical_json, sha256_of_file, write_atomically


class MatcherRefused(RuntimeError):
    """A stored matcher is not the one that was written."""


def save_matcher(root: Path, entity: str, matcher: Matcher) -> Path:
    """Write a taught matcher below the company's matching folder; returns its file."""
    path = root / "matchers" / f"{entity}.skops"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(skops.io.dumps(matcher.estimator))
    temporary.replace(path)
    facts = {"names": list(matcher.names), "taught_by": matcher.taught_by, "count_same": matcher.count_same,
             "count_other": matcher.count_other, "sha256": sha256_of_file(path)}  # fmt: skip
    write_atomically(path.with_suffix(".json"), canonical_json(facts))
    return path


def load_matcher(root: Path, entity: str) -> Matcher | None:
    """The matcher that people taught; None where nobody did.

    Raises:
        MatcherRefused: the file was changed, or holds types that a matcher does not.
    """
    path = root / "matchers" / f"{entity}.skops"
    if not path.exists():
        return None
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    if sha256_of_file(path) != facts["sha256"]:
        raise MatcherRefused(f"{path} is not the file that was written. Teach anew: oi match train.")
    if foreign := set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES):
        raise MatcherRefused(f"{path} holds {', '.join(sorted(foreign))}, which no matcher does. Teach anew.")
    estimator = skops.io.load(path, trusted=list(TRUSTED_TYPES))
    return Matcher(estimator, tuple(facts["names"]), facts["taught_by"], facts["count_same"], facts["count_other"])
