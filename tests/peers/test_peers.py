"""A written NIR file, run by snnTorch's and by Norse's own neurons, emits the simulator's spikes."""

from importlib import import_module

import numpy as np
import pytest
import torch

from evocircuits.circuit import MODELS
from evocircuits.exchange.nir import write_nir
from evocircuits.simulator import Record, simulate
from tests.peers.interpreter import Constants, spikes_of
from tests.simulator.circuits import random_circuit, random_stimulus

pytestmark = pytest.mark.peers
torch.set_num_threads(1)
DT_MS, STEPS = 0.1, 600


class SnnTorch:
    """`Leaky` for both: mem ← β mem + input."""

    def current(self, decay):
        leaky = import_module("snntorch").Leaky(beta=decay, threshold=1e30, reset_mechanism="none")
        return lambda i_pA, arrived: leaky(arrived, i_pA)[1]

    def membrane(self, c: Constants):
        leaky = import_module("snntorch").Leaky(beta=c.decay, threshold=c.threshold, reset_mechanism="none")

        def advance(v_mV, input_mV):
            spikes, v_mV = leaky(input_mV, v_mV)
            return spikes > 0, v_mV

        return advance


class SnnTorchSynaptic(SnnTorch):
    """`Synaptic` for currents: its own current, with a membrane that forgets at once and shows nothing else."""

    def current(self, decay):
        synaptic = import_module("snntorch").Synaptic(
            alpha=decay, beta=torch.zeros_like(decay), threshold=1e30, reset_mechanism="none"
        )
        return lambda i_pA, arrived: synaptic(arrived, i_pA, torch.zeros_like(i_pA))[2]


class Norse:
    """`LIBoxCell` and `LIFBoxCell`: v ← v + dt τ⁻¹ (v_leak − v + input), exact where dt τ⁻¹ is 1 − decay."""

    def current(self, decay):
        cells = import_module("norse.torch.module.leaky_integrator_box")
        parameters = cells.LIBoxParameters(tau_mem_inv=1 - decay, v_leak=torch.zeros_like(decay))
        cell = cells.LIBoxCell(parameters, dt=1.0)
        return lambda i_pA, arrived: cell(arrived / (1 - decay), cells.LIBoxState(i_pA))[0]

    def membrane(self, c: Constants):
        cells = import_module("norse.torch.module.lif_box")
        parameters = cells.LIFBoxParameters(
            tau_mem_inv=c.gain, v_leak=torch.zeros_like(c.gain), v_th=c.threshold, v_reset=c.reset
        )
        cell = cells.LIFBoxCell(parameters, dt=1.0)

        def advance(v_mV, input_mV):
            spikes, state = cell(input_mV / c.gain, cells.LIFBoxFeedForwardState(v_mV))
            return spikes > 0, state.v

        return advance


PEERS = {"snntorch": SnnTorch, "snntorch.Synaptic": SnnTorchSynaptic, "norse": Norse}


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_runs_the_file_as_the_simulator_runs_the_circuit(tmp_path, peer, model, alike):
    nir = pytest.importorskip("nir", reason="pip install 'evocircuits[exchange]'")
    pytest.importorskip(peer.partition(".")[0], reason="pip install 'evocircuits[peers]'")
    rng = np.random.default_rng(len(peer) + alike)
    n_spikes = 0
    for n in (3, 16):
        circuit = random_circuit(rng, n=n, strength=0.4, bias=1.1, model=model)
        if alike:
            circuit = circuit.from_dict(circuit.to_dict() | {"tau_syn_in_ms": circuit.tau_syn_ex_ms.tolist()})
        stimulus = random_stimulus(rng, n_trials=2, n_steps=STEPS)
        write_nir(circuit, tmp_path / "a.nir", dt_ms=DT_MS)
        recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True), dtype=np.float64)
        step = np.rint(recording.spikes.time_ms / DT_MS).astype(int)
        expected = sorted(
            zip(
                step.tolist(), recording.spikes.trial.tolist(), recording.spikes.channel.tolist(), strict=True
            )
        )
        with torch.no_grad():
            found = spikes_of(nir.read(tmp_path / "a.nir"), stimulus, PEERS[peer]())
        assert found == expected
        n_spikes += len(expected)
    assert n_spikes > 100
