"""What each route demands of its visitor. Every route states it; a test of the structure fails for one that does not.

Belongs here: `require`, and the check of a form. Does not belong here: the visitor (`dashboards.access.visitor`).

    @router.post("/stock/alerts/{alert}")
    def answer(request: Request, alert: str, visitor: Annotated[Visitor, require(Role.OPERATOR)], ...) -> Response:
        ledger.append("stock", "answered", alert, visitor.name, reason, {...})
        return done(request, "/stock", "Answered.")

A method that may change something is let in only with a token of the form that it comes from, whatever the role.
"""

from typing import Any

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from dashboards.access.people import Role
from dashboards.access.state import access_of, client_of
from dashboards.access.tokens import FIELD
from dashboards.access.visitor import Visitor

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Refused(Exception):
    """The visitor may not do this.

    Attributes:
        status: HTTP status.
        rule: Short code of the rule, which the log names and the texts explain: `signed_out`, `role`, `form_token`.
    """

    def __init__(self, status: int, rule: str, detail: str = "") -> None:
        super().__init__(f"{rule}: {detail}" if detail else rule)
        self.status = status
        self.rule = rule


class Gate:
    """A dependency that lets in visitors who have one of its roles. `roles` empty: everybody."""

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Visitor:
        """The visitor.

        Raises:
            Refused: they have none of the roles, or their form carries no token of this console.
        """
        visitor = await run_in_threadpool(access_of(request).visitor, request)
        request.state.visitor = visitor
        try:
            self._require_role(visitor)
            if request.method not in SAFE_METHODS and not getattr(request.state, "is_own_form", False):
                await _require_own_form(request, visitor)
                request.state.is_own_form = True  # a token is good for one request, also behind two gates
        except Refused as refusal:
            journal = access_of(request).journal
            what = f"{request.method} {request.scope['path']}"
            await run_in_threadpool(
                journal.refused, refusal.rule, visitor.name, client_of(request), what, str(refusal)
            )  # fmt: skip
            raise
        return visitor

    def _require_role(self, visitor: Visitor) -> None:
        if not self.roles or visitor.roles & self.roles:
            return
        wanted = " or ".join(sorted(self.roles))
        if visitor.is_person:
            raise Refused(403, "role", f"needs {wanted}; {visitor.name} is {', '.join(sorted(visitor.roles))}")
        raise Refused(401, "signed_out", f"needs {wanted}")


async def _require_own_form(request: Request, visitor: Visitor) -> None:
    token = (await request.form()).get(FIELD)
    if not isinstance(token, str) or not visitor.tokens.redeem(token, visitor.holder, request.scope["path"]):
        raise Refused(403, "form_token", "absent, used, expired, or of another form or browser")


def require(*roles: Role) -> Any:
    """A route's demand: one of `roles`; none named: open to everybody, signed in or not."""
    return Depends(Gate(frozenset(roles)))


def visitor_of(request: Request) -> Visitor | None:
    """The visitor that the route's gate found; None where no gate was reached, as on a page of an unknown address."""
    found: Visitor | None = getattr(request.state, "visitor", None)
    return found


def done(request: Request, address: str, notice: str) -> RedirectResponse:
    """Answer an action: go to `address`, whose page then tells `notice` once."""
    visitor = visitor_of(request)
    if visitor and visitor.session:
        visitor.session.notice = notice
    return RedirectResponse(address, status_code=303)
