"""A circuit as a short Python script for NEST 3.10 (nest-simulator.org) that needs nothing of this package.

The script emits the spikes of `simulate` in float64, to the step. It lets NEST rest for two steps first, since NEST
takes no input at time 0, and counts times from there.
"""

import os
from pathlib import Path

import numpy as np

from evocircuits.checks import checked_positive
from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming

_PARAMETERS = {
    "V_reset": "reset_mV",
    "V_th": "threshold_mV",
    "tau_m": "tau_m_ms",
    "C_m": "c_m_pF",
    "t_ref": "t_ref_ms",
    "I_e": "bias_pA",
    "tau_syn_ex": "tau_syn_ex_ms",
    "tau_syn_in": "tau_syn_in_ms",
}

_SCRIPT = '''"""Circuit {id} in NEST 3.10, written by evocircuits {version}.

From a shell: python THIS.py stimulus.json spikes.json, where stimulus.json holds
{{"duration_ms": 100.0, "spikes": {{PORT: [[time_ms, …], [channel, …]]}}}} and spikes.json is written as
{{"time_ms": […], "neuron": […]}}. From Python: simulate(spikes, duration_ms).
"""

import json
import sys

import nest
import numpy as np

DT_ms = {dt_ms}
MODEL = {model!r}
NEURONS = {{
{neurons}
}}
# Of each group of synapses: source, target, signed weight (pA; mV with iaf_psc_delta), delay in ms, what NEST adds.
SYNAPSES = [
{synapses}
]
# Input ports: how many channels, and their synapses.
INPUTS = {{
{inputs}
}}
# Output ports: neurons in order.
OUTPUTS = {outputs}
PLASTIC = {plastic}
REST_ms = 2 * DT_ms


def simulate(spikes, duration_ms):
    """Spikes as {{port: (times_ms, channels)}} in; times in ms and neurons of all spikes out, in order of time."""
    nest.ResetKernel()
    nest.resolution = DT_ms
    n = len(NEURONS["V_th"])
    at_rest = {{"I_e": [0.0] * n, "V_th": [1e6] * n, "V_m": [0.0] * n, "E_L": [0.0] * n}}
    neurons = nest.Create(MODEL, n, NEURONS | at_rest)
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder, syn_spec={{"delay": DT_ms}})
    connect(neurons, neurons, SYNAPSES)
    for port, (n_channels, synapses) in INPUTS.items():
        times_ms, channels = (np.asarray(column) for column in spikes.get(port, ([], [])))
        if n_channels:
            connect(sources(times_ms, channels, n_channels), neurons, synapses)
    nest.Simulate(REST_ms)
    neurons.set({{"I_e": NEURONS["I_e"], "V_th": NEURONS["V_th"]}})
    nest.Simulate(duration_ms)
    step = np.rint((recorder.events["times"] - REST_ms) / DT_ms).astype(int)
    neuron = recorder.events["senders"] - neurons.tolist()[0]
    order = np.lexsort((neuron, step))
    return step[order] * DT_ms, neuron[order]


def sources(times_ms, channels, n_channels):
    """Generators of the input spikes; plastic synapses need neurons, which repeat them a step later."""
    shift = 2 - PLASTIC
    generators = nest.Create("spike_generator", n_channels)
    for channel, generator in enumerate(generators):
        steps = np.rint(np.sort(times_ms[channels == channel]) / DT_ms) + shift
        generator.spike_times = steps * DT_ms
    if not PLASTIC:
        return generators
    parrots = nest.Create("parrot_neuron", n_channels)
    nest.Connect(generators, parrots, "one_to_one", {{"delay": DT_ms}})
    return parrots


def connect(sources, neurons, groups):
    """Each group's synapses one by one."""
    source_ids, neuron_ids = np.array(sources.tolist()), np.array(neurons.tolist())
    for source, target, weight, delay, more in groups:
        more = {{name: np.array(v) if isinstance(v, list) else v for name, v in more.items()}}
        spec = {{"weight": np.array(weight), "delay": np.array(delay)}} | more
        nest.Connect(source_ids[source], neuron_ids[target], "one_to_one", spec)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        stimulus = json.load(file)
    time_ms, neuron = simulate(stimulus["spikes"], stimulus["duration_ms"])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({{"time_ms": time_ms.tolist(), "neuron": neuron.tolist()}}, file)
'''


