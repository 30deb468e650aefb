"""Reads a language's texts.

Belongs here: turning the file into something that templates address as `t.page.key`. Does not belong here: texts.
"""

from importlib.resources import files
from typing import Any

import yaml


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


def load_texts(language: str = "en") -> Texts:
    """The texts of one language."""
    source = files("dashboards").joinpath("texts", f"{language}.yaml")
    return Texts(yaml.safe_load(source.read_text(encoding="utf-8")))
