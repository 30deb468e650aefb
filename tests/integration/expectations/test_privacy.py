"""No personal value of a failing row reaches a report or a page; what was met can still be understood."""

import re
from pathlib import Path

import pytest

from tests.integration.expectations.conftest import BOUNDARIES, Company
from tests.support.validation_data import SECRET_EMAIL, SECRET_PHONE


def _written(company: Company) -> list[Path]:
    return [p for p in company.settings.paths.validations.rglob("*") if p.suffix in (".json", ".html")]


@pytest.mark.parametrize("secret", [SECRET_EMAIL, "secret.person", SECRET_PHONE, "Secret Person", "@example.com"])
def test_a_personal_value_is_in_no_file(spoilt: Company, secret: str) -> None:
    files = _written(spoilt)
    assert len(files) > 10
    assert [path.name for path in files if secret in path.read_text(encoding="utf-8")] == []


def test_values_are_masked_by_the_class_of_their_column(spoilt: Company) -> None:
    (row,) = spoilt.check("landing", "orders.promised_not_before_ordered").sample
    assert row["order_code"] == "o…"  # quasi-identifying
    assert row["ordered_at"] == "2026-05-01 05:00:00"
    assert row["_source_file"] == "orders.csv"
    assert row["_source_row"] == "7"
    shared = spoilt.check("master_data", "dim_customers.email_shared").sample
    assert shared == ({"email": "***", "count_customers": "2"},)


def test_an_empty_value_is_shown_as_empty(spoilt: Company) -> None:
    (row,) = spoilt.check("landing", "customers.source_system.filled").sample
    assert row["source_system"] is None


def test_region_is_shown_where_rows_are_groups(spoilt: Company) -> None:
    regions = {row["region_code"] for row in spoilt.check("predictions", "predictions.region.shares").sample}
    assert "DE-HH" in regions


def test_pages_ask_no_host_for_anything(spoilt: Company) -> None:
    loading = re.compile(
        r"""(?:src|href|action|data|poster)\s*=\s*["']?\s*(?:https?:)?//|url\(|@import|<script""", re.I
    )
    pages = [path for path in _written(spoilt) if path.suffix == ".html"]
    assert len(pages) == 2 * len(BOUNDARIES) + 1
    assert [p.name for p in pages if loading.search(p.read_text(encoding="utf-8"))] == []
    assert all("default-src 'none'" in p.read_text(encoding="utf-8") for p in pages)
