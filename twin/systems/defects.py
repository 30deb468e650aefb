"""Errors that systems make, each drawn at its rate and written to the truth.

Belongs here: choosing the rows, spoiling a field, keeping the log. Does not belong here: which system errs how.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.luck import uniform
from twin.parameters import Defects
from twin.systems.frames import repeated

Mask = npt.NDArray[np.bool_]
LOG_SCHEMA = {
    "source_system": pl.String, "table": pl.String, "code": pl.String, "field": pl.String, "defect": pl.String,
    "true_value": pl.String, "written_value": pl.String,
}  # fmt: skip
#: Every kind has a number of its own in the dice, so that switching one off leaves the others where they were.
KINDS = tuple(name for name in Defects.model_fields if name != "scale")


@dataclass
class DefectLog:
    """What was spoiled: one row a defect."""

    seed: int
    rates: Defects
    parts: list[pl.DataFrame] = field(default_factory=list)

    def chosen(self, kind: str, system: str, key: npt.NDArray[np.int64], factor: float = 1.0) -> Mask:
        """Rows that suffer this defect; a row's luck is its own."""
        salt = sum(ord(letter) * 31**place for place, letter in enumerate(system)) % 1_000_003
        luck = uniform(self.seed, "defect", key, KINDS.index(kind), salt)
        return np.asarray(luck < self.rates.rate(kind) * factor)

    def note(
        self, system: str, table: str, code: pl.Series, column: str, kind: str, true: pl.Series, written: pl.Series
    ) -> None:
        """Log defects of one kind: series of equal length."""
        if len(code):
            self.parts.append(pl.DataFrame({
                "source_system": repeated(system, len(code)), "table": repeated(table, len(code)),
                "code": code.cast(pl.String),
                "field": repeated(column, len(code)), "defect": repeated(kind, len(code)),
                "true_value": true.cast(pl.String),
                "written_value": written.cast(pl.String),
            }, schema=LOG_SCHEMA))  # fmt: skip

    def spoil(
        self, frame: pl.DataFrame, mask: Mask, column: str, kind: str, place: tuple[str, str, str],
        change: Callable[[pl.Series], pl.Series],
    ) -> pl.DataFrame:  # fmt: skip
        """Change `column` where `mask` says so and log it; `place` is (system, table, name of the code's column)."""
        index = np.flatnonzero(mask)
        if not len(index):
            return frame
        before = frame[column].gather(index)
        after = change(before).cast(frame.schema[column])
        self.note(place[0], place[1], frame[place[2]].gather(index), column, kind, before, after)
        return frame.with_columns(frame[column].scatter(index, after))

    def frame(self) -> pl.DataFrame:
        """The log so far."""
        return pl.concat(self.parts) if self.parts else pl.DataFrame(schema=LOG_SCHEMA)

    def drain(self) -> pl.DataFrame:
        """The log so far, which starts anew."""
        frame = self.frame()
        self.parts.clear()
        return frame


def mistyped(text: pl.Series) -> pl.Series:
    """Two neighbouring characters change places, as fingers do; the place follows from the text itself."""
    return pl.Series([_swapped(value) for value in text.to_list()], dtype=pl.String)


def _swapped(value: str | None) -> str | None:
    if not value or len(value) < 2:
        return value
    place = 1 + sum(map(ord, value)) % (len(value) - 1) if len(value) > 2 else 1
    left, right = value[place - 1], value[place]
    return (
        value[: place - 1] + right + left + value[place + 1 :] if left != right else value[:place] + value[place - 1 :]
    )
