"""What a certificate tries: every change of a circuit, with the words for it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.measure.ablation import ablated, recurrent
from evocircuits.measure.interventions import (
    cut,
    flipped,
    silenced,
    with_shuffled_delays,
    with_shuffled_weights,
)
from evocircuits.measure.noise import with_noisy_weights
from evocircuits.measure.paired import TIME_STEP, Condition, generator
from evocircuits.measure.parts import Parts
from evocircuits.measure.robustness import (
    DELAY_JITTER,
    FINER,
    MISMATCH,
    NEURONS_LOST,
    SPIKES_CHANGED,
    SPIKES_JITTERED,
    WEIGHT_BITS,
    WEIGHT_NOISE,
    quantised,
    with_delay_jitter,
    with_mismatch,
    with_neurons_lost,
)
from evocircuits.measure.table import from_excitatory, table_of
from evocircuits.tasks import Task

DRAWS = 20
"""Circuits drawn for a change that is random: of 2^20 assignments of signs to their effects two are as extreme as all
alike, enough for p < .001 after correction.
"""

Change = Callable[[np.random.Generator], Circuit]


@dataclass(frozen=True, eq=False)
class Item:
    """One row to be measured. `kind` and `key` as of its finding; `subject` of its verdict; `what` was changed.

    `draws` circuits come of `change`, each from a generator of its own, when they are asked for. Rows of a `series` are
    of rising levels, from mild to severe. `condition`: what the circuit meets instead of the plain trials. `whole`:
    `subject` is what is left of the circuit, not what is missing.
    """

    kind: str
    key: str
    subject: str
    what: str
    change: Change
    draws: int = 1
    series: str | None = None
    condition: Condition | None = None
    whole: bool = False

    def circuits(self, seed: int) -> list[Circuit]:
        """The changed circuits; the same seed gives the same ones."""
        return [self.change(generator(seed, f"{self.key} {k}")) for k in range(self.draws)]


def knock_outs(circuit: Circuit, parts: Parts) -> Iterator[Item]:
    """Inhibition, recurrence, plasticity, transmission by polarities, and every population, projection and neuron.

    Only what is there: a circuit without recurrence has none to lose, and a population of one is its neuron.
    """

    def item(subject: str, change: Change, detail: str = "") -> Item:
        return Item("knock-out", subject, subject, f"{subject}{detail} knocked out", change)

    if not circuit.excitatory[circuit.source].all():
        yield item("inhibition", lambda rng: ablated(circuit, "inhibition"))
    if recurrent(circuit).any():
        yield item("recurrence", lambda rng: ablated(circuit, "recurrence"))
    if circuit.plasticity:
        yield item("plasticity", lambda rng: ablated(circuit, "plasticity"))
    for name, rows in _transmissions(circuit):
        yield item(name, lambda rng, rows=rows: cut(circuit, rows))
    names = parts.names()
    for p in parts.populations:
        lone, place = len(p.members) == 1, _place(circuit, p.members)
        kind = "neuron" if lone else "population"
        subject, size = f"{kind} {p.name}", "" if lone else f" ({len(p.members)} neurons)"
        yield item(subject, lambda rng, p=p: silenced(circuit, p.members), place + size)
    for j in parts.projections:
        if n := len(j.members):
            size = f" ({n} synapse{'s' * (n > 1)})"
            yield item(f"projection {j.name}", lambda rng, j=j: cut(circuit, j.members), size)
    for p in parts.populations:
        for neuron in p.members if len(p.members) > 1 else ():
            one = np.array([neuron])
            yield item(
                f"neuron {names[neuron]}",
                lambda rng, one=one: silenced(circuit, one),
                _place(circuit, one),
            )


def changes(circuit: Circuit, parts: Parts) -> Iterator[Item]:
    """All delays equal; delays shuffled; weights shuffled within a projection; the polarity of a population flipped."""

    def item(key: str, subject: str, what: str, change: Change, draws: int = 1) -> Item:
        return Item("change", key, subject, what, change, draws)

    table = table_of(circuit)
    if len(np.unique(table.delay_ms)) > 1:
        yield item("delays", "that delays differ", "all delays equal", lambda rng: ablated(circuit, "delays"))
        yield item(
            "places of delays",
            "which synapse has which delay",
            f"delays shuffled ({DRAWS} draws)",
            lambda rng: with_shuffled_delays(circuit, rng),
            DRAWS,
        )
    for name, rows in _weight_groups(circuit, parts):
        if len(np.unique(table.weight_pA[rows])) > 1:
            yield item(
                f"places of weights {name}",
                f"which synapse of {name} has which weight",
                f"weights of {name} shuffled ({DRAWS} draws)",
                lambda rng, rows=rows: with_shuffled_weights(circuit, rows, rng),
                DRAWS,
            )
    for p in parts.populations:
        if np.isin(circuit.source, p.members).any():
            yield item(
                f"polarity {p.name}",
                f"the polarity of {p.name}",
                f"polarity of {p.name} flipped",
                lambda rng, p=p: flipped(circuit, p.members),
            )


def strains(circuit: Circuit, task: Task, spiking: bool) -> Iterator[Item]:
    """What a circuit may have to withstand, level by level, from mild to severe; other input only where it is `spiking`
    and there before the circuit does anything.
    """

    def series(name: str, levels: Iterable[float], words: str, change: Callable, draws: int = DRAWS):
        for level in levels:
            label = _label(words, level)
            yield _strain(name, label, lambda rng, level=level: change(level, rng), draws)

    def conditions(name: str, levels: Iterable[float], words: str):
        for level in levels:
            yield _strain(name, _label(words, level), lambda rng: circuit, 1, (name, level))

    yield from series(
        "weight noise",
        WEIGHT_NOISE,
        "weight noise of {:.0%}",
        lambda x, rng: with_noisy_weights(circuit, x, rng),
    )
    yield from series("bits", WEIGHT_BITS, "weights of {} bits", lambda x, rng: quantised(circuit, x), 1)
    yield from series(
        "delay jitter",
        DELAY_JITTER,
        "delay jitter of {:.0%}",
        lambda x, rng: with_delay_jitter(circuit, x, task.dt_ms, rng),
    )
    yield from series(
        "neurons lost",
        NEURONS_LOST,
        "a loss of {:.0%} of the neurons",
        lambda x, rng: with_neurons_lost(circuit, x, rng),
    )
    yield from series(
        "mismatch", MISMATCH, "a mismatch of τ by {:.0%}", lambda x, rng: with_mismatch(circuit, x, rng)
    )
    if task.open_loop and spiking:
        yield from conditions("spikes added", SPIKES_CHANGED, "{:.0%} of input spikes added")
        yield from conditions("spikes deleted", SPIKES_CHANGED, "{:.0%} of input spikes deleted")
        jitters_ms = [steps * task.dt_ms for steps in SPIKES_JITTERED]
        yield from conditions("spikes jittered", jitters_ms, "input jitter of {:.3g} ms")
    if task.open_loop:
        yield from conditions(TIME_STEP, (FINER,), "half the time step")


def _label(words: str, level: float) -> str:
    return words.format(level).replace("%", " %")


def _strain(series: str, label: str, change: Change, draws: int, condition: Condition | None = None) -> Item:
    return Item("robustness", label, label, label, change, draws, series, condition)


def _transmissions(circuit: Circuit) -> list[tuple[str, np.ndarray]]:
    """Names and masks of the synapses between neurons by polarities: those of inhibitory sources only where they have
    targets of both, as else they are all inhibition.
    """
    table = table_of(circuit)
    between, target = table.port < 0, circuit.excitatory[table.target]
    found = []
    for source, sign in ((True, "excitation E"), (False, "inhibition I")):
        of_source = between & (from_excitatory(circuit, table) == source)
        kinds = [(f"{sign} → {'E' if onto else 'I'}", of_source & (target == onto)) for onto in (True, False)]
        there = [(name, rows) for name, rows in kinds if rows.any()]
        found += there if source or len(there) == 2 else []
    return found


def _weight_groups(circuit: Circuit, parts: Parts) -> list[tuple[str, np.ndarray]]:
    if parts.told:
        return [(f"projection {j.name}", j.members) for j in parts.projections]
    table = table_of(circuit)
    excitatory = from_excitatory(circuit, table)
    groups = {port: table.port == k for k, port in enumerate(circuit.inputs)}
    groups |= {"E neurons": (table.port < 0) & excitatory, "I neurons": (table.port < 0) & ~excitatory}
    return [(name, np.flatnonzero(mask)) for name, mask in groups.items() if mask.any()]


def _place(circuit: Circuit, neurons: np.ndarray) -> str:
    """The output port that neurons serve, for one neuron its place there."""
    for port, members in circuit.outputs.items():
        at = np.flatnonzero(np.isin(members, neurons))
        if len(at):
            return f", output {port}" + (f"[{at[0]}]" if len(at) == 1 and len(members) > 1 else "")
    return ""
