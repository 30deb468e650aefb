"""Reads a language's texts.

Belongs here: turning the files into something that templates address as `t.page.key`. Does not belong here: texts.
"""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import yaml

from dashboards import formats


class Texts:
    """A branch of the texts: attributes are texts or further branches; an unknown name is an error, never empty."""

    def __init__(self, branch: dict[str, Any], path: str = "") -> None:
        self._branch = branch
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name not in self._branch:
            raise KeyError(f"The texts hold no {self._path}{name}. Add it to dashboards/texts.")
        value = self._branch[name]
        return Texts(value, f"{self._path}{name}.") if isinstance(value, dict) else value

    def get(self, name: str, fallback: Any) -> Any:
        """The text of `name`, else `fallback`: for codes that come with the data, such as a status."""
        return self[name] if name in self._branch else fallback

    def items(self) -> list[tuple[str, Any]]:
        """Names and values of this branch, in the file's order."""
        return [(name, self[name]) for name in self._branch]


class Language(Texts):
    """All texts of one language, and its words for codes that come with the data."""

    def word(self, code: object) -> str:
        """A code in words: as the language's list has it, else `late_delivery` → `late delivery`; a dash for None."""
        return str(self.codes.get(str(code), formats.readable(code)))

    def region(self, code: str, name: str | None) -> str:
        """A region's name as the language has it, else as the reference table has it, else its code."""
        return str(self.regions.get(code, name or code))

    def words(self, codes: Iterable[object]) -> str:
        """Codes as a list in words."""
        return str(self.separator).join(map(self.word, codes))


def load_texts(language: str = "en") -> Language:
    """The texts of one language, from all files of its folder.

    Raises:
        ValueError: two files hold the same branch.
    """
    texts: dict[str, Any] = {}
    folder = files("dashboards").joinpath("texts", language)
    for file in sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda e: e.name):
        branches = yaml.safe_load(file.read_text(encoding="utf-8"))
        if twice := texts.keys() & branches.keys():
            raise ValueError(
                f"Each branch of the texts has one file, and {language}/{file.name} repeats {sorted(twice)}."
            )
        texts |= branches
    return Language(texts)
