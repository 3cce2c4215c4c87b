"""Every page in a real Chromium: what it shows, and what pointer and keys do."""

import re
from urllib.parse import parse_qs, urlsplit

from tests.browser.shelves import FINISHED, RUNNING, report

SHOWN = ".card:visible"


def words(page) -> dict:
    return parse_qs(urlsplit(page.url).query)


def drawn(page, name: str, of: str = ""):
    """The chart of that name, once it is there; `of`: what its address holds, where there are several."""
    chart = page.locator(f'[data-chart="{name}"][data-from*="{of}"]' if of else f'[data-chart="{name}"]')
    chart.scroll_into_view_if_needed()
    chart.locator(".main-svg").first.wait_for()
    return chart


class TestGallery:
    def test_circuits_are_drawn_as_they_come_into_view(self, page, served):
        page.goto(f"{served.address}/motifs?task=place")
        assert page.locator(SHOWN).count() == 48
        first = page.locator(".card img").first
        first.evaluate("image => image.decode()")
        assert first.evaluate("image => image.naturalWidth") > 0
        assert not page.locator(".card img").last.evaluate(
            "image => image.complete && image.naturalWidth > 0"
        )

    def test_a_filter_applies_at_once_and_stands_in_the_address(self, page, served):
        page.goto(f"{served.address}/motifs")
        page.locator("#filters [name=task]").select_option("order")
        page.wait_for_url("**task=order**")
        assert words(page) == {"task": ["order"]}
        assert page.locator(SHOWN).count() == 1
        page.get_by_role("checkbox", name="energy").check()
        page.wait_for_url("**front=energy**")
        page.locator("#filters [name=task]").select_option("")  # the front is of one task, and goes with it
        page.wait_for_url(lambda url: "task" not in url)
        assert words(page) == {}

    def test_filters_are_shared_by_their_address_and_taken_back_one_by_one(self, page, served):
        page.goto(f"{served.address}/motifs?tag=kept&max_neurons=9&sort=energy")
        assert page.get_by_label("At most so many neurons").input_value() == "9"
        assert page.get_by_role("checkbox", name="kept").is_checked()
        page.get_by_role("link", name="Without: ≤ 9 neurons").click()
        assert words(page) == {"tag": ["kept"], "sort": ["energy"]}
        page.get_by_role("searchbox").fill("worked first")
        page.keyboard.press("Enter")
        page.wait_for_url("**text=worked**")
        assert page.locator(SHOWN).count() == 1

    def test_keys_move_open_mark_and_page(self, page, served):
        page.goto(f"{served.address}/motifs?task=place")
        cards = page.locator(".card .open")

        def at() -> int:
            return page.evaluate(
                "[...document.querySelectorAll('.card .open')].indexOf(document.activeElement)"
            )

        page.keyboard.press("ArrowRight")
        assert at() == 0
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        columns = page.evaluate(
            "getComputedStyle(document.querySelector('.cards')).gridTemplateColumns.split(' ').length"
        )
        assert at() == 1 + columns
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        assert at() == 0
        page.keyboard.press("c")
        assert page.locator("#tray .count").inner_text() == "1"
        page.keyboard.press("]")
        page.wait_for_url("**page=2**")
        page.keyboard.press("[")
        page.wait_for_url(lambda url: "page" not in url)
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "find"
        page.keyboard.type("gr/")  # typed, not obeyed
        assert page.get_by_role("searchbox").input_value() == "gr/"
        cards.first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/motifs/[0-9a-f]{64}$"))

    def test_marked_motifs_are_compared(self, page, served):
        page.goto(f"{served.address}/motifs?task=place")
        for k in range(2):
            page.locator(".card .pin").nth(k).click()
        page.locator("#tray").click()
        assert len(words(page)["id"]) == 2
        assert page.locator("article.side svg.circuit").count() == 2
        assert page.locator("tr.differs").count() >= 2


