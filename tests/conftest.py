"""Fixtures that every test may use: a home of its own, and the public data where it is present."""

from pathlib import Path

import pytest

from workspace.settings import Settings

ROOT = Path(__file__).parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start modules with slow tests first, so that at the end no process waits for the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home that only this test uses."""
    return Settings(home=tmp_path / "home", company="acme", writer_wait_seconds=0.3)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the public data sets, beside the checkout."""
    if not REAL_DATA.is_dir():
        pytest.skip("the public data sets are not beside this checkout")
    return REAL_DATA
