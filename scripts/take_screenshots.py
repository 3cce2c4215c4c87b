"""Pictures of the browser's pages from a real library, into runs/reference/: take_screenshots.py [LIBRARY_URL]."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from evocircuits.browser import open_site
from evocircuits.library import Library

FOLDER = Path(__file__).parents[1] / "runs" / "reference"
SIZE = {"width": 1440, "height": 900}
PLAYED = 0.42
"""The share of a trial at which a motif is shown."""


def main(url: str | None = None) -> None:
    library = Library(url)
    with served(library) as link, chromium() as page:
        page.goto(link)
        for name, address, scheme in chosen(library):
            page.emulate_media(color_scheme=scheme)
            page.goto(link.partition("/?")[0] + address)
            page.wait_for_load_state("networkidle")
            if name == "browse-motif":
                play(page)
            page.wait_for_timeout(500)
            save(page.screenshot(), FOLDER / f"{name}.webp")


def chosen(library: Library) -> Iterator[tuple[str, str, str]]:
    """Each picture's name, the address of its page, and whether it is light or dark."""
    motif = library.best("localise")
    finished = [run for run in library.runs() if run.status == "finished"]
    run = max(finished, key=lambda run: len(run.reports))
    yield "browse-motifs", "/motifs?min_score=0.5", "light"
    yield "browse-motif", f"/motifs/{motif.id}", "dark"
    yield "browse-run", f"/runs/{run.id}", "light"


def play(page: Page) -> None:
    """Go to a moment at which the circuit is busy."""
    page.locator("#raster svg").wait_for()
    page.locator("#time").evaluate(
        "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')); }",
        round(1000 * PLAYED),
    )
    page.locator("#voltage svg").wait_for()


@contextmanager
def served(library: Library) -> Iterator[str]:
    """The link to the library's pages."""
    site = open_site(library)
    thread = Thread(target=site.serve)
    thread.start()
    yield site.access.link
    site.server.should_exit = True
    thread.join()


@contextmanager
def chromium() -> Iterator[Page]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        sys.exit("no Chromium (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser.new_context(viewport=SIZE).new_page()
        browser.close()


def save(picture: bytes, path: Path) -> None:
    """Without loss, so that E and I keep their colours, which a palette would not."""
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, lossless=True, method=6)
    print(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
