"""A company whose model is trained in a moment, with versions in the states that tests ask for."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.support.model_company import Company, migrate, orders, publish_orders
from workspace.published import Snapshot


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store."""
    return migrate(tmp_path_factory.mktemp("migrated"))


@pytest.fixture
def company(tmp_path: Path, migrated: Path) -> Company:
    """A company of this test's own, with nothing trained."""
    return Company(tmp_path / "home", migrated)


@pytest.fixture(scope="session")
def promoted(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Company:
    """A company whose first version is champion. Tests that share it only read."""
    company = Company(tmp_path_factory.mktemp("promoted") / "home", migrated)
    company.train()
    report = company.audit_and_judge()
    assert report.status == "promoted", report.markdown
    return company


@pytest.fixture
def crowned(tmp_path: Path, promoted: Company) -> Company:
    """The same for a test that changes what it finds."""
    return promoted.copied(tmp_path / "home")


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory, promoted: Company) -> Company:
    """A company whose second version waits beside the champion. Tests that change it work on copies."""
    company = promoted.copied(tmp_path_factory.mktemp("waiting") / "home")
    assert company.train(seed=7).version == "2"
    assert company.audit_and_judge().status == "proposed"
    return company


@pytest.fixture(scope="session")
def make_company() -> Callable[[Path, Path], Company]:
    """The maker of companies of one's own: of a home and an empty MLflow store."""
    return Company


@pytest.fixture(scope="session")
def make_orders() -> Callable[..., pd.DataFrame]:
    """The maker of orders."""
    return orders


@pytest.fixture(scope="session")
def publish_frame() -> Callable[..., Snapshot]:
    """The publisher of a frame as the feature table."""
    return publish_orders
