"""The exclusive or in spikes that neat-python ships as its spiking example, as a task of one's own.

The same as there (neat_peer.py tells it): two inputs, each a constant current of 0 or 1 times a weight for 20 ms; the
four cases, without noise; steps of .05 ms; two outputs, whose first spikes mean 1 within 1 ms of each other, 0 from
11 ms on, what is between in proportion, and −1 where one is missing. So both must fire without any input too: there,
each cell has a bias of its own; here, a third input that is always 1 serves for it. The search maximises the same, the
mean squared error, on a scale from 0 for silence, which is worst, to 1 for no error.

What differs: cells are leaky integrators that obey Dale's law, in place of Izhikevich's; inputs and bias only excite,
so that holding back takes an inhibitory cell, where there weights and biases have either sign; a spike's current lasts
as long as its synapse says and comes after a delay, where there it lasts one step and comes in the next.

A case is right if its error is at most .158; where the problem counts as solved there, at a fitness of 9.9, all cases
are. So the raw score is 1 where it is solved, and only there (in a batch with each case as often as the others).

    evocircuits tasks scripts/benches/spiking_xor.py:SpikingXor
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Record, Recording, Stimulus
from evocircuits.tasks import Ranges, Score, Task, Trials

DURATION_ms = 20.0
SQUARED_ERROR = 0.1 / 4
"""The mean of the four cases where the problem counts as solved."""
WORST = 2.5
"""The mean squared error of silence."""


class SpikingXor(Task):
    """Two currents, each on or off, and one always on; two outputs, first spikes together if just one is on."""

    name = "spiking_xor"
    summary = "Two currents are on or off: let two outputs first spike together if one is on, else far apart."
    source = "neat-python 2.0.0, examples/xor/evolve-spiking.py"
    inputs = (Port("a", 1), Port("b", 1), Port("bias", 1))
    outputs = (Port("first", 1), Port("second", 1))
    dt_ms = 0.05
    chance = 0.5
    ceiling = 1.0
    claim = ("inhibition",)
    record = Record(first_spikes=True)
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.2, 20.0),
        tau_syn_in_ms=(0.2, 20.0),
        delay_ms=(0.05, 15.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 2.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """The four cases in random order, each as often as the others (± 1). Answer: 2a + b."""
        answer = rng.permutation((np.arange(n) + rng.integers(4)) % 4)
        on = {"a": answer // 2, "b": answer % 2, "bias": np.ones(n)}
        graded = {port: value.astype(float).reshape(1, n, 1) for port, value in on.items()}
        return Trials(Stimulus(n, DURATION_ms, graded=graded), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """One for a squared error of at most the mean that solves the problem, and for all where it is solved.

        Graded: 1 less the mean squared error in units of the worst.
        """
        outputs = recording.circuit.outputs
        first_ms, second_ms = (recording.first_spike_ms[:, outputs[port.name][0]] for port in self.outputs)
        squared = (response(first_ms, second_ms) - np.isin(trials.answer, (1, 2))) ** 2
        right = (squared <= SQUARED_ERROR) | (squared.mean() <= SQUARED_ERROR)
        return Score(right.astype(float), float(1 - squared.mean() / WORST), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """`first` fires at 1 ms and makes `second` fire at 14 ms, unless `one` has driven it soon after `first`.

        One input is enough for the cell `one`; only two get `both` to threshold, whose inhibition forestalls `one`.
        """
        a, b, bias = self.inputs
        first, second = (_cell(port.name, port=port.name) for port in self.outputs)
        one, both = _cell("one"), _cell("both", excitatory=False, tau_m_ms=1.0, tau_syn_ex_ms=0.2)
        projections = (
            _synapse(bias, first, 0.6),
            _synapse(first, second, 4.0, 13.0),
            *(_synapse(port, one, 1.0) for port in (a, b)),
            *(_synapse(port, both, 0.12) for port in (a, b)),
            _synapse(one, second, 2.0, 1.3),
            _synapse(both, second, 6.0),
        )
        return Genome(self.inputs, self.outputs, (first, second, one, both), projections)


def response(first_ms: np.ndarray, second_ms: np.ndarray) -> np.ndarray:
    """float[trials]: what two first spikes mean, where infinity stands for a missing one."""
    fired = np.isfinite(first_ms) & np.isfinite(second_ms)
    apart_ms = np.abs(np.where(fired, first_ms, 0.0) - np.where(fired, second_ms, 0.0))
    return np.where(fired, np.clip(1.1 - 0.1 * apart_ms, 0.0, 1.0), -1.0)


def _cell(
    name: str,
    *,
    excitatory: bool = True,
    port: str | None = None,
    tau_m_ms: float = 5.0,
    tau_syn_ex_ms: float = 1.0,
) -> PopulationGene:
    """A cell that fires once."""
    constants = tau_m_ms, 15.0, DURATION_ms, tau_syn_ex_ms, 2.0
    return PopulationGene(innovation("spiking_xor", name), excitatory, 1, *constants, port=port)


def _synapse(source: Port | PopulationGene, target: PopulationGene, strength: float, delay_ms: float = 0.05):
    id = innovation("spiking_xor", source.id, target.id)
    return ProjectionGene(id, source.id, target.id, Pattern("one_to_one"), strength, delay_ms)


def _silent(task: SpikingXor) -> Genome:
    cells = tuple(_cell(port.name, port=port.name) for port in task.outputs)
    return Genome(task.inputs, task.outputs, cells, ())


def _relay(task: SpikingXor) -> Genome:
    """Either input drives an output of its own, and the bias both of them, later."""
    cells = tuple(_cell(port.name, port=port.name) for port in task.outputs)
    wires = [_synapse(port, cell, 1.0) for port, cell in zip(task.inputs, cells, strict=False)]
    wires += [_synapse(task.inputs[2], cell, 0.3) for cell in cells]
    return Genome(task.inputs, task.outputs, cells, tuple(wires))


if __name__ == "__main__":
    from evocircuits.development import develop

    task = SpikingXor()
    trials = task.trials(np.random.default_rng(1), 4)
    for name, genome in (("reference", task.reference()), ("silent", _silent(task)), ("relay", _relay(task))):
        score = task.play(develop(genome, dt_ms=task.dt_ms), trials).score
        print(f"{name}: {score.raw:.2f} of the cases right, graded {score.graded:.3f}")
