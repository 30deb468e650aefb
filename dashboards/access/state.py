"""Everything about access that one running console holds.

Belongs here: its parts, put together from settings, and finding the visitor of a request. Does not belong here: rules.
"""

from collections.abc import Set

from fastapi import Request

from dashboards.access.journal import Journal
from dashboards.access.oidc import Provider
from dashboards.access.people import People, Person, Role
from dashboards.access.sessions import Sessions
from dashboards.access.throttle import Throttle
from dashboards.access.tokens import FormTokens
from dashboards.access.visitor import Cookies, Visitor
from workspace.settings import Settings

#: Failed sign-ins before the next one has to wait: for one name, and for one client over all names.
FAILURES_A_NAME, FAILURES_A_CLIENT, FAILURE_SECONDS = 5, 30, 15 * 60.0


class NotAuthenticated(Exception):
    """A password is not that of the name, or too many were wrong.

    Attributes:
        wait: Seconds until the next try; 0 where the password is another one.
    """

    def __init__(self, wait: int = 0) -> None:
        super().__init__("too many wrong passwords" if wait else "wrong password")
        self.wait = wait


class Access:
    """People, sessions and tokens of one console."""

    def __init__(self, settings: Settings, people: People) -> None:
        self.settings = settings
        self.people = people
        self.sessions = Sessions()
        self.tokens = FormTokens()
        self.cookies = Cookies(is_secure=settings.console_origin.startswith("https://"))
        self.journal = Journal(settings)
        self.provider = Provider(settings)
        self.names = Throttle(FAILURES_A_NAME, FAILURE_SECONDS)
        self.clients = Throttle(FAILURES_A_CLIENT, FAILURE_SECONDS)

    @property
    def roles_of_nobody(self) -> Set[Role]:
        """What somebody who has not signed in may do: look, unless the settings forbid it."""
        return {Role.VIEWER} if self.settings.console_anonymous == "viewer" else set()

    def visitor(self, request: Request) -> Visitor:
        """Who sent this request; roles are read anew each time.

        A session ends here when its person's account was closed or their password changed since it began.
        """
        secret = request.cookies.get(self.cookies.session, "")
        session = self.sessions.find(secret) if secret else None
        if session is not None:
            person = self.people.find(session.name)
            if person is not None and person.stamp == session.stamp:
                return Visitor(person, person.roles | {Role.VIEWER}, session, secret, self.tokens)
            self.sessions.end(secret)
        visit = request.cookies.get(self.cookies.visit, "")
        return Visitor(None, self.roles_of_nobody, None, visit, self.tokens)

    def authenticate(self, name: str, password: str, client: str, where: str) -> Person:
        """The person of this name, if the password is theirs; then their key is opened.

        Args:
            name: Who they say they are.
            password: What they typed.
            client: Address that it came from.
            where: Method and path, for the log.

        Raises:
            NotAuthenticated: it is another password, or too many were wrong; a wrong name is answered alike.
        """
        if wait := max(self.names.wait(name), self.clients.wait(client)):
            self.journal.refused("throttled", "", client, where, name)
            raise NotAuthenticated(wait)
        self.names.failed(name)  # counted before the answer is known, so that many at once gain nothing
        person = self.people.verify(name, password)
        if person is None:
            self.clients.failed(client)
            self.journal.refused("password", "", client, where, name)
            raise NotAuthenticated
        self.names.succeeded(name)
        return person

    def origin(self, request: Request) -> str:
        """Where the browser reaches this console, such as `http://127.0.0.1:8400`."""
        return self.settings.console_origin or f"http://{request.headers.get('host', '')}"


def access_of(request: Request) -> Access:
    """The access of the console that answers this request."""
    access: Access = request.app.state.console.access
    return access


def client_of(request: Request) -> str:
    """Address that a request came from."""
    return request.client.host if request.client else "unknown"
