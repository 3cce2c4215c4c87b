"""The application: its pages, and what is answered where something is wrong."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException as Refusal

from evocircuits.browser import compare, downloads, gallery, motif, networks, notes, runs
from evocircuits.browser.access import Access, Guard
from evocircuits.browser.context import Context, Here
from evocircuits.browser.pages import KEPT
from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.library.checksum import Damaged
from evocircuits.tasks import Task

PAGES = (runs, compare, gallery, notes, downloads, motif, networks)
"""The modules of pages, each with a `router`."""
AT_ONCE = 4
"""Requests answered side by side. With more, each would hold the library longer, and the commits of runs would wait."""
TITLES = {
    400: "That cannot be asked",
    404: "Not here",
    405: "That cannot be done here",
    422: "That cannot be asked",
    500: "Something is wrong",
    503: "The library does not answer",
}


def new_app(library: Library, access: Access, tasks: Iterable[Task] = ()) -> Guard:
    """The pages of a library, for those whom `access` lets in."""
    app = FastAPI(lifespan=_few_at_once, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context = Context.of(library, tasks)
    for pages in PAGES:
        app.include_router(pages.router)
    app.add_api_route("/static/{name}", _asset, methods=["GET", "HEAD"])
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(InputError, _wrong)
    app.add_exception_handler(OSError, _silent)
    app.add_exception_handler(Exception, _ours)
    return Guard(app, access)


@asynccontextmanager
async def _few_at_once(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = AT_ONCE
    yield


def _asset(name: str, here: Here) -> Response:
    if name not in here.assets.files:
        raise HTTPException(404, f"{name}: expected one of this server's files")
    return FileResponse(here.assets.files[name], headers={"Cache-Control": KEPT})


def _refused(request: Request, refusal: Refusal) -> Response:
    return _error(request, refusal.status_code, str(refusal.detail))


def _wrong(request: Request, error: InputError) -> Response:
    return _error(request, 500 if isinstance(error, Damaged) else 400, str(error))


def _silent(request: Request, error: OSError) -> Response:
    return _error(request, 503, f"{error} (is it still there? evocircuits library verify tells more)")


def _ours(request: Request, error: Exception) -> Response:
    told = f"{type(error).__name__} in the program; where it was run, the terminal tells more."
    return _error(request, 500, told)


def _error(request: Request, status: int, told: str) -> Response:
    """A page that says what is wrong, and what can be done about it where the message tells it in brackets."""
    what, bracket, remedy = told.rpartition(" (")
    if not (bracket and remedy.endswith(")")):
        what, remedy = told, ""
    pages = request.app.state.context.pages
    title = TITLES.get(status, TITLES[500])
    return pages.page("error.html", status=status, title=title, what=what, remedy=remedy.removesuffix(")"))
