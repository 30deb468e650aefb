"""A build that is killed: every day has its old rows or its new ones, and the next build completes it."""

import os
import signal
from pathlib import Path

import pytest

from tests.integration.dbt.test_days import DAILY
from tests.support.dbt_company import Company

DAYS = {"from_day": "2026-01-20", "to_day": "2026-02-05"}


def kill_after(company: Company, models: int) -> int:
    """Build some days and kill dbt when so many models have been written; returns how many it said it had."""
    process = company.start("run", "--select", "tag:daily", **DAYS)
    assert process.stdout is not None
    written = 0
    for line in process.stdout:
        written += "OK created sql incremental model" in line
        if written == models:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    return written


@pytest.mark.slow
def test_a_killed_build_leaves_days_whole_and_the_next_one_completes(whole: Company, tmp_path: Path) -> None:
    company = whole.copy(tmp_path / "killed")
    expected = {table: whole.digest(table) for table in DAILY}
    days = f"order_date between date '{DAYS['from_day']}' and date '{DAYS['to_day']}'"
    with company.connect() as connection:  # so that the orders of before are told from those of after
        connection.execute(f"update fct_orders set channel = 'before' where {days}")
    of_before = f"select count(*) from fct_orders where channel = 'before' and {days}"
    [(rows,)] = company.rows(of_before)
    seen = set()
    for models in (1, 7):
        assert kill_after(company, models) == models
        [(kept,)] = company.rows(of_before)
        seen.add(kept)
        rebuilt_alike = set(DAILY) - {"fct_orders", "feat_order_delivery"}  # the others do not read the channel
        assert {t: company.digest(t) for t in rebuilt_alike} == {t: expected[t] for t in rebuilt_alike}
        assert company.digest("fct_orders")[0] == expected["fct_orders"][0]
    assert seen == {0, rows}
    company.build("--select", "tag:daily", **DAYS)
    assert {t: company.digest(t) for t in DAILY} == expected
