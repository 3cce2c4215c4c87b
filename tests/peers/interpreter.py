"""A written NIR file run by other simulators' own neurons, which an own node map makes exact.

What snnTorch 1.0 and Norse 1.1 themselves make of a NIR graph is not what the graph says:
- snnTorch `import_from_nir`: dt is 0.1 ms whatever the graph; decays are 1 − dt/τ (Euler); `v_reset` is taken for 0,
  `v_leak` must be 0, thresholds must be equal, `r` must be τ/dt; LI and Delay are unknown; in a recurrent subgraph the
  input is connected to the recurrent weights in place of the neurons.
- Norse `from_nir`: `v_reset` is dropped, `r` of a LIF is dropped with a warning, a CubaLIF's `v_leak` leaks into its
  current too, steps are Euler's, LI and Delay are unknown; `to_nir` writes dt × τ for τ.
So each peer here is two modules of that package, a current and a membrane, with coefficients that make its own update
the exact one; refractory times, which neither has, are added around the membrane.
"""

from typing import NamedTuple, Protocol

import nir
import numpy as np
import torch
from torch import Tensor

from evocircuits.simulator import Stimulus


class Constants(NamedTuple):
    """Of each neuron behind a receptor: decay of the membrane in a step, the potential of a constant current of 1 pA
    times 1 − decay, of the bias likewise, threshold, reset, refractory steps.
    """

    decay: Tensor
    gain: Tensor
    drive: Tensor
    threshold: Tensor
    reset: Tensor
    refractory: Tensor


class Membrane(Protocol):
    """A peer's neuron without memory of its own: input in mV and membrane in, (above threshold, membrane) out."""

    def __call__(self, v_mV: Tensor, input_mV: Tensor) -> tuple[Tensor, Tensor]: ...


class Peer(Protocol):
    """The node map of one package."""

    def current(self, decay: Tensor):
        """(current, arriving) → current a step later."""

    def membrane(self, c: Constants) -> Membrane:
        """See `Membrane`."""


def spikes_of(graph: nir.NIRGraph, stimulus: Stimulus, peer: Peer) -> list[tuple[int, int, int]]:
    """Sorted (step, trial, neuron) of the node 'neurons' for a stimulus on the graph's inputs, by their port names."""
    dt_s = graph.metadata["dt_ms"] / 1000
    n_steps, trials = round(stimulus.duration_ms / graph.metadata["dt_ms"]), stimulus.n_trials
    sources = {name: _dense(node, stimulus, n_steps) for name, node in graph.inputs.items()}
    cells = _Neurons(graph, peer, dt_s, trials)
    emitted = torch.zeros(n_steps + 1, trials, cells.n, dtype=torch.float64)
    sources["neurons"] = emitted
    lines = [(source, *line) for source in sources for line in _lines(graph, source, dt_s)]
    for step in range(1, n_steps + 1):
        arriving = {}
        for source, axons, delay, weight, end in lines:
            at = step - delay
            past = sources[source][at.clamp_min(0), :, axons].T * (at >= 0)
            arriving[end] = arriving.get(end, 0) + past @ weight.T
        emitted[step] = cells.advance(arriving)
    step, trial, neuron = torch.nonzero(emitted, as_tuple=True)
    return sorted(zip(step.tolist(), trial.tolist(), neuron.tolist(), strict=True))