def to_nest(what: Circuit | Motif, *, dt_ms: float | None = None) -> str:
    """A standalone Python script that rebuilds a motif or a circuit in NEST; a circuit needs its `dt_ms`.

    Its `simulate(spikes, duration_ms)` takes {port: (times_ms, channels)} and returns times in ms and neurons; as a
    program it reads and writes JSON. Plastic synapses learn as they do here.

    Raises `InputError` for a circuit without neurons, and for spike-timing rules of unequal τ₋, as NEST has one a
    neuron.
    """
    if isinstance(what, Motif):
        what, dt_ms = what.circuit, what.dt_ms if dt_ms is None else dt_ms
    if not isinstance(what, Circuit):
        raise InputError(f"to_nest: expected a motif or a circuit; got {type(what).__name__}")
    from importlib.metadata import version

    inputs = [
        f"    {port!r}: ({a.channels}, [{', '.join(_groups(what, a, a.channel, np.ones(len(a.channel))))}]),"
        for port, a in what.inputs.items()
    ]
    sign = np.where(what.excitatory, 1.0, -1.0)[what.source]
    return _SCRIPT.format(
        id=what.id,
        version=version("evocircuits"),
        dt_ms=checked_positive("to_nest: dt_ms", dt_ms),
        model=what.model,
        neurons="\n".join(f"    {name!r}: {values}," for name, values in _neurons(what).items()),
        synapses="\n".join(f"    {group}," for group in _groups(what, what, what.source, sign)),
        inputs="\n".join(inputs),
        outputs={port: neurons.tolist() for port, neurons in what.outputs.items()},
        plastic=bool(what.plasticity),
    )


def write_nest(what: Circuit | Motif, path: str | os.PathLike, *, dt_ms: float | None = None) -> None:
    """Write the script of `to_nest`, replacing a file there only once the new one is complete."""
    path, text = Path(path), to_nest(what, dt_ms=dt_ms)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror}") from None


def _neurons(circuit: Circuit) -> dict[str, list[float]]:
    if not circuit.n_neurons:
        raise InputError("to_nest: expected a circuit with neurons; got none")
    names = [name for name in _PARAMETERS if circuit.model == "iaf_psc_exp" or not name.startswith("tau_syn")]
    values = {name: getattr(circuit, _PARAMETERS[name]).tolist() for name in names}
    tau_minus_ms = {rule.tau_minus_ms for rule in circuit.plasticity if isinstance(rule, SpikeTiming)}
    if len(tau_minus_ms) > 1:
        raise InputError(
            f"to_nest: expected spike-timing rules of one tau_minus_ms, as NEST has one a neuron; "
            f"got {', '.join(map(str, sorted(tau_minus_ms)))}"
        )
    return values | ({"tau_minus": [tau_minus_ms.pop()] * circuit.n_neurons} if tau_minus_ms else {})


def _groups(circuit: Circuit, synapses: Circuit | Afferents, source, sign: np.ndarray) -> list[str]:
    """Synapses of one rule at a time, each group as the script has it."""
    groups = []
    # What NEST calls a weight of 1: 1 pA; with iaf_psc_delta a step of 1 mV, that is 1 mV × C in 1 ms.
    unit_pA = circuit.c_m_pF[synapses.target] if circuit.model == "iaf_psc_delta" else np.ones(len(source))
    for k in range(-1, len(circuit.plasticity)):
        chosen = synapses.rule == k
        if chosen.any():
            per_unit = (sign / unit_pA)[chosen]
            columns = [source[chosen], synapses.target[chosen], per_unit * synapses.weight_pA[chosen]]
            columns = [column.tolist() for column in (*columns, synapses.delay_ms[chosen])]
            groups.append(repr((*columns, {} if k < 0 else _rule(circuit.plasticity[k], per_unit))))
    return groups


def _rule(rule: Plasticity, per_unit: np.ndarray) -> dict:
    if isinstance(rule, ShortTerm):
        model, values = "tsodyks2_synapse", {"U": rule.utilisation, "u": rule.utilisation, "x": 1.0}
        values |= {"tau_rec": rule.tau_rec_ms, "tau_fac": rule.tau_fac_ms}
    else:
        model, values = "stdp_synapse", {"lambda": rule.learning_rate, "alpha": rule.alpha}
        values |= {"tau_plus": rule.tau_plus_ms, "mu_plus": rule.mu_plus, "mu_minus": rule.mu_minus}
    columns = {name: [value] * len(per_unit) for name, value in values.items()}
    bounds = {} if isinstance(rule, ShortTerm) else {"Wmax": (rule.max_weight * per_unit).tolist()}
    return {"synapse_model": model} | columns | bounds
