"""A console over the test company, shared by all tests that only read."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.console_company import publish_company
from tests.support.console_evidence import publish_everything
from tests.support.console_server import serving
from workspace.settings import Settings

Open = Callable[[Settings], httpx.Client]


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The test company with everything published; never written to by a test."""
    settings = Settings(home=tmp_path_factory.mktemp("console") / "home", company="aster")
    publish_everything(settings)
    return settings


@pytest.fixture
def own_company(company: Settings, tmp_path: Path) -> Settings:
    """A copy of the test company that a test may write to."""
    shutil.copytree(company.home, tmp_path / "copy", symlinks=True)
    return Settings(home=tmp_path / "copy", company=company.company)


@pytest.fixture(scope="session")
def plain_company(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A company without reviews, persons, handling times and predictions, and without any evidence."""
    settings = Settings(home=tmp_path_factory.mktemp("plain") / "home", company="plain")
    publish_company(settings, plain=True, without=frozenset({"predictions", "fct_order_events", "unmapped_codes"}))
    return settings


def _client(stack: ExitStack, settings: Settings) -> httpx.Client:
    origin = stack.enter_context(serving(settings))
    return stack.enter_context(httpx.Client(base_url=origin, follow_redirects=True, trust_env=False, timeout=30))


@pytest.fixture
def open_console() -> Iterator[Open]:
    """Serves consoles, each until the end of the test."""
    with ExitStack() as stack:
        yield lambda settings: _client(stack, settings)


@pytest.fixture(scope="session")
def console(company: Settings) -> Iterator[httpx.Client]:
    """A console over the test company."""
    with ExitStack() as stack:
        yield _client(stack, company)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return Path(__file__).parents[3]
