"""A corpus of extracts as they really arrive: broken, odd or surprising, each with the verdict that landing owes it.

Every case is an extract of the tiny shop in `tests.support.shops`; `orders.csv` unless it says otherwise.
"""

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.shops import HEADER, ORDER_COLUMNS, order, orders_csv


@dataclass(frozen=True)
class Case:
    """One extract and its verdict.

    Attributes:
        files: Name → bytes.
        spec: Changes to how the manifest reads the file.
        refused: Rule for which the whole extract is refused; empty when it lands.
        words: What the message must hold: file, column, line, value, remedy.
        landed: Rows that land.
        reasons: Refused rows by reason.
        warnings: Kept rows by warning.
        lines: `_source_row` of the landed rows, where it is worth a look.
    """

    name: str
    files: Mapping[str, bytes]
    spec: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    words: tuple[str, ...] = ()
    landed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[int, ...] = ()


def _csv(name: str, *lines: str, **verdict: Any) -> Case:
    return Case(name, {"orders.csv": orders_csv(*lines)}, **verdict)


def _bytes(name: str, content: bytes, **verdict: Any) -> Case:
    return Case(name, {"orders.csv": content}, **verdict)


def _parquet() -> bytes:
    sink = io.BytesIO()
    rows = [dict(zip(ORDER_COLUMNS, order(f"P{n}").split(","), strict=True)) for n in range(500)]
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


_PARQUET = {"glob": "orders.parquet", "format": "parquet"}
_JSONL = {"glob": "orders.jsonl", "format": "jsonl"}
_GOOD_JSON = '{"order_code":"J1","customer_code":null,"ordered_at":"2026-03-01 10:00:00","promised_at":null,' \
             '"region":null,"status":"created","total":10.5,"changed":null}'  # fmt: skip
_MANY = [order(f"M{n}") for n in range(3000)]
_WHOLE = orders_csv(order())

FILES = [
    Case("missing_file", {"other.csv": b"x"}, refused="missing_file", words=("orders*.csv", "other.csv",
        "optional: true")),
    _bytes("zero_bytes", b"", refused="empty_file", words=("orders.csv", "0 bytes", "Export it again")),
    _bytes("header_only", orders_csv(), refused="no_rows", words=("orders.csv", "may_be_empty")),
    _bytes("header_only_allowed", orders_csv(), spec={"may_be_empty": True}, landed=0),
    Case("optional_absent", {}, spec={"optional": True}, landed=0),
    _bytes("blank_lines_only", b"\n\n\n", refused="missing_column", words=("order_code",)),
    _bytes("missing_column", _WHOLE.replace(b"ordered_at", b"date"), refused="missing_column",
           words=("orders.csv", "column ordered_at", "date", "manifest")),
    _bytes("renamed_case", _WHOLE.replace(b"ordered_at", b"Ordered_At"), refused="missing_column", words=("ordered_at",
        )),
    _bytes("doubled_column", _WHOLE.replace(b"changed\n", b"changed,Status\n").replace(b",\n", b",,\n"),
           refused="duplicate_column", words=("Status", "Rename")),
    _bytes("semicolons", _WHOLE.replace(b",", b";"), refused="wrong_delimiter", words=("';'", "delimiter",
        "orders.csv, line 1")),
    _bytes("tabs", _WHOLE.replace(b",", b"\t"), refused="wrong_delimiter", words=("'\\t'",)),
    _bytes("tabs_declared", _WHOLE.replace(b",", b"\t"), spec={"delimiter": "\t"}, landed=1),
    _bytes("new_column", b"new," + _WHOLE.replace(b"\nA1", b"\nx,A1"), landed=1),
    _bytes("reordered_columns", b"\n".join(b",".join(line.split(b",")[::-1]) for line in _WHOLE.splitlines()) + b"\n",
        landed=1),
    _bytes("padded_header", _WHOLE.replace(b"order_code,", b" order_code ,", 1), landed=1),
    _bytes("nameless_column", b"\n".join(line + b"," for line in _WHOLE.split(b"\n")[:-1]) + b"\n", landed=1),
    Case("part_file", {"orders.csv.part": _WHOLE}, refused="still_being_written", words=("orders.csv.part",
        "name says so")),
    Case("part_beside", {"orders.csv": _WHOLE, "orders.csv.tmp": b"x"}, refused="still_being_written",
        words=("orders.csv.tmp",)),
    Case("lock_beside", {"orders.csv": _WHOLE, "orders.csv.lock": b""}, refused="still_being_written",
        words=("orders.csv.lock",)),
    Case("incomplete_marker", {"orders.csv": _WHOLE, "_INCOMPLETE": b""}, refused="still_being_written",
        words=("_INCOMPLETE",)),
    Case("same_key_in_two_files", {"orders_1.csv": orders_csv(order()),
        "orders_2.csv": orders_csv(order(total="11.00"))},
         landed=1, reasons={"duplicate_conflicting": 1}),
    Case("two_headers_in_two_files", {"orders_1.csv": orders_csv(order("A1")), "orders_2.csv":
         b"\n".join(b",".join(line.split(b",")[::-1]) for line in orders_csv(order("A2")).splitlines()) + b"\n"},
             landed=2),
]  # fmt: skip