class TestMotif:
    def test_a_neuron_tells_its_constants_and_its_synapses_stand_out(self, page, served):
        page.goto(served.motif_address)
        page.locator("#raster svg").wait_for()
        circuit = served.motif.circuit
        page.locator(".node").first.hover()
        panel = page.locator("#panel")
        panel.get_by_text("membrane").wait_for()
        assert f"{circuit.tau_m_ms[0]:g} ms" in panel.inner_text()
        joined = sum(0 in ends for ends in zip(circuit.source, circuit.target, strict=True))
        joined += sum(int((a.target == 0).sum()) for a in circuit.inputs.values())
        assert page.locator(".s.lit").count() == joined
        assert panel.get_by_label("Its spikes in all trials").is_visible()
        page.locator("h1").hover()
        assert page.locator(".circuit.choosing").count() == 0

    def test_whole_paths_lead_from_inputs_to_outputs(self, page, served):
        page.goto(served.motif_address)
        page.locator("#raster svg").wait_for()
        page.get_by_label("whole paths").check()
        page.locator(".node").first.hover()
        page.locator(".s.lit").first.wait_for()
        assert page.locator(".s.lit").count() == served.motif.circuit.n_synapses

    def test_keys_move_in_the_circuit_and_choose(self, page, served):
        page.goto(served.motif_address)
        page.locator("#raster svg").wait_for()
        page.locator(".node[tabindex='0']").focus()
        told = page.locator("#panel h2")
        first = told.inner_text()
        assert "excitatory" in first  # the output, at the right
        page.keyboard.press("ArrowLeft")
        assert "I1, inhibitory neuron" in told.inner_text()
        page.keyboard.press("ArrowLeft")
        assert "input channel" in told.inner_text()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        assert page.locator(".node.chosen").count() == 1
        page.keyboard.press("Escape")
        assert page.locator(".node.chosen").count() == 0

    def test_the_slider_lights_the_circuit_and_spikes_travel(self, page, served):
        page.goto(served.motif_address)
        page.locator("#raster svg").wait_for()
        window = page.evaluate(
            "async () => (await (await fetch(location.pathname + '/trials.json?task=order')).json()).windows[0]"
        )
        arrives = window["inputs"]["a"][0][0]
        share = (arrives + 0.2 - window["start_ms"]) / (window["end_ms"] - window["start_ms"])
        page.locator("#time").evaluate(
            "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')); }",
            round(1000 * share),
        )
        page.locator(".pulse.e:visible").first.wait_for()
        lit = page.locator(".halo").evaluate_all(
            "halos => halos.map(halo => Number(halo.style.opacity) > 0.3)"
        )
        names = page.locator(".node").evaluate_all(
            "nodes => nodes.map(node => node.getAttribute('aria-label'))"
        )
        assert [name for name, on in zip(names, lit, strict=True) if on] == ["a, input channel"]
        assert f"{arrives:.0f}"[:2] in page.locator("#now").inner_text()

    def test_trials_are_played_one_by_one(self, page, served):
        page.goto(served.motif_address)
        page.locator("#raster svg").wait_for()
        assert page.locator("#trial option").count() == 8
        page.keyboard.press("]")
        assert page.locator("#trial").input_value() == "1"
        page.get_by_label("Trial before").click()
        assert page.locator("#trial").input_value() == "0"
        page.locator("h1").click()
        page.keyboard.press("Space")
        assert page.locator("#play").inner_text() == "Pause"
        page.wait_for_function("Number(document.getElementById('time').value) > 5")
        page.keyboard.press("Space")
        assert page.locator("#play").inner_text() == "Play"

    def test_the_voltage_is_of_the_neuron_that_is_chosen(self, page, served):
        page.goto(served.motif_address)
        voltage = page.locator("#voltage svg")
        voltage.wait_for()
        first = voltage.get_attribute("aria-label")
        page.locator(".node.i").first.click()
        page.wait_for_function(
            "told => document.querySelector('#voltage svg').getAttribute('aria-label') !== told", arg=first
        )
        assert "I1" in page.locator("#voltage svg").get_attribute("aria-label")
        assert page.locator("#voltage .plot-voltage").get_attribute("d").count("L") > 100

    def test_a_row_of_the_raster_is_a_neuron_of_the_circuit(self, page, served):
        page.goto(served.motif_address)
        raster = page.locator("#raster svg")
        raster.wait_for()
        raster.hover(position={"x": 300, "y": 8})
        assert "a, input channel" in page.locator("#panel h2").inner_text()
        box = raster.bounding_box()
        page.mouse.click(box["x"] + box["width"] - 30, box["y"] + 8)
        assert int(page.locator("#time").input_value()) > 900

    def test_tags_and_notes_are_edited(self, page, served):
        page.goto(served.motif_address)
        page.get_by_label("Tags, as words apart").fill("quick, <b>bold</b>")
        page.locator("#tags").get_by_role("button", name="Add").click()
        page.locator("#tags .tag", has_text="quick").wait_for()
        assert set(served.library.tags(served.motif.id)) == {"kept", "quick", "<b>bold</b>"}
        for tag in ("quick", "<b>bold</b>"):
            page.get_by_label(f"Take the tag {tag} away").click()
            page.locator("#tags .tag", has_text=tag).wait_for(state="detached")
        assert served.library.tags(served.motif.id) == ("kept",)
        page.get_by_label("A note").fill("seen in a browser <script>alert(1)</script>")
        page.get_by_label("A note").press("Enter")
        page.get_by_text("seen in a browser <script>").wait_for()
        assert served.library.notes(served.motif.id)[-1].text.startswith("seen in a browser")

    def test_what_cannot_be_written_is_told(self, page, served):
        page.goto(served.motif_address)
        page.get_by_label("Tags, as words apart").fill("x" * 60)
        page.locator("#tags").get_by_role("button", name="Add").click()
        page.get_by_role("heading", name="That cannot be asked").wait_for()
        assert "at most 40 characters" in page.locator("main").inner_text()

    def test_a_motif_file_is_downloaded(self, page, served):
        page.goto(served.motif_address)
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Motif file").click()
        assert waiting.value.suggested_filename == f"{served.motif.id[:8]}.motif.json"

    def test_lineage_certificate_and_networks_are_there(self, page, served):
        page.goto(served.motif_address)
        assert page.locator("#lineage .scroll .tree circle").count() == 4
        assert page.locator(".forest .effect.necessary").count() == 1
        page.get_by_role("link", name="digits").click()
        page.wait_for_url("**/networks#**")


