"""Every language of the console says everything that the first one says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.languages import LANGUAGES
from dashboards.texts.loader import load_texts

FIRST, *OTHERS = LANGUAGES
#: Lists of what a language knows beyond the codes themselves; they may differ.
FREE = ("codes", "regions")


def texts_of(language: str) -> dict[str, str]:
    """Path of every text → text."""
    return dict(walk(load_texts(language)._branch, ""))


def walk(branch: Any, path: str) -> Iterator[tuple[str, str]]:
    """Paths and texts below a branch."""
    entries = branch.items() if isinstance(branch, dict) else enumerate(branch)
    for name, value in entries:
        at = f"{path}.{name}" if path else str(name)
        if at in FREE:
            continue
        if isinstance(value, dict | list):
            yield from walk(value, at)
        else:
            yield at, str(value)


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_text_and_no_other(language: str) -> None:
    first, other = texts_of(FIRST), texts_of(language)
    missing, unknown = sorted(first.keys() - other.keys()), sorted(other.keys() - first.keys())
    assert not missing, f"dashboards/texts/{language} lacks {missing}; translate what dashboards/texts/{FIRST} says"
    assert not unknown, f"dashboards/texts/{language} holds {unknown}, which dashboards/texts/{FIRST} does not"


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_fills_in_the_same_names(language: str) -> None:
    first, other = texts_of(FIRST), texts_of(language)
    named = {path: set(re.findall(r"{(\w+)}", text)) for path, text in first.items()}
    differing = [path for path, names in named.items() if set(re.findall(r"{(\w+)}", other[path])) != names]
    assert not differing, f"In dashboards/texts/{language}, {differing} name other values than in {FIRST}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_repeats_no_sentence_of_the_first(language: str) -> None:
    first, other = texts_of(FIRST), texts_of(language)
    same = [path for path, text in first.items() if " " in text.strip() and other[path] == text]
    assert not [path for path in same if not path.endswith("_command")], f"{same} are not translated"
