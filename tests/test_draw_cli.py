"""`evocircuits draw` and `evocircuits browse`, and what notebooks show: the same pictures everywhere."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from evocircuits.cli import main
from evocircuits.development import develop
from evocircuits.draw import draw_circuit, draw_front
from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.motif import Motif, Provenance
from evocircuits.plots import as_svg
from evocircuits.simulator import Record, Stimulus, simulate
from evocircuits.tasks import get_task
from tests.circuits import circuit
from tests.library.motifs import motif, score


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOCIRCUITS_LIBRARY", raising=False)
    monkeypatch.delenv("EVOCIRCUITS_TOKEN", raising=False)


@pytest.fixture
def run(capsys):
    """Run a command in this process: (status, standard output, standard error)."""

    def call(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return call


@pytest.fixture
def stored() -> Motif:
    """The reference of `order`, best of three that are scored on it."""
    task = get_task("order")
    genome = task.reference()
    scored = score(1.0, task="order", low=0.99, high=1.0, energy_pJ=20.0)
    best = Motif(genome, develop(genome, dt_ms=task.dt_ms), task.dt_ms, Provenance("evolved"), (scored,))
    others = [motif(0.6, score(0.9, energy_pJ=5.0)), motif(0.5, score(0.7, energy_pJ=50.0))]
    Library().add([best, *others])
    return best


class TestDraw:
    @pytest.mark.parametrize("kind", ["circuit", "raster", "front", "lineage"])
    def test_every_kind(self, run, stored, kind):
        status, out, err = run("draw", "best:order", "--kind", kind, "-o", f"{kind}.svg")
        assert (status, out, err) == (0, f"picture: {kind}.svg\n", "")
        ET.parse(f"{kind}.svg")

    def test_a_circuit_among_the_pictures_by_default(self, run, stored):
        document = json.loads(run("draw", stored.id[:8], "--json")[1])
        assert document["picture"] == f"runs/pictures/{stored.id[:8]}-circuit.svg"
        assert document["motif"] == stored.id
        assert Path(document["picture"]).is_file()

    def test_a_raster_is_of_the_trial_that_is_asked_for(self, run, stored):
        for trial in (0, 1):
            run("draw", "best:order", "--kind", "raster", "--trial", trial, "-o", f"{trial}.svg")
        assert Path("0.svg").read_bytes() != Path("1.svg").read_bytes()
        assert "trial 1" in Path("1.svg").read_text()

    def test_what_cannot_be_drawn_is_one_line(self, run, stored):
        lonely = motif(0.33)
        Library().add([lonely])
        for arguments, told in (
            (("draw", lonely.id, "--kind", "raster"), "name one with --task"),
            (("draw", "best:order", "-o", "a.docx"), "expected a picture's suffix"),
            (("draw", "zz"), "expected an id or the beginning of one"),
        ):
            status, _, err = run(*arguments)
            assert (status, err.count("\n")) == (2, 1)
            assert told in err


POINTS = {"a": (10.0, 0.9), "b": (5.0, 0.4), "c": (20.0, 0.8)}
"""Energy and score by id."""


class TestFront:
    def test_joins_the_front_in_the_order_of_energy_and_rings_the_one_marked(self):
        rest, front, ring = draw_front(POINTS, front=("a", "b"), marked="c").axes[0].lines
        assert rest.get_xydata().tolist() == [[20.0, 0.8]]
        assert front.get_xydata().tolist() == [[5.0, 0.4], [10.0, 0.9]]
        assert front.get_drawstyle() == "steps-post"
        assert ring.get_xydata().tolist() == [[20.0, 0.8]]

    def test_of_nothing_or_of_strangers(self):
        with pytest.raises(InputError, match="expected at least one motif"):
            draw_front({})
        with pytest.raises(InputError, match="expected ids of its points; got z"):
            draw_front(POINTS, front=("z",))


class TestNotebooks:
    def test_a_circuit_is_its_picture(self):
        shown = circuit()._repr_svg_()
        assert shown == as_svg(draw_circuit(circuit()))
        assert shown.startswith("<svg")
        ET.fromstring(shown)

    def test_a_motif_is_its_scores_and_its_picture(self):
        shown = motif(0.6, score(0.9, task="<b>"))._repr_html_()
        assert "&lt;b&gt;: 0.900 [0.870, 0.930]" in shown
        assert "<svg" in shown
        assert motif(0.6).id[:12] in shown

    def test_a_recording_is_its_first_trial_where_spikes_were_recorded(self):
        stimulus = Stimulus(2, 20.0, current_pA=np.full((1, 2, circuit().n_neurons), 900.0))
        recorded = simulate(circuit(), stimulus, dt_ms=0.1, record=Record(spikes=True))
        assert recorded.spikes.trial.size > 0
        ET.fromstring(recorded._repr_svg_())
        assert simulate(circuit(), stimulus, dt_ms=0.1)._repr_svg_() is None


class TestBrowse:
    def test_a_public_address_needs_a_token_of_ones_own(self, run):
        status, _, err = run("browse", "--host", "192.0.2.1")
        assert (status, err.count("\n")) == (2, 1)
        assert "expected a token of your own in $EVOCIRCUITS_TOKEN" in err

    def test_a_missing_package_is_one_line_with_a_remedy(self, run, monkeypatch):
        monkeypatch.setitem(sys.modules, "fastapi", None)
        for name in [name for name in sys.modules if name.startswith("evocircuits.browser")]:
            monkeypatch.delitem(sys.modules, name)
        status, _, err = run("browse")
        assert (status, err) == (
            2,
            "error: browse needs fastapi; install it with: pip install 'evocircuits[browser]'\n",
        )

    def test_a_file_that_is_no_library_is_refused(self, run):
        Path("library.db").write_bytes(b"something else" * 500)
        status, _, err = run("browse", "--library", "sqlite:///library.db")
        assert status == 2
        assert "expected an evocircuits library" in err

    def test_a_task_that_there_is_not(self, run):
        status, _, err = run("browse", "--task", "zebra")
        assert status == 2
        assert "task: expected one of order" in err
