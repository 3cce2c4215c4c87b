"""Pages for everyone: nothing serious for axe-core, light and dark, wide and narrow; hostile names do nothing."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from evocircuits.development import develop
from evocircuits.genome import Port
from evocircuits.library import Library
from evocircuits.motif import Motif, Provenance
from tests.browser.shelves import FINISHED, RUNNING, certificate, report, trainings
from tests.library.motifs import motif, score

PAGES = {
    "runs": "/runs",
    "run": f"/runs/{FINISHED}",
    "runs side by side": f"/compare-runs?run={FINISHED}&run={RUNNING}",
    "motifs": "/motifs?task=order&front=energy",
    "motif": "/motifs/best:order",
    "motifs side by side": "/compare?id=best:order&id=best:burst",
    "how to compare": "/compare",
    "networks": "/networks",
    "error": "/motifs/zebra",
}
NARROW, WIDE = {"width": 360, "height": 800}, {"width": 2560, "height": 1440}
HOSTILE = (
    "<script>window.hacked=1</script>\"onerror=window.hacked=1 '</svg><img src=x onerror=window.hacked=1>"
)


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script, from the package that brings it to Playwright."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def settled(page) -> None:
    """Until charts are drawn and trials simulated."""
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_light_or_dark(page, served, axe, name):
    page.emulate_media(reduced_motion="reduce")
    page.goto(served.address + PAGES[name])
    settled(page)
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("async () => (await axe.run()).violations")
        serious = [
            f"{scheme}: {violation['id']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"
            for violation in found
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways_narrow_or_wide(page, served, name):
    page.set_viewport_size(NARROW)
    page.goto(served.address + PAGES[name])
    settled(page)
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        page.wait_for_function("width => innerWidth === width", arg=size["width"])
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_content_is_reached_without_passing_every_link(page, served):
    page.goto(f"{served.address}/motifs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_without_scripts_pages_still_tell_everything(chromium, served):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.link)
    page.goto(f"{served.address}/motifs/best:order")
    text = page.locator("main").inner_text()
    assert "inhibition is necessary" in text
    assert "the first that worked" in text
    assert page.locator("svg.circuit .node").count() == 4
    context.close()


def hostile_motif() -> Motif:
    """Of a port, an operator, a run, an origin and a task of that name."""
    model = motif(0.31)
    port, ear = Port(HOSTILE, 2), model.genome.inputs[0]
    projections = [replace(j, source=port.id) if j.source == ear.id else j for j in model.genome.projections]
    genome = replace(model.genome, inputs=(port,), projections=tuple(projections))
    provenance = Provenance(HOSTILE, HOSTILE, operator=HOSTILE)
    return Motif(genome, develop(genome, dt_ms=0.1), 0.1, provenance, (score(0.8, task=HOSTILE[:64]),))


def test_hostile_names_run_nothing(page, served):
    """Of tasks, runs, tags, notes, ports, data and arms."""
    library, run = served.library, f"../{HOSTILE}"[:64]
    made = hostile_motif()
    library.add([made])
    library.tag(made.id, HOSTILE.replace(" ", "")[:40])
    library.note(made.id, HOSTILE)
    library.start_run(run, {"task": HOSTILE, "epochs": 2, HOSTILE: HOSTILE}, 1, {HOSTILE: HOSTILE})
    told = report(1)
    told["islands"][0] |= {"strategy": HOSTILE, "operators": {HOSTILE: {"uses": 1, "better": 1, "kept": 1}}}
    library.commit_epoch(run, 1, {}, told)
    library.set_status(run, "stopped")
    hostile = certificate(made)
    library.add_certificate(replace(hostile, task=HOSTILE[:64], notes=(HOSTILE,)))
    library.add_trainings([replace(t, data=HOSTILE[:64], arm=HOSTILE[:60]) for t in trainings(made)[:1]])
    addresses = [
        "/runs",
        f"/runs/{quote(run, safe='')}",
        f"/compare-runs?run={quote(run)}&run={FINISHED}",
        f"/motifs?task={quote(HOSTILE[:64])}",
        f"/motifs?text={quote(HOSTILE[:100])}",
        f"/motifs/{made.id}",
        f"/motifs/{quote(HOSTILE, safe='')}",
        f"/compare?id={made.id}&id=best:order",
        "/networks",
    ]
    for address in addresses:
        page.goto(served.address + address)
        page.mouse.wheel(0, 4000)
        settled(page)
        assert page.evaluate("window.hacked") is None
        assert page.locator("main img[src='x'], main script").count() == 0


def test_the_policy_of_pages_lets_no_script_in_them_run(chromium, served):
    """Should a name ever get past the escaping: neither as a script in the page, nor at an event, nor as text."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.link)
    page.evaluate(
        """() => setTimeout(() => {
            window.refused = [];
            document.addEventListener("securitypolicyviolation", event => refused.push(event.blockedURI));
            const script = document.createElement("script"), image = document.createElement("img");
            script.textContent = "window.hacked = 1";
            image.setAttribute("onerror", "window.hacked = 1");
            image.src = "/nowhere";
            document.body.append(script, image);
            try { eval("window.hacked = 1"); } catch (error) { }
        })"""
    )
    page.wait_for_function("window.refused && refused.length >= 3")
    assert sorted(page.evaluate("refused")) == ["eval", "inline", "inline"]
    assert page.evaluate("window.hacked") is None
    context.close()


class TestWhereSomethingIsWrong:
    @pytest.fixture
    def elsewhere(self, chromium, tmp_path):
        """A page of another library, which a test may break, in a browser that is let in."""
        from threading import Thread

        from evocircuits.browser import open_site

        library = Library(f"sqlite:///{tmp_path}/library.db")
        site = open_site(library)
        thread = Thread(target=site.serve)
        thread.start()
        context = chromium.new_context()
        page = context.new_page()
        page.goto(site.access.link)
        yield page, library, tmp_path / "library.db"
        context.close()
        site.server.should_exit = True
        thread.join()

    def test_an_empty_library_tells_the_next_command_and_shows_the_first_run(self, elsewhere):
        page, library, _ = elsewhere
        assert page.get_by_role("heading", name="Nothing here yet").is_visible()
        assert "evocircuits evolve order" in page.locator("main").inner_text()
        library.start_run("order-s1-aaaaaa", {"task": "order", "epochs": 3}, 1, {})
        page.get_by_role("link", name="order-s1-aaaaaa").wait_for()

    def test_a_damaged_library_is_told_with_a_remedy(self, elsewhere):
        page, _, file = elsewhere
        file.write_bytes(file.read_bytes()[:2048] + b"\xff" * 9000)
        assert page.reload().status == 500
        assert "restore a copy" in page.locator(".remedy").inner_text()

    def test_a_library_that_is_gone_is_told_with_a_remedy(self, elsewhere):
        page, _, file = elsewhere
        file.unlink()
        assert page.reload().status >= 500
        assert "evocircuits library" in page.locator(".remedy").inner_text()
