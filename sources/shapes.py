"""Change of shape: how an extract's columns differ from those that last landed and from those that the adapter reads.

Belongs here: the comparison, its verdicts, and the change that each suggests. Does not belong here: looking at rows
(raw), refusing an extract (readers), and changes of the contract itself (contract_versions).

Verdicts: `compatible` (nothing that is read changed), `needs_decision` (a likely rename, a retyped column, or a missing
one that feeds only optional columns), `breaking` (a missing one that feeds a required column of the contract).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from sources.contract_versions import Change, asked_version
from sources.contracts import load_contract
from sources.manifest import Adapter
from sources.origins import origins_of
from sources.plan import referenced_inputs
from sources.record import LandingReport, SeenColumn, SeenFile, ShapeChange, Verdict

_WORST_FIRST = ("breaking", "needs_decision", "compatible")
#: Names that are this alike (difflib's ratio) make a rename likely among several new columns of like values.
_LIKE_NAMES = 0.6


def changes_of_shape(
    adapter: Adapter, files: Sequence[SeenFile], history: Sequence[LandingReport]
) -> tuple[ShapeChange, ...]:
    """Compare every input's columns with those of its last landing and with what the adapter reads.

    Args:
        adapter: The adapter.
        files: Columns of what the extract brings, as far as it could be read.
        history: Earlier landings of the company, oldest first.

    Returns:
        The differences, worst first. An input that never landed before can only lack columns.
    """
    changes: list[ShapeChange] = []
    for asked in _inputs(adapter):
        now = [f for f in files if f.input == asked.logical and f.columns]
        if now:
            changes += _Comparison(adapter, asked, now, _last_columns(adapter, asked.logical, history)).changes()
    return tuple(sorted(changes, key=lambda c: _WORST_FIRST.index(c.verdict)))


@dataclass(frozen=True)
class _Input:
    """What the adapter asks of one input, and where its manifest says so."""

    logical: str
    columns: tuple[str, ...]
    optional_columns: tuple[str, ...]
    place: str


def _inputs(adapter: Adapter) -> list[_Input]:
    """Inputs of the adapter: files, and tables or resources that dlt fetches."""
    manifest = adapter.manifest
    files = [_Input(n, f.columns, f.optional_columns, f"files.{n}.columns") for n, f in manifest.files.items()]
    fetched = [
        _Input(logical, source.columns.get(logical, ()), (), f"dlt.{name}.columns.{logical}")
        for name, source in manifest.dlt.items()
        for logical in source.resources
    ]
    return files + fetched


@dataclass(frozen=True)
class _Comparison:
    """One input: its files now, and its columns before (empty: it never landed)."""

    adapter: Adapter
    asked: _Input
    files: Sequence[SeenFile]
    before: Mapping[str, SeenColumn]

    def changes(self) -> list[ShapeChange]:
        read, now = (*self.asked.columns, *self.asked.optional_columns), merge_seen(self.files)
        found, renamed = [], set()
        for column in dict.fromkeys([*read, *self.before]):
            lacking = next((f for f in self.files if column not in f.columns), None)
            if lacking and column in self.asked.columns:
                new = self._likely_new_name(column, lacking)
                renamed.add(new)
                found.append(self._renamed(column, new, lacking.name) if new else self._missing(column, lacking.name))
            elif lacking and column in self.before and column not in now:
                found.append(self._gone(column, lacking.name))
            elif column in self.before and column in now and _is_retyped(self.before[column], now[column]):
                found.append(self._retyped(column, now[column], column in read))
        fresh = [c for c in now if self.before and c not in self.before and c not in renamed]
        return found + [self._new(c) for c in fresh]

    def _likely_new_name(self, column: str, file: SeenFile) -> str:
        """The new column that most likely is the missing one; empty if none is."""
        known, seen = {*self.asked.columns, *self.asked.optional_columns, *self.before}, self.before.get(column)
        alike = [c for c in file.columns if c not in known and (seen is None or _is_alike(seen, file.columns[c]))]
        best = max(alike, key=lambda c: _name_likeness(c, column), default="")
        is_only_one = seen is not None and seen.type != "empty" and len(alike) == 1
        return best if best and (is_only_one or _name_likeness(best, column) >= _LIKE_NAMES) else ""

    def _renamed(self, column: str, new: str, file: str) -> ShapeChange:
        selects = ", ".join(f"{table}.sql" for table in sorted({t for t, _ in self._fed(column)}))
        return self._change(
            "needs_decision", "renamed_column", file, column,
            f"It is missing, and the new column {new!r} has values of the same kind or a like name.",
            "Ask the source whether it was renamed; nothing lands until that is decided.",
            f"in manifest.yaml, {self.asked.place}: {column} → {new}"
            + (f"; in {selects}: read {new} in place of {column}" if selects else ""),
        )  # fmt: skip

    def _missing(self, column: str, file: str) -> ShapeChange:
        fed = self._fed(column)
        required = [(t, c) for t, c in fed if load_contract()[t].column(c).required]
        if not required:
            told = (
                f"it feeds only optional columns ({_joined(fed)})" if fed else "no column of the contract comes from it"
            )
            return self._change(
                "needs_decision", "missing_column", file, column, f"It is missing; {told}.",
                "Have it exported again, or decide to land without it.",
                f"in manifest.yaml, take {column} out of {self.asked.place}{self._where_instead()}",
            )  # fmt: skip
        return self._change(
            "breaking", "missing_column", file, column,
            f"It is missing, and required columns of the contract come from it: {_joined(required)}.",
            "Have it exported again.", self._other_source(required),
        )  # fmt: skip

    def _where_instead(self) -> str:
        return f" and into files.{self.asked.logical}.optional_columns" if self.asked.place.startswith("files.") else ""

    def _other_source(self, required: Sequence[tuple[str, str]]) -> str:
        table, column = required[0]
        asked = load_contract()[table]
        told = f"fill {_joined(required)} from another column in the SQL"
        if column in asked.key:
            return f"{told}; a key cannot become optional"
        version = asked_version(asked.version, [Change("minor", "no longer required")])
        return (
            f"{told}; or, for all adapters, `required: false` for {column} in contract/{table}.odcs.yaml as {version}"
        )

    def _gone(self, column: str, file: str) -> ShapeChange:
        is_read = column in self.asked.optional_columns
        told = "it is optional, and null in these rows" if is_read else "the adapter does not ask for it"
        return self._change("compatible", "missing_column", file, column, f"It no longer comes; {told}.",
                            "Nothing has to be done.")  # fmt: skip

    def _retyped(self, column: str, seen: SeenColumn, is_read: bool) -> ShapeChange:
        told = f"It held values of type {self.before[column].type} and now holds {seen.type}"
        file = next(f.name for f in self.files if column in f.columns)
        if not is_read:
            return self._change("compatible", "retyped_column", file, column,
                                f"{told}; the adapter does not ask for it.", "Nothing has to be done.")  # fmt: skip
        fed = self._fed(column)
        types = ", ".join(f"{t}.{c} ({load_contract()[t].column(c).type})" for t, c in fed)
        return self._change(
            "needs_decision", "retyped_column", file, column, f"{told}.",
            "Look at its values and at what was quarantined; ask the source whether their meaning changed.",
            f"convert it in the SQL so that it still fills {types}" if fed else "",
        )  # fmt: skip

    def _new(self, column: str) -> ShapeChange:
        file = next(f.name for f in self.files if column in f.columns)
        contract = load_contract()
        tables = [t for t in self._readers() if column in {c.name for c in contract[t].columns}]
        return self._change(
            "compatible", "new_column", file, column, "It is new, and nothing asks for it.", "Nothing has to be done.",
            f"the contract has a column of this name: see whether {tables[0]}.sql should fill it" if tables else "",
        )  # fmt: skip

    def _change(
        self, verdict: Verdict, kind: str, file: str, column: str, message: str, remedy: str, suggestion: str = ""
    ) -> ShapeChange:  # fmt: skip
        return ShapeChange(verdict, kind, self.asked.logical, file, column, message, remedy, suggestion)

    def _readers(self) -> list[str]:
        inputs = [asked.logical for asked in _inputs(self.adapter)]
        return [
            t
            for t, sql in self.adapter.sql.items()
            if self.asked.logical in referenced_inputs(self.adapter, t, sql, inputs)
        ]

    def _fed(self, column: str) -> list[tuple[str, str]]:
        """Columns of the contract that come from a column of this input: (table, column)."""
        fed = []
        for table in self._readers():
            names = [c.name for c in load_contract()[table].columns]
            origins = origins_of(self.adapter.sql[table], names)
            fed += [(table, name) for name in names if column.casefold() in origins[name]]
        return fed


def columns_by_input(files: Sequence[SeenFile]) -> dict[str, dict[str, SeenColumn]]:
    """Logical name → its columns over all its files."""
    return {name: merge_seen([f for f in files if f.input == name]) for name in dict.fromkeys(f.input for f in files)}


def merge_seen(files: Sequence[SeenFile]) -> dict[str, SeenColumn]:
    """One view of the columns of several files; types that differ make text, `empty` gives way to any."""
    merged: dict[str, SeenColumn] = {}
    for file in files:
        for name, seen in file.columns.items():
            earlier = merged.get(name)
            if earlier is None or earlier.type == "empty":
                merged[name] = seen
            elif seen.type not in ("empty", earlier.type):
                numeric = {seen.type, earlier.type} == {"integer", "number"}
                merged[name] = SeenColumn("number" if numeric else "text", earlier.form)
    return merged


def _last_columns(adapter: Adapter, logical: str, history: Sequence[LandingReport]) -> Mapping[str, SeenColumn]:
    for report in reversed(history):
        if report.status == "landed" and report.adapter == adapter.name and logical in report.columns:
            return report.columns[logical]
    return {}


def _kind(seen: SeenColumn) -> str:
    return "number" if seen.type == "integer" else seen.type


def _is_retyped(before: SeenColumn, now: SeenColumn) -> bool:
    return "empty" not in (before.type, now.type) and _kind(before) != _kind(now)


def _is_alike(before: SeenColumn, now: SeenColumn) -> bool:
    if "empty" in (before.type, now.type):
        return True
    return _kind(before) == _kind(now) and (before.type != "text" or before.form == now.form)


def _name_likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def _joined(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{table}.{column}" for table, column in columns)
