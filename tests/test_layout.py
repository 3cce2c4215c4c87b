import numpy as np
import pytest

from evocircuits.circuit import Afferents, Circuit
from evocircuits.draw import draw_circuit
from evocircuits.layout import lay_out
from tests.circuits import circuit, random_circuit, vars_of
from tests.library.motifs import genome


def test_inputs_left_outputs_right_hidden_between():
    layout = lay_out(circuit(), genome())
    assert layout.channels["ear"][:, 0].max() < layout.neurons[3:, 0].min()
    assert layout.neurons[3:, 0].max() < layout.neurons[:3, 0].min()


def test_index_runs_down():
    layout = lay_out(circuit(), genome())
    assert np.all(np.diff(layout.neurons[:3, 1]) < 0)
    assert np.all(np.diff(layout.channels["ear"][:, 1]) < 0)


@pytest.mark.parametrize("drawn", [circuit(), random_circuit(), random_circuit(60, 300)])
def test_no_two_share_a_place(drawn):
    layout = lay_out(drawn)
    places = np.concatenate([layout.neurons, *layout.channels.values()])
    apart = np.abs(places[:, None] - places[None]).sum(axis=2) + np.eye(len(places))
    assert apart.min() >= 0.9 * layout.pitch


def test_populations_of_a_genome_stand_apart():
    with_twins = genome(hidden=2)
    sizes = [g.size for g in lay_out(circuit(), with_twins).groups]
    assert sizes == [2, 3, 2]


def test_chains_do_not_stretch_the_picture():
    n = 12
    chain = random_circuit(n, 1)
    links = dict(
        source=np.arange(2, n - 1),
        target=np.arange(3, n),
        weight_pA=np.ones(n - 3),
        delay_ms=np.ones(n - 3),
    )
    ports = {"inputs": {"in": Afferents(1, [0], [2], [1.0], [1.0])}, "outputs": {"out": [0]}}
    unlike = {"tau_m_ms": 10.0 + np.arange(n)}
    layout = lay_out(Circuit(**{**vars_of(chain), **links, **unlike, **ports}))
    assert layout.column.max() == 4


def test_nothing_to_lay_out_but_one_neuron():
    alone = {name: value[:1] for name, value in vars_of(random_circuit(8, 0)).items() if value != {}}
    layout = lay_out(Circuit(**alone))
    assert layout.neurons.shape == (1, 2)
    draw_circuit(Circuit(**alone))