ENCODINGS = [
    _bytes("bom", b"\xef\xbb\xbf" + _WHOLE, landed=1),
    _bytes("utf16_undeclared", _WHOLE.decode().encode("utf-16"), refused="wrong_encoding", words=("utf-16",
        "encoding: utf-16")),
    _bytes("utf16_declared", _WHOLE.decode().encode("utf-16"), spec={"encoding": "utf-16"}, landed=1),
    _bytes("gbk_undeclared", orders_csv(order("订单一号")).decode().encode("gbk"), refused="wrong_encoding",
           words=("orders.csv, line 2", "encoding: gb18030", "b6 a9")),
    _bytes("gbk_declared", orders_csv(order("订单一号")).decode().encode("gbk"), spec={"encoding": "gbk"}, landed=1),
    _bytes("latin1_undeclared", orders_csv(order("caf\xe9")).decode().encode("latin-1"), refused="wrong_encoding",
           words=("line 2", "e9", "cp1252")),
    _bytes("latin1_late", orders_csv(*_MANY, order("caf\xe9")).decode().encode("latin-1"), refused="wrong_encoding",
           words=("line 3002",)),
    _bytes("cut_inside_a_character", orders_csv(order("李"))[: len(HEADER) + 3], refused="truncated_file",
        words=("utf-8",)),
    _bytes("windows_line_ends", _WHOLE.replace(b"\n", b"\r\n"), landed=1, lines=(2,)),
    _bytes("old_mac_line_ends", orders_csv(order("A1"), order("A2")).replace(b"\n", b"\r"), landed=2, lines=(2, 3)),
    _bytes("mixed_line_ends", (HEADER + "\r\n" + order("A1") + "\n" + order("A2") + "\r\n").encode(), landed=2,
        lines=(2, 3)),
    _bytes("no_final_line_end", _WHOLE.rstrip(b"\n"), landed=1),
    _csv("nul_byte", order("A\x001"), order("A2"), landed=1, reasons={"malformed:nul_byte": 1}, lines=(3,)),
    _bytes("emoji_and_han", orders_csv(order("📦李")), landed=1),
    Case("gzip", {"orders.csv.gz": gzip.compress(_WHOLE)}, spec={"glob": "orders.csv.gz"}, landed=1),
    Case("gzip_truncated", {"orders.csv.gz": gzip.compress(orders_csv(*_MANY))[:-20]}, spec={"glob": "orders.csv.gz"},
         refused="truncated_file", words=("orders.csv.gz", "gzip", "again")),
    Case("gzip_that_is_none", {"orders.csv.gz": _WHOLE}, spec={"glob": "orders.csv.gz"}, refused="truncated_file"),
]  # fmt: skip

RECORDS = [
    _csv("quoted_comma", order('"A,1"'), landed=1),
    _csv("doubled_quote", order('"A""1"'), landed=1),
    _csv("line_break_in_field", order('"A\n1"'), order("A2"), landed=2, lines=(2, 4)),
    _csv("blank_lines_between", order("A1"), "", "", order("A2"), landed=2, lines=(2, 5)),
    _csv("too_many_fields", order("A1"), order("A2") + ",x", order("A3"), landed=2,
         reasons={"malformed:too_many_fields": 1}, lines=(2, 4)),
    _csv("too_few_fields", order("A1"), "A2,x", order("A3"), landed=2, reasons={"malformed:too_few_fields": 1}),
    _csv("stray_quote", order('"A"1"'), order("A2"), landed=1, reasons={"malformed:stray_quote": 1}, lines=(3,)),
    _csv("inch_mark", order('5" pipe'), landed=1),
    _csv("open_quote", order("A1"), order('"A2'), order("A3"), refused="truncated_file",
         words=("orders.csv, line 3", "never closed", "A2")),
    _csv("footer", order("A1"), "total: 1 row", landed=1, reasons={"malformed:too_few_fields": 1}),
    _csv("repeated_header", order("A1"), HEADER, order("A2"), landed=2,
         reasons={"type:ordered_at": 1, "type:promised_at": 1, "enum:status": 1, "type:total_amount": 1,
             "type:updated_at": 1}),
    _bytes("cut_in_the_last_line", orders_csv(*_MANY)[:-30], landed=2999, reasons={"malformed:too_few_fields": 1}),
    Case("jsonl", {"orders.jsonl": (_GOOD_JSON + "\n").encode()}, spec=_JSONL, landed=1, lines=(1,)),
    Case("jsonl_bom_and_blank_lines",
        {"orders.jsonl": b"\xef\xbb\xbf" + (_GOOD_JSON + "\r\n\n" + _GOOD_JSON.replace("J1", "J2")).encode()},
         spec=_JSONL, landed=2, lines=(1, 3)),
    Case("jsonl_broken", {"orders.jsonl": f'{_GOOD_JSON}\n{{"order_code": \n[1]\n'.encode()}, spec=_JSONL, landed=1,
         reasons={"malformed:json": 1, "malformed:not_an_object": 1}),
    Case("jsonl_lacks_key", {"orders.jsonl": b'{"order_code": "J1"}\n'}, spec=_JSONL, refused="missing_column",
         words=("ordered_at", "orders.jsonl")),
    Case("jsonl_empty", {"orders.jsonl": b"\n"}, spec=_JSONL, refused="no_rows"),
    Case("parquet", {"orders.parquet": _parquet()}, spec=_PARQUET, landed=500),
    Case("parquet_truncated", {"orders.parquet": _parquet()[:-50]}, spec=_PARQUET, refused="truncated_file",
         words=("orders.parquet", "Parquet", "again")),
    Case("parquet_half_written", {"orders.parquet": _parquet()[: 2000]}, spec=_PARQUET, refused="truncated_file"),
    Case("parquet_that_is_none", {"orders.parquet": _WHOLE}, spec=_PARQUET, refused="truncated_file"),
    Case("sqlite_that_is_none", {"erp.sqlite": _WHOLE}, spec={"glob": "erp.sqlite", "format": "sqlite",
        "table": "orders"},
         refused="truncated_file", words=("erp.sqlite", "SQLite")),
]  # fmt: skip

