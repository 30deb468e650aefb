"""Tables that somebody wants matched, and pairs of their record ids, read from files.

Belongs here: CSV, TSV and Parquet into text columns. Does not belong here: which column is which (ml/core/matching).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

#: Usual names of the column that says whether a pair is the same product; its values for yes and for no.
LABELS = ("label", "same", "match", "is_match", "is_same", "gold", "verdict", "clerical_match_score")
#: How the two id columns of a file with more columns are told: by these ends, on a name that says id or code.
SIDES = (("_l", "_r"), ("_left", "_right"), ("_1", "_2"), ("_a", "_b"), ("1", "2"))
#: Or by these beginnings.
FRONTS = (("l_", "r_"), ("left_", "right_"), ("ltable_", "rtable_"), ("source_", "target_"))
YES, NO = frozenset({"1", "1.0", "true", "t", "yes", "y", "same", "match", "linked"}), frozenset(
    {"0", "0.0", "false", "f", "no", "n", "other", "apart", "non-match"}
)  # fmt: skip
#: A line may hold a text of a megabyte or more.
LONGEST_LINE = 50_000_000
#: Share of ideographs among a text's signs beyond ASCII from which on it is Chinese, and a run that no accident makes.
CHINESE_SHARE = 0.5
_RUN = re.compile(r"[\u4e00-\u9fff]{2}")
_READERS = {
    ".parquet": "read_parquet(?)",
    **dict.fromkeys(
        (".csv", ".tsv", ".txt"),
        f"read_csv(?, all_varchar = true, header = true, strict_mode = false, null_padding = true, "
        f"max_line_size = {LONGEST_LINE}, buffer_size = {2 * LONGEST_LINE})",
    ),
}


class UnreadableTable(ValueError):
    """A file cannot be read as a table, or lacks what is needed of it."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of record ids.

    Attributes:
        left, right: Ids.
        same: Whether they are the same; None where the file lists only true pairs.
    """

    left: pl.Series
    right: pl.Series
    same: pl.Series | None

    @property
    def true(self) -> list[tuple[str, str]]:
        """Those that are the same."""
        every = list(zip(self.left.to_list(), self.right.to_list(), strict=True))
        return every if self.same is None else [pair for pair, same in zip(every, self.same, strict=True) if same]


def read_table(path: Path) -> pl.DataFrame:
    """All columns of a file as text.

    Raises:
        UnreadableTable: absent, of an unknown kind, or not what its name says.
    """
    if not path.is_file():
        raise UnreadableTable(f"There is no file {path}. Name a {', '.join(_READERS)} file.")
    if path.suffix.lower() not in _READERS:
        raise UnreadableTable(f"A table is read from {', '.join(_READERS)}; got {path.name}. Convert it.")
    with duckdb.connect() as connection, TemporaryDirectory() as scratch:
        source = path if path.suffix.lower() == ".parquet" else _in_utf8(path, Path(scratch))
        try:
            found = connection.execute(f"select * from {_READERS[path.suffix.lower()]}", [str(source)]).pl()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise UnreadableTable(f"{path.name} cannot be read as a table: {reason}. Mend or convert it.") from error
    return found.select(_as_text(found[column]) for column in found.columns)


def _as_text(values: pl.Series) -> pl.Series:
    """Values as text; whole numbers that a file keeps as floating ones, because some are missing, without `.0`."""
    if values.dtype.is_float() and (values.drop_nulls() % 1 == 0).all():
        values = values.cast(pl.Int64, strict=False)
    return values.cast(pl.String, strict=False)


def _in_utf8(path: Path, scratch: Path) -> Path:
    """The file, or a copy where it is not in UTF-8: from GB 18030 if that reads as Chinese, else from Windows-1252."""
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        copy = scratch / path.name
        copy.write_text(_decoded(content), encoding="utf-8", newline="")
        return copy
    return path


def _decoded(content: bytes) -> str:
    try:
        chinese = content.decode("gb18030")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
    exotic = [sign for sign in chinese if not sign.isascii()]
    is_chinese = sum("\u4e00" <= sign <= "\u9fff" for sign in exotic) > CHINESE_SHARE * len(exotic)
    # Two Latin letters with accents in a row read as one rare ideograph: words of one ideograph are no Chinese.
    return chinese if is_chinese and _RUN.search(chinese) else content.decode("cp1252", errors="replace")


def _id_columns(columns: list[str]) -> list[str]:
    """Columns of ids, first two: those that are named alike but for their side, where a file has more than two."""
    plain = {column.strip().lower(): column for column in columns}
    named_alike = [
        (name, stem + right)
        for left, right in SIDES for name in plain if name.endswith(left) for stem in (name.removesuffix(left),)
    ] + [
        (name, right + stem)
        for left, right in FRONTS for name in plain if name.startswith(left) for stem in (name.removeprefix(left),)
    ]  # fmt: skip
    for one, other in named_alike if len(columns) > 2 else ():
        if other in plain and re.search(r"id|code|key|rec", one):
            return [plain[one], plain[other]]
    return columns


def read_pairs(path: Path) -> Pairs:
    """Pairs of record ids: two columns (the first two, or `unique_id_l` and `unique_id_r`), perhaps one of labels.

    Raises:
        UnreadableTable: there are no two columns of ids, or a label is neither yes nor no.
    """
    table = read_table(path)
    labels = [column for column in table.columns if column.strip().lower() in LABELS]
    ids = _id_columns([column for column in table.columns if column not in labels])
    if len(ids) < 2:
        raise UnreadableTable(f"Pairs are two columns of record ids; {path.name} has {', '.join(table.columns)}.")
    pairs = table.drop_nulls(ids[:2])
    if not labels:
        return Pairs(pairs[ids[0]], pairs[ids[1]], None)
    label = pairs[labels[0]].str.to_lowercase().str.strip_chars()
    if odd := set(label.to_list()) - YES - NO:
        raise UnreadableTable(f"A label is 1 or 0; {path.name} has {sorted(map(str, odd))[:3]}. Correct them.")
    return Pairs(pairs[ids[0]], pairs[ids[1]], label.is_in(list(YES)))
