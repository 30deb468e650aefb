"""Companies for the tests of the dbt project."""

from pathlib import Path

import pytest

from tests.support.dbt_company import Company
from tests.support.order_history import order_history


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the companies of this session share."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture
def company(tmp_path: Path, bench: Path) -> Company:
    """An empty company that only this test uses."""
    return Company(tmp_path / "company", bench)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, bench: Path) -> Company:
    """A company with a history, built with all its checks. Read it; do not build it."""
    company = Company(tmp_path_factory.mktemp("whole"), bench)
    company.land(order_history())
    company.match()
    company.build()
    return company
