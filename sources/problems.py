"""What is wrong with an extract as a whole, said so that a person can repair it.

Belongs here: the problem of a file and the refusal that carries all of them. Does not belong here: the reasons for
which single rows are quarantined (checks).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sources.record import SeenFile


@dataclass(frozen=True)
class Problem:
    """One reason why a file, and with it the extract, is refused.

    Attributes:
        rule: Short name of the rule that is broken, such as `missing_column`.
        file: File or pattern, relative to the extract.
        message: What was expected and what was met.
        remedy: What to do about it.
        column: Column concerned, if any.
        line: Physical line, from 1, if known.
        value: The value met, if any.
    """

    rule: str
    file: str
    message: str
    remedy: str
    column: str = ""
    line: int | None = None
    value: str = ""

    def __str__(self) -> str:
        place = self.file + (f", line {self.line}" if self.line else "")
        about = f" (column {self.column})" if self.column else ""
        met = f" Met: {self.value!r}." if self.value else ""
        return f"{place}{about}: [{self.rule}] {self.message}{met} {self.remedy}"

    def as_json(self) -> dict[str, Any]:
        """The problem as a JSON object."""
        return asdict(self)


class ExtractRefused(Exception):
    """The extract cannot be trusted as it lies there; nothing of it lands.

    Attributes:
        problems: Why.
        seen: Columns of the files that could be read all the same, so that a change can be told.
    """

    def __init__(self, problems: list[Problem], seen: Sequence[SeenFile] = ()) -> None:
        self.problems, self.seen = problems, tuple(seen)
        super().__init__("\n".join(map(str, problems)))
