"""One Chromium and one server for all tests; each test has a page of its own that must not meet an error."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evocircuits.library import Library
from evocircuits.motif import Motif
from tests.browser import shelves
from tests.browser.asgi import Client

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Served:
    """A library that `evocircuits browse` serves at `link`, and the motif of it that has everything."""

    library: Library
    link: str
    motif: Motif

    @property
    def address(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def motif_address(self) -> str:
        return f"{self.address}/motifs/{self.motif.id}"


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Library:
    """For tests that do not change it."""
    return shelves.filled(tmp_path_factory.mktemp("shelf") / "library.db")


@pytest.fixture(scope="session")
def client(library) -> Client:
    """The pages of that library, without a network."""
    return Client(library)


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Served]:
    """A library of its own, served by the command."""
    folder = tmp_path_factory.mktemp("served")
    library = shelves.filled(folder / "library.db")
    command = [
        sys.executable,
        "-c",
        "from evocircuits.cli import main; main()",
        "browse",
        "--port",
        "0",
        "--json",
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [*command, "--library", library.url], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    told = json.loads(process.stdout.readline())
    yield Served(library, told["link"], library.best("order"))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """The system's Chromium, driven by Playwright; skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        pytest.skip("no Chromium (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(chromium, served) -> Iterator:
    """A browser that was let in by the printed link."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(served.link)
    assert "token" not in page.url
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(context) -> Iterator:
    """A new page. In the end no script has failed on it and none was refused."""
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if "script-src" in told.text else None)
    yield page
    page.close()
    assert wrong == []
