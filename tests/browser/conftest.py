"""Debian's Chromium over a real console: every page is watched for errors, foreign requests and policy violations."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.console_evidence import publish_everything
from tests.support.console_pairs import leave_pairs
from tests.support.console_server import serving
from tests.support.console_stock import NO_TRANSFER, publish_alerts
from workspace.settings import Settings

CHROMIUM = "/usr/bin/chromium"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

#: Runs before any script of a page, outside its policy.
WATCH_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} by ${event.blockedURI} ${event.sourceFile}`));
"""


@dataclass
class Watched:
    """A page, and all that went wrong on it; `allowed` are parts of messages that a test expects."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        """Go to an address of the console and wait until it is loaded."""
        self.page.goto(self.origin + address, wait_until="load")
        return self.page

    def unexpected(self) -> list[str]:
        """What went wrong beyond what the test allowed."""
        return [text for text in self.complaints if not any(part in text for part in self.allowed)]


Visit = Callable[..., Watched]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, which can resolve no name at all.

    It ends with its module: Playwright keeps an event loop running in this thread, and under it no later test could
    run its own.
    """
    if not shutil.which(CHROMIUM):
        if os.environ.get("CI") == "true":
            pytest.fail(f"The console is tested in a browser, and {CHROMIUM} is absent. Install Debian's chromium.")
        pytest.skip(f"{CHROMIUM} is absent; install Debian's chromium to test the console in a browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The test company with everything published; never written to by a test."""
    settings = Settings(home=tmp_path_factory.mktemp("browser") / "home", company="aster")
    publish_everything(settings)
    publish_alerts(settings, tmp_path_factory.mktemp("alerts"), {}, {"product_id": "p0002", **NO_TRANSFER})
    leave_pairs(settings)
    return settings


@pytest.fixture
def own_company(company: Settings, tmp_path: Path) -> Settings:
    """A copy of the test company that a test may write to."""
    shutil.copytree(company.home, tmp_path / "copy", symlinks=True)
    return Settings(home=tmp_path / "copy", company=company.company)


@pytest.fixture(scope="session")
def origin(company: Settings) -> Iterator[str]:
    """Where the console of the test company is served."""
    with serving(company) as address:
        yield address


@pytest.fixture
def visit(chromium: Browser, origin: str) -> Iterator[Visit]:
    """Opens watched pages; at the end of the test none may have anything to complain about."""
    with ExitStack() as stack:
        visits: list[Watched] = []

        def start(at: str = origin, **options: object) -> Watched:
            context = chromium.new_context(**{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
            stack.callback(context.close)
            visits.append(_watched(context, at))
            return visits[-1]

        yield start
        complaints = [text for watched in visits for text in watched.unexpected()]
    assert not complaints, "\n".join(complaints)


def _watched(context: BrowserContext, origin: str) -> Watched:
    context.add_init_script(WATCH_VIOLATIONS)
    page = context.new_page()
    watched = Watched(page, origin)
    host = urlsplit(origin).netloc

    def see_request(address: str) -> None:
        if urlsplit(address).scheme in ("http", "https", "ws", "wss") and urlsplit(address).netloc != host:
            watched.complaints.append(f"request beyond the console: {address}")

    def refuse_dialog(dialog: object) -> None:
        watched.complaints.append("a script of the data ran: it opened a dialog")
        dialog.dismiss()  # type: ignore[attr-defined]

    context.on("request", lambda request: see_request(request.url))
    page.on("websocket", lambda socket: see_request(socket.url))
    page.on("console", lambda m: watched.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("dialog", refuse_dialog)
    return watched
