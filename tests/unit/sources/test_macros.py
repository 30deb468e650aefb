"""The macros that adapters call give the value, or the text as it was."""

import duckdb
import pytest

from sources.manifest import MACROS


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("set TimeZone = 'UTC'")
    made.execute(MACROS.read_text("utf-8"))
    return made


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("to_utc('2026-03-01 09:15:00', 'Asia/Shanghai')", "2026-03-01 01:15:00"),
        ("to_utc('2026-07-01 09:15:00', 'Europe/Berlin')", "2026-07-01 07:15:00"),
        ("to_utc('2026-03-29 02:30:00', 'Europe/Berlin')", "2026-03-29 02:30:00 (does not exist in Europe/Berlin)"),
        ("to_utc('2026-10-25 02:30:00', 'Europe/Berlin')", "2026-10-25 01:30:00"),
        ("to_utc('2026-03-01T09:15:00+08:00', 'Europe/Berlin')", "2026-03-01T09:15:00+08:00"),
        ("to_utc('2026-03-01', 'Asia/Shanghai')", "2026-02-28 16:00:00"),
        ("to_utc('2026-03-29 02:30', 'Europe/Berlin')", "2026-03-29 02:30 (does not exist in Europe/Berlin)"),
        ("to_utc('2026-03-01 09:15:00.25', 'Asia/Shanghai')", "2026-03-01 01:15:00.25"),
        ("to_utc('2026-03-01 09:15+08', 'Europe/Berlin')", "2026-03-01 09:15+08"),  # as long as a plain one
        ("to_utc('infinity', 'Asia/Shanghai')", "infinity"),
        ("to_utc('294247-01-10 04:00:54', 'America/Lima')", "294247-01-10 04:00:54"),
        ("to_utc('290309-12-22 (BC) 00:00:00', 'Asia/Shanghai')", "290309-12-22 (BC) 00:00:00"),
        ("to_utc('soon', 'Asia/Shanghai')", "soon"),
        ("to_utc(null, 'Asia/Shanghai')", None),
        ("iso_time('31.12.2026 10:00', '%d.%m.%Y %H:%M')", "2026-12-31 10:00:00"),
        ("iso_time('2026', '%d.%m.%Y')", "2026"),
        ("iso_time_from_epoch('1700000000')", "2023-11-14 22:13:20"),
        ("iso_time_from_epoch('never')", "never"),
        ("iso_time_from_epoch('1e300')", "1e300"),
        ("iso_time_from_epoch('nan')", "nan"),
        ("iso_time_from_epoch(null)", None),
        ("decimal_comma('1.249,90')", "1249.90"),
        ("decimal_comma('12,5')", "12.5"),
        ("decimal_comma('-7')", "-7"),
        ("decimal_comma('R$ 3,00')", "R$ 3,00"),
        ("decimal_comma('1,2,3')", "1,2,3"),
        ("clean('  a b\t')", "a b"),
        ("clean(chr(12288) || '李')", "李"),
        ("clean('  ')", None),
        ("clean('A-1 b')", "A-1 b"),
        ("clean('A' || chr(160))", "A"),
        ("clean(E'A\\nB\\n')", "A\nB"),
        ("fold(' São Paulo ')", "sao paulo"),
    ],
)
def test_a_macro_gives_the_value_or_what_it_was_given(
    connection: duckdb.DuckDBPyConnection, call: str, value: str | None
) -> None:
    assert connection.execute(f"select {call}").fetchone() == (value,)
