"""Databases and REST APIs through dlt: a real SQLite file and a real HTTP server on loopback."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sources.landing import land
from sources.remote import child_environment
from tests.support.shops import landed, make_adapter, quarantined
from workspace.settings import Settings

CUSTOMERS_SQL = """
select 'erp' as source_system, id as customer_code, name as full_name, created as created_at, _source_file, _source_row
from {}
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    extract = tmp_path / "extract"
    extract.mkdir()
    with closing(sqlite3.connect(extract / "erp.sqlite")) as connection:
        connection.execute("create table people (id integer, name text, created datetime)")
        connection.executemany(
            "insert into people values (?, ?, ?)",
            [(7, "Ada", "2026-01-01 10:00:00"), (8, "李雷", "not a date"), (9, None, None)],
        )
        connection.commit()
    return extract


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = 200 if self.headers["Authorization"] == "Bearer s3cret" else 401
        page = 2 if "page=2" in self.path else 1
        items = [{"id": f"{page}-{n}", "name": "Zoë", "created": "2026-01-01T10:00:00+08:00"} for n in range(2)]
        if page == 2:
            items[1]["id"] = 17  # type: ignore[assignment]  # APIs do change their minds about types
        body = json.dumps({"items": items if status == 200 else [], "pages": 2}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def _sql_source(url: str, table: str = "people") -> dict[str, object]:
    return {
        "erp": {"kind": "sql_database", "url": url, "tables": {"people": table}, "columns": {"people": ["id", "name"]}}
    }


def test_database_rows_land_like_files(settings: Settings, database: Path, tmp_path: Path) -> None:
    adapter = make_adapter(
        tmp_path / "adapter", {"customers": CUSTOMERS_SQL.format("people")}, files={},
        tables={"customers": {"from": "people"}}, dlt=_sql_source("sqlite:///{extract}/erp.sqlite"),
    )  # fmt: skip
    report = land(settings, adapter, database, settle_seconds=0)
    assert report.status == "landed", report.problems
    assert landed(settings, "customers",
        "customer_code, full_name, created_at::varchar, _source_file, _source_row") == [
        ("7", "Ada", "2026-01-01 10:00:00", "dlt:erp/people", 1), ("9", None, None, "dlt:erp/people", 3),
    ]  # fmt: skip
    assert quarantined(settings, "customers") == [(["type:created_at"], "dlt:erp/people", 2)]
    assert land(settings, adapter, database, settle_seconds=0).status == "already_landed"


def test_a_database_whose_columns_change_is_told_like_a_file(
    settings: Settings, database: Path, tmp_path: Path
) -> None:
    adapter = make_adapter(
        tmp_path / "adapter", {"customers": CUSTOMERS_SQL.format("people")}, files={},
        tables={"customers": {"from": "people"}}, dlt=_sql_source("sqlite:///{extract}/erp.sqlite"),
    )  # fmt: skip
    assert land(settings, adapter, database, settle_seconds=0).changes == ()
    with closing(sqlite3.connect(database / "erp.sqlite")) as connection:
        connection.execute("alter table people add column vip integer")
        connection.execute("insert into people values (10, 'Bo', '2026-01-02 10:00:00', 1)")
        connection.commit()
    found = land(settings, adapter, database, settle_seconds=0)
    assert [(c.verdict, c.kind, c.input, c.column) for c in found.changes] == [
        ("compatible", "new_column", "people", "vip")
    ]
    with closing(sqlite3.connect(database / "erp.sqlite")) as connection:
        connection.execute("alter table people rename column name to full_name")
        connection.commit()
    refused = land(settings, adapter, database, settle_seconds=0)
    assert refused.status == "refused"
    change = refused.changes[0]
    assert (change.verdict, change.kind, change.column) == ("needs_decision", "renamed_column", "name")
    assert "dlt.erp.columns.people: name → full_name" in change.suggestion


def test_missing_table_refuses_the_extract(settings: Settings, database: Path, tmp_path: Path) -> None:
    adapter = make_adapter(
        tmp_path / "adapter", {"customers": CUSTOMERS_SQL.format("people")}, files={},
        tables={"customers": {"from": "people"}}, dlt=_sql_source("sqlite:///{extract}/erp.sqlite", table="persons"),
    )  # fmt: skip
    report = land(settings, adapter, database, settle_seconds=0)
    assert report.status == "refused"
    assert "persons" in report.problems[0]["message"]


def test_api_pages_land_with_a_secret(settings: Settings, api: str, tmp_path: Path) -> None:
    config = {
        "client": {
            "base_url": api + "{secret:SHOP_TOKEN}/", "auth": {"type": "bearer", "token": "{secret:SHOP_TOKEN}"},
            "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"},
        },
        "resources": [{"name": "people", "endpoint": {"path": "people", "data_selector": "items"}}],
    }  # fmt: skip
    adapter = make_adapter(
        tmp_path / "adapter", {"customers": CUSTOMERS_SQL.format("people")}, files={},
        tables={"customers": {"from": "people"}},
        dlt={"shop": {"kind": "rest_api", "config": config, "columns": {"people": ["id", "name"]}}},
    )  # fmt: skip
    extract = tmp_path / "extract"
    extract.mkdir()

    refused = land(settings, adapter, extract, settle_seconds=0)
    assert [p["rule"] for p in refused.problems] == ["missing_secret"]
    assert "OI_SECRET_SHOP_TOKEN" in refused.problems[0]["remedy"]

    wrong = land(settings, adapter, extract, secrets={"SHOP_TOKEN": "wr0ng"}, settle_seconds=0)
    assert wrong.problems[0]["rule"] == "unreachable_source"
    assert "401" in wrong.problems[0]["message"]
    assert "•••" in wrong.problems[0]["message"]
    assert "wr0ng" not in json.dumps(wrong.problems)

    report = land(settings, adapter, extract, secrets={"SHOP_TOKEN": "s3cret"}, settle_seconds=0)
    assert report.status == "landed", report.problems
    assert landed(settings, "customers", "customer_code, full_name, created_at::varchar") == [
        (code, "Zoë", "2026-01-01 02:00:00") for code in ("1-0", "1-1", "2-0", "17")
    ]
    assert "s3cret" not in "".join(p.read_text() for p in settings.paths.landing_files.glob("*.json"))


