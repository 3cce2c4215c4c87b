"""Calls the application without a network: what a test needs to send any header that a browser would not."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import unquote, urlencode

from evocircuits.browser.access import Access
from evocircuits.browser.app import new_app
from evocircuits.library import Library


def _run(asked: Coroutine) -> "Answer":
    """What a coroutine gives, in a thread of its own: the browser that other tests drive has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asked).result()


@dataclass(frozen=True)
class Answer:
    """Of a request: status, headers by their names in small letters, the body, and what failed all the same."""

    status: int
    headers: dict[str, str]
    body: bytes
    failure: Exception | None = None

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Client:
    """Pages of `library`. Every request comes from here and brings the token, unless headers say otherwise."""

    library: Library
    access: Access = field(default_factory=lambda: Access(8765))

    def __post_init__(self):
        self.app = new_app(self.library, self.access)

    def get(self, address: str, **headers: str | None) -> Answer:
        return _run(self._sent("GET", address, b"", headers))

    def post(self, address: str, fields: dict | None = None, **headers: str | None) -> Answer:
        own = {"origin": f"http://{self.host}", "content-type": "application/x-www-form-urlencoded"}
        return _run(self._sent("POST", address, urlencode(fields or {}).encode(), own | headers))

    def send(self, method: str, address: str, **headers: str | None) -> Answer:
        return _run(self._sent(method, address, b"", headers))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.access.port}"

    async def _sent(self, method: str, address: str, body: bytes, headers: dict) -> Answer:
        cookie = SimpleCookie({self.access.cookie: self.access.token}).output(header="").strip()
        named = {"host": self.host, "cookie": cookie} | {k.replace("_", "-"): v for k, v in headers.items()}
        path, _, query = address.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in named.items() if v is not None],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", self.access.port),
        }
        sent, received = [], asyncio.Queue()
        received.put_nowait({"type": "http.request", "body": body, "more_body": False})

        async def send(message: dict) -> None:
            sent.append(message)

        failure = None
        try:
            await self.app(scope, received.get, send)
        except Exception as error:
            if not sent:
                raise
            failure = error
        start = next(m for m in sent if m["type"] == "http.response.start")
        content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        own = {k.decode().lower(): v.decode() for k, v in start["headers"]}
        return Answer(start["status"], own, content, failure)
