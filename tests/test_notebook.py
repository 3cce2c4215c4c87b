"""The notebook runs from top to bottom in an empty folder, and shows what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "scripts" / "evolve-inspect-train.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    folder = str(tmp_path_factory.mktemp("notebook"))
    NotebookClient(notebook, timeout=250, resources={"metadata": {"path": folder}}).execute()
    return notebook


def told(cell) -> str:
    return "".join(output.get("text") or output["data"]["text/plain"] for output in cell.outputs)


def test_it_has_ten_cells_without_the_outputs_of_a_session():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert len(notebook.cells) == 10
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_it_evolves_a_circuit_that_tells_the_order(executed):
    assert told(executed.cells[4]) == "{'a first': True, 'b first': False}"


def test_it_draws_the_circuit_and_its_certificate(executed):
    for k in (3, 5):
        assert (
            executed.cells[k]
            .outputs[0]["data"]["image/svg+xml"]
            .lstrip()
            .startswith(("<svg", "<?xml", "<!DOC"))
        )


def test_training_lowers_the_loss(executed):
    before, after = told(executed.cells[8]).split(",")[0].removeprefix("loss ").split(" -> ")
    assert float(after) < 0.6 * float(before)
