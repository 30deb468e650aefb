"""A build within a small memory limit: what does not fit goes to the spill folder, and comes back right."""

import subprocess
import time
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment
from sources.contracts import load_contract
from sources.mapping import META_COLUMNS
from tests.support.dbt_company import Company
from workspace.settings import Settings, quiet_environment

EVENTS = 1_000_000


def _land_events(company: Company) -> None:
    """Land many events, each twice: finding the newest of a key sorts all of them."""
    types = {column.name: column.type for column in load_contract()["order_events"].columns} | META_COLUMNS
    given = {
        "source_system": "'erp'", "event_code": f"'E' || (n * 7919) % {EVENTS // 2}", "order_source_system": "'shop'",
        "order_code": "'O' || n % 1000", "event_type": "'packed'", "actor_kind": "'system'",
        "occurred_at": "timestamp '2026-01-01' + to_seconds(n)", "_source_file": "'log.csv'", "_source_row": "n",
        "_batch": "'big'", "_landed_at": f"timestamp '{datetime(2026, 6, 1)}'",
    }  # fmt: skip
    columns = ", ".join(f"cast({given.get(name, 'null')} as {kind}) as {name}" for name, kind in types.items())
    path = company.landing / "order_events" / "day=2026-06-01" / "big-0.parquet"
    path.parent.mkdir(parents=True)
    duckdb.execute(f"copy (select {columns} from range({EVENTS}) as numbers (n)) to '{path}' (format parquet)")


def _build(settings: Settings, written: Path) -> int:
    """Build the events in a process of its own, as the graph does; returns the most bytes seen in the spill folder."""
    arguments = ["run", "--select", "+fct_order_events", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
                 "--target-path", str(written), "--log-path", str(written)]  # fmt: skip
    environment, most = quiet_environment(dbt_environment(settings)), 0
    with (written / "said").open("w+") as said:
        process = subprocess.Popen([str(EXECUTABLE), *arguments], env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            most = max(most, sum(map(_size, settings.paths.spill.glob("*"))))
            time.sleep(0.01)
        said.seek(0)
        assert process.returncode == 0, said.read()[-2000:]
    return most


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def test_a_build_under_a_small_memory_limit_spills_where_the_settings_say_and_comes_to_the_same(
    company: Company, tmp_path: Path
) -> None:
    _land_events(company)
    roomy = Settings(home=company.root.parent, company=company.root.name, memory_limit="4GB")
    found = {}
    for settings in (roomy, roomy.model_copy(update={"memory_limit": "150MB"})):
        spilled = _build(settings, tmp_path)
        with duckdb.connect(str(settings.paths.warehouse)) as connection:
            content = connection.execute("select count(*), cast(sum(hash(e)) as varchar) from fct_order_events as e")
            found[settings.memory_limit] = spilled, content.fetchone()
    assert found["4GB"][0] == 0
    assert found["150MB"][0] > 10_000_000
    assert found["150MB"][1] == found["4GB"][1]
