"""A library's pages behind an address of this machine."""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import uvicorn

from evocircuits.browser.access import LOOPBACK, Access
from evocircuits.browser.app import new_app
from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.tasks import Task

SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Site:
    """Pages that wait to be served at `access.link`."""

    access: Access
    listener: socket.socket
    server: uvicorn.Server

    def serve(self) -> None:
        """Answer until interrupted."""
        self.server.run(sockets=[self.listener])


def open_site(
    library: Library,
    *,
    host: str = LOOPBACK[0],
    port: int = 0,
    token: str | None = None,
    tasks: Iterable[Task] = (),
) -> Site:
    """Pages of `library` at an address of this machine; 0 is any free port.

    Motifs of the tasks that come with the package can be replayed, and of other `tasks` that are given here. A random
    token lets in unless one is given, as it must be where others can reach the address.

    Raises `InputError` for a public address without a token, a token that is short, and an address that is not to be
    had.
    """
    local = _is_loopback(host)
    if not local and token is None:
        raise InputError(
            f"browse: {host} can be reached from other machines: expected a token of your own in $EVOCIRCUITS_TOKEN"
        )
    if token is not None and not (len(token) >= SHORTEST_TOKEN and token.isascii() and token.isprintable()):
        raise InputError(
            f"browse: $EVOCIRCUITS_TOKEN: expected at least {SHORTEST_TOKEN} letters; got {len(token)} or others"
        )
    listener = _listener(host, port)
    hosts = (host, *(name for name in LOOPBACK if name != host)) if local else (host,)
    given = {} if token is None else {"token": token}
    access = Access(listener.getsockname()[1], hosts, **given)
    config = uvicorn.Config(
        new_app(library, access, tasks),
        log_level="warning",
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
    )
    return Site(access, listener, uvicorn.Server(config))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listener(host: str, port: int) -> socket.socket:
    if host in ("0.0.0.0", "::"):
        raise InputError(
            f"browse: expected the address by which others reach this machine; got {host}, which is all"
        )
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"browse: expected an address that is free; {host}:{port}: {error.strerror} (try --port 0)"
        ) from None
