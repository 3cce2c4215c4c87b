"""Delays on the grid, and the circuits that the queue has no room for."""

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.plasticity import ShortTerm, SpikeTiming
from evocircuits.simulator import Record, Stimulus, simulate
from tests.simulator.circuits import equal_neurons, trains


def pair(delay_ms: float = 1.0, *, input_delay_ms: float = 0.5, **changes) -> Circuit:
    """A channel that makes neuron 0 fire, which makes neuron 1 fire."""
    inputs = {"eye": Afferents(1, [0], [0], [1e6], [input_delay_ms])}
    synapse = {"source": [0], "target": [1], "weight_pA": [1e6], "delay_ms": [delay_ms]}
    return equal_neurons(2, **synapse, inputs=inputs, **changes)


def spikes_ms(circuit: Circuit, dt_ms: float, *, lag: int) -> list[float]:
    """Times of the spikes less the `lag` in steps that either synapse adds to its delay."""
    stimulus = trains([10 * dt_ms], duration_ms=60.0, port="eye")
    recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=Record(spikes=True))
    assert recording.spikes.channel.tolist() == [0, 1]
    return (recording.spikes.time_ms - dt_ms * lag * np.array([1, 2])).tolist()


@pytest.mark.parametrize("dt_ms", [0.05, 0.1, 0.5])
@pytest.mark.parametrize(("model", "lag"), [("iaf_psc_exp", 1), ("iaf_psc_delta", 0)])
def test_a_spike_arrives_after_its_delay(model, lag, dt_ms):
    for delay_ms, input_delay_ms in ((1.0, 0.5), (0.5, 2.0), (25.0, 1.0)):
        circuit = pair(delay_ms, input_delay_ms=input_delay_ms, model=model)
        start = 10 * dt_ms + input_delay_ms
        assert spikes_ms(circuit, dt_ms, lag=lag) == pytest.approx([start, start + delay_ms])


def test_delays_are_rounded_to_the_grid():
    assert spikes_ms(pair(0.26, input_delay_ms=0.13), 0.1, lag=1) == pytest.approx([1.1, 1.4])


@pytest.mark.parametrize("model", MODELS)
def test_a_delay_of_one_step_is_the_shortest(model):
    lag = 1 if model == "iaf_psc_exp" else 0
    assert spikes_ms(pair(0.1, input_delay_ms=0.1, model=model), 0.1, lag=lag) == pytest.approx([1.1, 1.2])
    tenth = 0.3 - 0.2  # 0.09999999999999998
    assert spikes_ms(pair(tenth, input_delay_ms=tenth, model=model), 0.1, lag=lag) == pytest.approx(
        [1.1, 1.2]
    )


@pytest.mark.parametrize(
    ("circuit", "dt_ms", "message"),
    [
        (pair(0.099), 0.1, "Circuit.delay_ms: expected delays of at least dt_ms = 0.1; got 0.099"),
        (pair(0.001), 0.1, "Circuit.delay_ms: expected delays of at least dt_ms = 0.1; got 0.001"),
        (pair(), 3.5, "Circuit.delay_ms: expected delays of at least dt_ms = 3.5; got 1.0"),
        (pair(), 0.7, "Circuit.inputs['eye'].delay_ms: expected delays of at least dt_ms = 0.7; got 0.5"),
    ],
)
def test_a_delay_below_one_step_is_one_clear_line(circuit, dt_ms, message):
    with pytest.raises(InputError) as error:
        simulate(circuit, Stimulus(1, 7.0), dt_ms=dt_ms)
    assert str(error.value) == message


@pytest.mark.parametrize("delay_ms", [1e9, 1e18, 1e300])
@pytest.mark.parametrize("plasticity", [None, ShortTerm(), SpikeTiming(1e6)])
def test_a_delay_that_no_queue_can_hold_is_one_clear_line(delay_ms, plasticity):
    changes = {} if plasticity is None else {"rule": [0], "plasticity": (plasticity,)}
    with pytest.raises(InputError, match=r"^Circuit.delay_ms: expected at most [^\n]*; got [^\n]*$"):
        simulate(pair(delay_ms, **changes), Stimulus(1, 5.0), dt_ms=0.1)


def test_parallel_synapses_and_those_of_other_rules_all_pass_a_spike():
    rules = (ShortTerm(0.5, 100.0), SpikeTiming(1e3))
    a = Afferents(1, [0] * 6, [0] * 6, [25.0] * 6, [1.0, 1.0, 2.0, 1.0, 1.0, 2.0], [-1, -1, -1, 0, 1, 1])
    circuit = equal_neurons(inputs={"in": a}, tau_m_ms=[1e18], model="iaf_psc_delta", plasticity=rules)
    stimulus = trains([1.0], duration_ms=5.0)
    recording = simulate(circuit, stimulus, dt_ms=0.1, record=Record(voltage=(0,)), dtype=np.float64)
    # 0.1 mV each, the one of short term half: 0.1 + 0.1 + 0.05 + 0.1 at 2.0, then 0.1 + 0.1 at 3.0
    assert recording.voltage_mV[[18, 19, 28, 29], 0, 0] == pytest.approx([0, 0.35, 0.35, 0.55])
