"""Who may look at the library, and what the pages that they are sent may do.

Any page that the reader has open may send requests to this machine, and a name that a stranger's server gives out may
come to mean it (DNS rebinding). So every request must name this server as its Host and bring the token, which comes
once with the printed link and then as a cookie; one that writes must also come from a page of this server (Origin).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
READING = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all a browser would hide the Origin of forms, too
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer that does not set its own."""

_REFUSAL = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>evocircuits: refused</title></head><body><main><h1>Refused</h1><p>{reason}</p></main></body></html>
"""


@dataclass(frozen=True)
class Access:
    """The `token` that lets in, the `hosts` by which the server goes, and its `port`."""

    port: int
    hosts: tuple[str, ...] = LOOPBACK
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def cookie(self) -> str:
        """The cookie's name: servers of several ports share their cookies."""
        return f"evocircuits-{self.port}"

    @property
    def link(self) -> str:
        """The address that lets a browser in."""
        host = self.hosts[0]
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/?token={self.token}"

    def fits(self, token: str | None) -> bool:
        """Whether this is the token, told in a time that does not depend on how much of it is right."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())

    def refusal(self, method: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Why a request of these headers is refused whoever sends it, as status and reason; None where it is not."""
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            return (
                421,
                f"This server goes by the names {', '.join(self.hosts)}. Open the link that it printed.",
            )
        if method not in (*READING, "POST"):
            return 405, "This server is read, and notes and tags are posted to it."
        if method == "POST" and urlsplit(headers.get("origin", "")).netloc != host:
            return 403, "Only pages of this server may write. Open the page here and try again."
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if elsewhere and headers.get("sec-fetch-mode") != "navigate":
            return 403, "Pages of other servers may not read this one."
        return None


class Guard:
    """An ASGI application that lets only those requests through to `app` that `access` allows."""

    def __init__(self, app: ASGIApp, access: Access):
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            answer = self._answer(Request(scope)) or self.app
            await answer(scope, receive, _with_headers(send))

    def _answer(self, request: Request) -> Response | None:
        """What a request is told at once; None where it may pass."""
        if len(request.headers.getlist("host")) != 1:
            return _refused(400, "Expected one Host.")
        if (refusal := self.access.refusal(request.method, request.headers)) is not None:
            return _refused(*refusal)
        if request.method in READING and self.access.fits(request.query_params.get("token")):
            return self._let_in(request)
        if self.access.fits(request.cookies.get(self.access.cookie)):
            return None
        return _refused(
            403, "Open the link that <code>evocircuits browse</code> printed: it holds this server's token."
        )

    def _let_in(self, request: Request) -> Response:
        """Keep the token as a cookie, and out of the address."""
        address = request.url.remove_query_params("token")
        path = "/" + address.path.lstrip("/")  # two slashes would lead to another server
        answer = RedirectResponse(f"{path}?{address.query}".rstrip("?"), status_code=303)
        answer.set_cookie(self.access.cookie, self.access.token, httponly=True, samesite="lax")
        return answer


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _refused(status: int, reason: str) -> Response:
    return HTMLResponse(_REFUSAL.format(reason=reason), status)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            named = {name.decode().lower() for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.lower() not in named]
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return send_with_headers
