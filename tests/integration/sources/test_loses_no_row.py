"""Whatever bytes arrive: landing ends with a verdict, and every record that it read is landed or quarantined."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.shops import HEADER, ORDER_COLUMNS, land_files, landed, make_adapter, quarantined
from workspace.settings import Settings

_CODES = st.sampled_from(
    ["A1", "A2", "A3", "", " ", "订单", 'A"1', "A,1", "A\n1", "A\r\n1", "\ufeff", "\x00", "'; drop table orders"]
)
_TIMES = st.sampled_from(
    ["2026-03-01 10:00:00", "2026-02-30", "", "2026-03-01T10:00:00+08:00", "infinity", "12345678901-01-01"]
)
_AMOUNTS = st.sampled_from(["10.00", "-1", "1,5", "nan", "1e400", "", "10.005", "99999999999999999999"])
_ROWS = st.lists(st.tuples(
    _CODES | st.text(max_size=8), st.text(max_size=3), _TIMES, _TIMES, st.just(""), st.sampled_from(["created", "x",
        ""]),
    _AMOUNTS, _TIMES,
), max_size=12)  # fmt: skip
_FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def _written(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    # Python before 3.13 leaves a bare carriage return unquoted, which no reader could tell from a line's end.
    quoting = csv.QUOTE_ALL if any("\r" in value for row in rows for value in row) else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows([ORDER_COLUMNS, *rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _land(content: bytes) -> tuple[str, int, int, int, int]:
    """Status, rows read, landed and quarantined by the report, and records in the files."""
    with tempfile.TemporaryDirectory() as folder:
        home = Settings(home=Path(folder) / "home", company="acme")
        adapter = make_adapter(Path(folder) / "adapter", files={
            "orders": {"glob": "orders.csv", "columns": ORDER_COLUMNS, "may_be_empty": True}})  # fmt: skip
        report = land_files(home, adapter, Path(folder) / "x", {"orders.csv": content})
        if report.status == "refused":
            assert report.problems
            assert all(p["message"] and p["remedy"] for p in report.problems)
            return "refused", 0, 0, 0, 0
        total = report.tables["orders"].total
        assert (total.landed, total.quarantined) == (len(landed(home, "orders")), len(quarantined(home, "orders")))
        keys = landed(home, "orders", "order_code")
        assert len(set(keys)) == len(keys)
        return (
            report.status,
            total.read,
            total.landed,
            total.quarantined,
            sum(f.rows + f.malformed for f in report.files),
        )


@_FEW
@given(_ROWS)
def test_every_record_of_a_proper_file_is_accounted_for(rows: list[tuple[str, ...]]) -> None:
    encodable = [r for r in rows if all(not 0xD800 <= ord(c) <= 0xDFFF for value in r for c in value)]
    status, read, kept, refused, records = _land(_written(encodable))
    assert status == "landed"
    assert read == kept + refused == records
    assert read == len(encodable)


@_FEW
@given(st.binary(max_size=200))
def test_any_bytes_behind_the_header_get_a_verdict(tail: bytes) -> None:
    status, read, kept, refused, records = _land(HEADER.encode() + b"\n" + tail)
    assert status in ("landed", "refused")
    assert read == kept + refused == records


@_FEW
@given(st.text(alphabet='",\n\rA1 \x00', max_size=60))
def test_any_play_of_quotes_and_line_breaks_gets_a_verdict(tail: str) -> None:
    _, read, kept, refused, records = _land((HEADER + "\n" + tail).encode())
    assert read == kept + refused == records