class TestRuns:
    def test_charts_are_drawn_by_plotly_under_the_content_policy(self, page, served):
        page.goto(f"{served.address}/runs/{FINISHED}")
        for name in ("history", "objective-score", "found", "archive", "diversity", "quality", "speed"):
            assert drawn(page, name).is_visible(), name
        assert page.locator('[data-chart="fronts"]').is_hidden()  # of which nothing was told
        assert page.locator('[data-chart="history"] .scatterlayer .trace').count() == 4

    def test_a_cell_of_the_archive_leads_to_its_motif(self, page, served):
        page.goto(f"{served.address}/runs/{FINISHED}")
        chart = drawn(page, "archive")
        x, y = chart.evaluate(
            """plot => {
                const {xaxis, yaxis} = plot._fullLayout, [trace] = plot.data;
                const middle = (edges, k) => Math.sqrt(edges[k] * edges[k + 1]);
                return [xaxis._offset + xaxis.d2p(middle(trace.x, 0)), yaxis._offset + yaxis.d2p(middle(trace.y, 1))];
            }"""
        )
        chart.hover(position={"x": x, "y": y})
        page.locator(".hoverlayer .hovertext").wait_for()
        chart.click(position={"x": x, "y": y})
        page.wait_for_url(served.motif_address)

    def test_charts_follow_light_and_dark(self, page, served):
        page.goto(f"{served.address}/runs/{FINISHED}")
        colour = "line => getComputedStyle(line).stroke"
        line = drawn(page, "history").locator(".js-line").last
        light = line.evaluate(colour)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(
            f"light => ({colour})([...document.querySelectorAll('[data-chart=history] .js-line')].pop()) !== light",
            arg=light,
        )

    def test_a_run_under_way_is_followed(self, page, served):
        page.goto(f"{served.address}/runs/{RUNNING}")
        page.get_by_text("epoch 1 of 5").wait_for()
        assert drawn(page, "speed").locator(".point").count() == 1
        served.library.commit_epoch(RUNNING, 2, {}, report(2))
        page.get_by_text("epoch 2 of 5").wait_for()
        page.wait_for_function("document.querySelectorAll('[data-chart=speed] .point').length === 2")
        served.library.set_status(RUNNING, "stopped")
        page.locator(".status.stopped").wait_for()

    def test_marked_runs_are_compared(self, page, served):
        page.goto(f"{served.address}/runs")
        for run in (FINISHED, RUNNING):
            page.get_by_label(f"Compare {run}").check()
        page.get_by_role("button", name="Compare marked runs").click()
        assert drawn(page, "histories").locator(".scatterlayer .trace").count() == 2

    def test_a_note_on_a_run(self, page, served):
        page.goto(f"{served.address}/runs/{FINISHED}")
        page.get_by_label("A note").fill("with few trials")
        page.get_by_role("button", name="Add").click()
        page.get_by_text("with few trials").wait_for()
        assert [note.text for note in served.library.notes(FINISHED)] == ["with few trials"]


def test_networks_learn_and_cost(page, served):
    page.goto(f"{served.address}/networks")
    assert drawn(page, "learning", of="digits").locator(".scatterlayer .trace").count() == 6
    assert drawn(page, "costs", of="digits").locator(".scatterlayer .trace").count() == 2


def test_motifs_are_compared_by_their_ids(page, served):
    page.goto(f"{served.address}/compare")
    page.get_by_label("Motif 1").fill("best:order")
    page.get_by_label("Motif 2").fill("best:burst")
    page.get_by_role("button", name="Compare").click()
    assert page.locator("article.side").count() == 2
    assert page.locator(".s.own").count() > 0


def test_keys_lead_from_page_to_page(page, served):
    page.goto(f"{served.address}/motifs")
    for key, place in (("n", "networks"), ("r", "runs"), ("m", "motifs")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**/{place}")


def test_without_the_token_nothing_is_shown(chromium, served):
    context = chromium.new_context()
    stranger = context.new_page()
    answer = stranger.goto(f"{served.address}/motifs")
    assert answer.status == 403
    assert "evocircuits browse" in stranger.inner_text("main")
    context.close()


def test_what_is_not_here_is_a_page(page, served):
    assert page.goto(f"{served.address}/motifs/zebra").status == 404
    assert page.get_by_role("heading", name="Not here").is_visible()
    page.get_by_role("link", name="All motifs").click()
    page.wait_for_url("**/motifs")
