"""Who a request comes from, and the cookies that tell.

Belongs here: the visitor, the cookies' names and flags. Does not belong here: finding the visitor
(`dashboards.access.state`), what a route demands (`dashboards.access.gate`).
"""

from collections.abc import Set
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import Response

from dashboards.access.people import Person, Role
from dashboards.access.sessions import Session
from dashboards.access.tokens import FormTokens

#: A browser that has not signed in gets this cookie with the sign-in form, so that the form's token has a holder.
VISIT_SECONDS = 60 * 60


@dataclass(frozen=True)
class Visitor:
    """A signed-in person, or nobody.

    Attributes:
        person: Who; None for nobody.
        roles: What they may do; nobody may at most look.
        session: The person's session.
        holder: The cookie that tokens of their forms are bound to; empty for a browser that was given none.
    """

    person: Person | None
    roles: Set[Role]
    session: Session | None
    holder: str
    tokens: FormTokens

    @property
    def name(self) -> str:
        """The name for the ledger; empty for nobody."""
        return self.person.name if self.person else ""

    @property
    def is_person(self) -> bool:
        """Whether somebody is signed in. Only they are shown names of people and other personal data."""
        return self.person is not None

    def may(self, *roles: str) -> bool:
        """Whether the visitor has one of these roles, for templates that show or hide a form."""
        return any(role in self.roles for role in roles)

    def token(self, address: str) -> str:
        """A token for a form that posts to `address`."""
        return self.tokens.issue(self.holder, unquote(address))

    def take_notice(self) -> str:
        """What the last action left to be told, once."""
        if self.session is None:
            return ""
        notice, self.session.notice = self.session.notice, ""
        return notice


@dataclass(frozen=True)
class Cookies:
    """Names and flags of the console's two cookies.

    Over https they carry the prefix `__Host-`, which browsers accept only with `Secure`, for this host and for `/`.
    """

    is_secure: bool

    @property
    def session(self) -> str:
        """Name of the session's cookie."""
        return self._named("oi_session")

    @property
    def visit(self) -> str:
        """Name of the cookie of a browser that has not signed in."""
        return self._named("oi_visit")

    def set(self, response: Response, name: str, value: str, max_age: int | None = None) -> None:
        """Give the browser a cookie that no script reads and that no foreign page's POST carries."""
        response.set_cookie(
            name, value, max_age=max_age, path="/", secure=self.is_secure, httponly=True, samesite="lax"
        )  # fmt: skip

    def drop(self, response: Response, name: str) -> None:
        """Take a cookie away."""
        response.delete_cookie(name, path="/", secure=self.is_secure, httponly=True, samesite="lax")

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self.is_secure else name