VALUES = [
    _csv("good", order(), landed=1, lines=(2,)),
    _csv("no_code", order(""), landed=0, reasons={"required:order_code": 1}),
    _csv("blank_code", order("   "), landed=0, reasons={"required:order_code": 1}),
    _csv("no_time", order(ordered_at=""), landed=0, reasons={"required:ordered_at": 1}),
    _csv("ten_digit_year", order(ordered_at="1234567890-01-01"), landed=0, reasons={"type:ordered_at": 1}),
    _csv("impossible_day", order(ordered_at="2026-02-30 10:00:00"), landed=0, reasons={"type:ordered_at": 1}),
    _csv("excel_serial", order(ordered_at="46082.4"), landed=0, reasons={"type:ordered_at": 1}),
    _csv("german_date", order(ordered_at="01.03.2026 10:00"), landed=0, reasons={"type:ordered_at": 1}),
    _csv("impossible_time_order", order(promised_at="2026-02-01 10:00:00"), landed=0,
         reasons={"rule:promised_not_before_ordered": 1}),
    _csv("currency_mark", order(total="R$ 10.00"), landed=0, reasons={"type:total_amount": 1}),
    _csv("decimal_comma", order(total='"10,00"'), landed=0, reasons={"type:total_amount": 1}),
    _csv("negative_amount", order(total="-1"), landed=0, reasons={"range:total_amount": 1}),
    _csv("too_many_decimals", order(total="10.005"), landed=1, warnings={"rounded:total_amount": 1}),
    _csv("not_a_number", order(total="nan"), landed=0, reasons={"type:total_amount": 1}),
    _csv("unknown_status", order(status="paid"), landed=0, reasons={"enum:status": 1}),
    _csv("excel_eaten_code", order("1.23E+12"), landed=1),
    _csv("leading_zeros", order("00017"), landed=1),
    _csv("unknown_customer", order(customer_code="K1"), landed=1, warnings={"unknown_code:customer_code": 1}),
    _csv("several_reasons", order("", ordered_at="soon", total="-1"), landed=0,
         reasons={"required:order_code": 1, "type:ordered_at": 1, "range:total_amount": 1}),
    _csv("same_row_twice", order(), order(), landed=1, reasons={"duplicate_identical": 1}, lines=(3,)),
    _csv("same_key_other_values", order(total="1"), order(total="2"), landed=1, reasons={"duplicate_conflicting": 1},
        lines=(3,)),
    _csv("same_key_older", order(changed="2026-03-02 00:00:00"), order(total="2", changed="2026-03-01 00:00:00"),
        landed=1,
         reasons={"duplicate_superseded": 1}, lines=(2,)),
    _csv("three_of_a_kind", order(total="1"), order(total="2"), order(total="1"), landed=1,
         reasons={"duplicate_conflicting": 1, "duplicate_identical": 1}, lines=(4,)),
    _csv("broken_row_does_not_displace_a_good_one", order(total="1"), order(total="x"), landed=1,
         reasons={"type:total_amount": 1}, lines=(2,)),
]  # fmt: skip

CASES = [*FILES, *ENCODINGS, *RECORDS, *VALUES]
