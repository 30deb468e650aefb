"""Text files made readable: gzip and foreign encodings streamed to UTF-8, with what is wrong said by line.

Belongs here: bytes to UTF-8 text, counting lines, naming a wrong encoding. Does not belong here: records (csvfiles,
readers).
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sources.inputs import InputFile
from sources.problems import ExtractRefused, Problem

_CHUNK = 1 << 20
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A UTF-8 file that stands for an input.

    Attributes:
        path: The input itself, or its UTF-8 copy in the scratch folder.
        lines: Physical lines.
        is_odd: It holds NUL bytes or bare carriage returns, which only the careful reader takes.
    """

    path: Path
    lines: int
    is_odd: bool


def prepare_text(file: InputFile, scratch: Path) -> Text:
    """Check a text file in one pass, and copy it as UTF-8 where it is compressed or encoded otherwise.

    Raises:
        ExtractRefused: the gzip stream ends early, or bytes do not fit the encoding.
    """
    encoding = codecs.lookup(file.spec.encoding).name
    _refuse_foreign_mark(file, encoding)
    is_copied = encoding not in ("utf-8", "ascii", "utf-8-sig") or file.path.suffix == ".gz"
    target = scratch / f"{file.sha256}.txt" if is_copied else file.path
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, is_odd, last = 0, False, b"\n"
    sink = target.open("wb") if is_copied else None
    try:
        for chunk in _chunks(file):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise ExtractRefused([_wrong_encoding(file, encoding, chunk, error, lines)]) from error
            data = text.encode("utf-8") if is_copied else chunk
            lines += data.count(b"\n")
            is_odd = is_odd or b"\0" in data or data.count(b"\r") != data.count(b"\r\n") + data.endswith(b"\r")
            last = data[-1:] or last
            if sink:
                sink.write(data)
        _finish(decoder, file, encoding, lines)
    finally:
        if sink:
            sink.close()
    return Text(target, lines + (last != b"\n"), is_odd)


def _chunks(file: InputFile) -> Iterator[bytes]:
    if file.path.suffix != ".gz":
        with file.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
        return
    try:
        with gzip.open(file.path, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        problem = Problem(
            "truncated_file", file.name, f"The gzip stream cannot be read to its end: {error}.",
            "Copy or compress the file again.",
        )  # fmt: skip
        raise ExtractRefused([problem]) from error


def _finish(decoder: codecs.IncrementalDecoder, file: InputFile, encoding: str, lines: int) -> None:
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        problem = Problem(
            "truncated_file", file.name, f"The file ends in the middle of a {encoding} character.",
            "Copy the file again.", line=lines + 1,
        )  # fmt: skip
        raise ExtractRefused([problem]) from error


def _refuse_foreign_mark(file: InputFile, encoding: str) -> None:
    head = next(_chunks(file), b"")[:4]
    for mark, name in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark) and not encoding.startswith(name):
            problem = Problem(
                "wrong_encoding", file.name,
                f"The manifest says {encoding}, but the file opens with the mark of {name}.",
                f"Set `encoding: {name}` for {file.logical!r}, or export it as UTF-8.", line=1, value=head.hex(" "),
            )  # fmt: skip
            raise ExtractRefused([problem])


def _wrong_encoding(
    file: InputFile, encoding: str, chunk: bytes, error: UnicodeDecodeError, lines: int
) -> Problem:  # fmt: skip
    # An incremental decoder may have kept bytes of the chunk before, so the place is found by the bytes themselves.
    bad = error.object[error.start : error.start + 4]
    line = lines + 1 + error.object[: error.start].count(b"\n")
    return Problem(
        "wrong_encoding", file.name, f"Bytes that are not {encoding}.",
        f"Set `encoding: {_likely_encoding(chunk)}` for {file.logical!r} if that is what the source writes, "
        f"or export it as UTF-8.",
        line=line, value=bad.hex(" "),
    )  # fmt: skip


def _likely_encoding(chunk: bytes) -> str:
    try:
        text = chunk[: len(chunk) - len(chunk) % 2].decode("gb18030")
    except UnicodeDecodeError:
        return "cp1252"
    han = sum("一" <= character <= "鿿" for character in text)
    foreign = sum(character > "\x7f" for character in text)
    return "gb18030" if foreign and han / foreign > 0.8 else "cp1252"