_WATCHED = """
import runpy, sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = args[1] if event == "socket.connect" else args[0]
        sys.stderr.write(f"WENT TO {address!r}\\n")
sys.addaudithook(hook)
sys.argv = ["sources.fetch"]
runpy.run_module("sources.fetch", run_name="__main__")
"""


def test_fetching_calls_nobody_but_the_source(api: str, tmp_path: Path) -> None:
    scratch, home = tmp_path / "scratch", tmp_path / "somebody"
    scratch.mkdir()
    home.mkdir()
    config = {"client": {"base_url": api, "auth": {"type": "bearer", "token": "s3cret"}},
              "resources": [{"name": "people", "endpoint": {"path": "people", "data_selector": "items",
                                                            "paginator": {"type": "single_page"}}}]}  # fmt: skip
    order = {"kind": "rest_api", "config": config, "database": str(scratch / "remote.duckdb"), "folder": str(scratch)}
    child = subprocess.run(
        [sys.executable, "-c", _WATCHED], input=json.dumps(order), capture_output=True, text=True, check=True,
        cwd=scratch, env={**child_environment(scratch), "HOME": str(home)},
    )  # fmt: skip
    assert json.loads(child.stdout.strip().splitlines()[-1]) == {"columns": {"people": ["id", "name", "created"]}}
    went = [line for line in child.stderr.splitlines() if line.startswith("WENT TO")]
    assert went
    assert all("127.0.0.1" in line for line in went), went
    assert list(home.rglob("*")) == []
