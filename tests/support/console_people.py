"""People of the test company, and a client that signs in and sends forms as a browser does."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from tests.support.console_server import serving
from tests.support.people import PASSWORD, add_people
from workspace.settings import Settings
from workspace.users import Users


class Browser:
    """What a browser does with forms: it shows the page, keeps cookies, and names the page's origin when it posts."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.origin = str(client.base_url).rstrip("/")

    def get(self, address: str) -> httpx.Response:
        return self.client.get(address)

    def token(self, page: str, action: str) -> str:
        """The token of the form that posts to `action`, as `page` shows it."""
        form = re.search(rf'action="{re.escape(action)}".*?name="form_token" value="([^"]+)"', page, re.DOTALL)
        assert form, f"no form that posts to {action}"
        return form[1]

    def post(self, action: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send fields as they are, from a page of this console."""
        return self.client.post(action, data=dict(fields), headers={"Origin": self.origin, **headers})

    def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open `page` and send its form."""
        token = self.token(self.get(page).text, action)
        return self.post(action, {"form_token": token, **fields})

    def sign_in(self, name: str, password: str = PASSWORD, next: str = "/") -> httpx.Response:
        return self.send("/sign-in", "/sign-in", name=name, password=password, next=next)


@contextmanager
def browsing(settings: Settings, users: Users | None = None) -> Iterator[Browser]:
    """A browser before a console of its own, which knows the people of the tests."""
    with (
        serving(settings, users or add_people(settings.home)) as origin,
        httpx.Client(base_url=origin, trust_env=False, timeout=30) as client,
    ):
        yield Browser(client)