class _Neurons:
    """The spiking node and its currents, advanced by a peer's modules."""

    def __init__(self, graph: nir.NIRGraph, peer: Peer, dt_s: float, trials: int):
        cells = graph.nodes["neurons"]
        self.n = len(cells.v_threshold)
        tau_m = _tensor(cells.tau_mem if isinstance(cells, nir.CubaLIF) else cells.tau)
        filters = {name: node for name, node in graph.nodes.items() if isinstance(node, nir.LI)}
        taus = {name: (_tensor(node.tau), _tensor(node.r)) for name, node in filters.items()}
        if isinstance(cells, nir.CubaLIF):
            taus["neurons"] = _tensor(cells.tau_syn), _tensor(cells.w_in)
        c = _constants(cells, tau_m, dt_s, graph.metadata["dt_ms"])
        self.c, self.step_gain = c, _tensor(cells.r) / tau_m
        self.currents = {name: peer.current(torch.exp(-dt_s / tau)) for name, (tau, _) in taus.items()}
        self.per_weight = {name: w / tau for name, (tau, w) in taus.items()}
        self.to_mV = {
            name: _current_to_voltage(tau_m, tau, self.step_gain, dt_s) for name, (tau, _) in taus.items()
        }
        self.membrane = peer.membrane(c)
        self.v_mV = torch.zeros(trials, self.n, dtype=torch.float64)
        self.i_pA = {name: torch.zeros_like(self.v_mV) for name in taus}
        self.refractory = torch.zeros_like(self.v_mV)

    def advance(self, arriving: dict[str, Tensor]) -> Tensor:
        """A step: membranes move by the currents of the step before, then what arrives raises the currents."""
        input_mV = self.c.drive.expand_as(self.v_mV)
        for name, i_pA in self.i_pA.items():
            input_mV = input_mV + self.to_mV[name] * i_pA
        if not self.i_pA and "neurons" in arriving:
            input_mV = input_mV + self.step_gain * arriving["neurons"]
        above, v_mV = self.membrane(self.v_mV, input_mV)
        held = self.refractory > 0
        fired = above & ~held
        self.v_mV = torch.where(held | fired, self.c.reset.expand_as(v_mV), v_mV)
        self.refractory = torch.where(
            fired, self.c.refractory.expand_as(v_mV), (self.refractory - 1).clamp_min(0)
        )
        for name, i_pA in self.i_pA.items():
            arrived = arriving.get(name, torch.zeros_like(i_pA)) * self.per_weight[name]
            self.i_pA[name] = self.currents[name](i_pA, arrived)
        return fired.double()


def _constants(cells, tau_m: Tensor, dt_s: float, dt_ms: float) -> Constants:
    decay = torch.exp(-dt_s / tau_m)
    return Constants(
        decay=decay,
        gain=-torch.expm1(-dt_s / tau_m),
        drive=-torch.expm1(-dt_s / tau_m) * _tensor(cells.v_leak),
        threshold=_tensor(np.nextafter(cells.v_threshold, -np.inf)),  # peers fire above, the simulator at it
        reset=_tensor(cells.v_reset),
        refractory=torch.round(_tensor(cells.metadata["t_ref_ms"]) / dt_ms),
    )


def _current_to_voltage(tau_m: Tensor, tau_syn: Tensor, r_per_tau: Tensor, dt_s: float) -> Tensor:
    """What 1 pA, decaying for a step, adds to the membrane: r/τm ∫ e^{−(h−t)/τm} e^{−t/τs} dt."""
    rate = 1 / tau_syn - 1 / tau_m
    decay = torch.exp(-dt_s / tau_m)
    near = (rate * dt_s).abs() < 1e-9
    apart = decay * -torch.expm1(-dt_s * rate) / torch.where(near, torch.ones_like(rate), rate)
    return r_per_tau * torch.where(near, decay * dt_s, apart)


def _lines(graph: nir.NIRGraph, source: str, dt_s: float):
    """Of each path source → axons → delays → weights → end: source units, delays in steps, matrix, end."""
    after = {}
    for start, end in graph.edges:
        after.setdefault(start, []).append(end)
    for axons in after.get(source, []):
        for delays in after.get(axons, []):
            node = graph.nodes[delays]
            if not isinstance(node, nir.Delay):
                continue
            units = torch.as_tensor(graph.nodes[axons].weight).argmax(1)
            steps = torch.round(_tensor(node.delay) / dt_s).long()
            for weights in after[delays]:
                yield units, steps, _tensor(graph.nodes[weights].weight), after[weights][0]


def _dense(node: nir.Input, stimulus: Stimulus, n_steps: int) -> Tensor:
    """float[steps + 1, trials, channels]: how many spikes at each index."""
    channels = int(node.input_type["input"][0])
    dense = torch.zeros(n_steps + 1, stimulus.n_trials, channels, dtype=torch.float64)
    spikes = stimulus.spikes.get(node.metadata["port"])
    if spikes is not None:
        step = np.rint(spikes.time_ms / (stimulus.duration_ms / n_steps)).astype(int)
        np.add.at(dense.numpy(), (step, spikes.trial, spikes.channel), 1)
    return dense


def _tensor(values) -> Tensor:
    return torch.as_tensor(np.array(values), dtype=torch.float64)
