"""Forage: live on moving sources of sound, in a closed loop of ears, spikes, motors and energy.

Crossed excitation, each ear driving the motor of the other side, turns a body towards what it hears: vehicle 2b of
Braitenberg, Vehicles (MIT Press, 1984). With four sources at once their pulls add up to a course between them, and the
vehicle goes less than a third of the way from a random walker to an all-knowing steerer. Inhibition, by which it
attends to the nearest source alone, takes it two thirds of the way.

The world is that of `forage_world`. No wall bounds the plane: who runs straight on leaves all food behind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import UNLIMITED, Record
from evocircuits.tasks.base import Example, Play, Ranges, Task, closed_loop_example, joined
from evocircuits.tasks.forage_sound import STEP_ms, THRESHOLDS_dB
from evocircuits.tasks.forage_world import MEAL, START, Life, Lives, World
from evocircuits.tasks.side_by_side import Done, SideBySide, in_blocks, plays

STEPS = 500
WALKER_meals = -0.803
"""Mean net intake of a random walker, over 40,000 lives (± .003)."""
STEERER_meals = 9.25
"""Mean net intake of an all-knowing steerer, over 6,000 lives (± .02)."""
EXAMPLE_STEPS = 50


class Step(NamedTuple):
    """What 20 ms brought: what was heard and `done`, and the world after them."""

    done: Done
    world: World


class Forage(Task):
    """Six fibres of the left ear, the more sensitive first, then those of the right; the spikes of two neurons are the
    twitches of the motors on the left and on the right.

    A life lasts for 10 s at most. It starts with the energy of one meal, pays .2 meals a second to stay alive, 1 for
    each 10,000 spikes and 1 for each 100,000 synaptic events, gains one at each source it reaches, and ends at zero.
    The score is what was gained less what was paid, in meals.

    Chance is the net intake of a random walker, whose motors get Poisson numbers of spikes every 20 ms, with means that
    are drawn anew from 0…2 every second. The ceiling is that of an all-knowing steerer, which takes the sources in the
    order that reaches all four soonest, on average, and pays for nothing but motor spikes and staying alive.
    """

    name = "forage"
    summary = "Live on moving sources of sound: steer by two ears, pay for every spike, do not starve."
    source = "Braitenberg 1984; world and costs of this suite"
    inputs = (Port("ears", 2 * len(THRESHOLDS_dB)),)
    outputs = (Port("motors", 2),)
    dt_ms = 0.05
    chance = WALKER_meals / STEERER_meals
    ceiling = 1.0
    claim = ("inhibition", "recurrence")
    credit_range = (-np.inf, np.inf)
    unit = "net meals a life"
    per_credit = STEERER_meals
    max_spikes = 2000
    held_out = 400
    ranges = Ranges(
        tau_m_ms=(0.5, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.1, 50.0),
        tau_syn_in_ms=(0.5, 100.0),
        delay_ms=(0.05, 25.0),
        typical={
            "tau_m_ms": 3.0,
            "t_ref_ms": 1.0,
            "tau_syn_ex_ms": 1.0,
            "tau_syn_in_ms": 10.0,
            "delay_ms": 0.5,
        },
        bias=(0.0, 1.5),
    )

    def trials(self, rng: np.random.Generator, n: int) -> Lives:
        """Lives with sources, directions and phases drawn from `rng`."""
        return Lives.draw(rng, n)

    def play(self, circuit: Circuit, trials: Lives, *, max_spikes: int = UNLIMITED) -> Play:
        """The circuit's lives."""
        return self.play_all([circuit], trials, max_spikes=max_spikes)[0]

    def play_all(
        self, circuits: Sequence[Circuit], trials: Lives, *, max_spikes: int | Sequence[int] = UNLIMITED
    ) -> list[Play]:
        """All circuits' lives side by side."""
        return in_blocks(
            circuits, max_spikes, lambda together, limits: self._played(together, trials, limits)
        )

    def example(self, circuit: Circuit, trials: Lives) -> Example:
        """The first second of the lives."""
        record = Record(spikes=True)
        steps = islice(
            self._steps(SideBySide.of([circuit]), World.begin(trials), record=record), EXAMPLE_STEPS
        )
        return closed_loop_example([(step.done.stimulus, step.done.recording) for step in steps])

    def life(self, circuit: Circuit, trials: Lives, which: int = 0) -> Life:
        """One of the lives as `play` lets it be lived, to its end."""
        worlds, heard, spikes = [World.begin(trials)], [[0, 0]], []
        steps = self._steps(SideBySide.of([circuit]), worlds[0], record=Record(spikes=True))
        for done, world in steps:
            worlds.append(world)
            at_fibres = done.stimulus.spikes[self.inputs[0].name]
            ear = at_fibres.channel[at_fibres.trial == which] // len(THRESHOLDS_dB)
            heard.append(np.bincount(ear, minlength=2))
            spikes.append(done.recording.spikes)
            if not world.alive[which]:
                break
        spikes = joined(spikes)
        own = spikes.trial == which
        states = ("position_m", "heading", "activation", "energy", "meals")
        return Life(
            step_ms=STEP_ms,
            **{name: np.array([getattr(world, name)[which] for world in worlds]) for name in states},
            source_m=np.array([world.sources_m(world.time_ms)[which] for world in worlds]),
            meal=MEAL,
            heard=np.array(heard),
            spike_ms=spikes.time_ms[own],
            neuron=spikes.channel[own],
            names=_names(circuit),
            excitatory=circuit.excitatory,
        )

    def reference(self) -> Genome:
        """Vehicle 2b with inhibition: on either side an ear, an inhibitory cell and a motor.

        An ear spikes when two of its fibres do, and drives the motor of the other side. Through its inhibitory cell it
        holds back the motor of its own side, for a moment silences the other inhibitory cell, so that the ear that
        hears first decides, and for tens of ms raises the bar for both ears: only clicks as loud as those of the
        nearest source pass, and the others are not listened to. In silence motors spike by themselves.
        """
        cells = {
            "ear": (True, 1.0, 0.1, 65.0, 0.0, None),
            "inhibitory": (False, 1.0, 0.1, 0.8, 0.0, None),
            "motor": (True, 4.5, 10.0, 40.0, 860.0, "motors"),
        }
        populations = tuple(
            PopulationGene(
                innovation("forage", kind),
                excitatory,
                2,
                tau_m_ms,
                15.0,
                1.0,
                *tau_syn_ms,
                bias_pA=bias_pA,
                port=port,
            )
            for kind, (excitatory, tau_m_ms, *tau_syn_ms, bias_pA, port) in cells.items()
        )
        ear, inhibitory, motor = (p.id for p in populations)
        own_side, other_side, both = map(Pattern, ("one_to_one", "all_but_self", "all_to_all"))
        wires = (
            (self.inputs[0].id, ear, own_side, 0.54, 0.05),
            (ear, motor, other_side, 0.65, 0.5),
            (ear, inhibitory, own_side, 1.2, 0.05),
            (inhibitory, motor, own_side, 0.14, 0.05),
            (inhibitory, inhibitory, other_side, 1.8, 0.05),
            (inhibitory, ear, both, 0.5, 0.05),
        )
        projections = tuple(ProjectionGene(innovation("forage", i), *wire) for i, wire in enumerate(wires))
        return Genome(self.inputs, self.outputs, populations, projections)

    def _played(self, together: SideBySide, trials: Lives, limits: np.ndarray) -> list[Play]:
        """Of each circuit, which lives all of `trials`."""
        shape, lived = (together.n, trials.n), np.zeros(together.n, int)
        world = World.begin(trials.times(together.n))
        for step in self._steps(together, world, limits):
            lived += world.alive.reshape(shape).any(axis=1)
            world = step.world
        credit = ((world.energy - START) / MEAL / STEERER_meals).reshape(shape)
        spikes, synaptic_events = world.spikes.reshape(shape), world.synaptic_events.reshape(shape)
        return plays(self, credit, spikes, synaptic_events, trials.n * lived * STEP_ms, limits)

    def _steps(
        self,
        together: SideBySide,
        world: World,
        limits: np.ndarray | int = UNLIMITED,
        record: Record | None = None,
    ) -> Iterator[Step]:
        """Steps until all lives are over. The lives of a circuit whose spikes pass its limit all end there."""
        rng, state = np.random.default_rng(world.lives.seed), None
        trials = world.lives.n // together.n
        while world.step < STEPS and world.alive.any():
            before = world.alive
            world, heard = world.hear(rng, dt_ms=self.dt_ms)
            told = {self.inputs[0].name: heard}
            done = together.advance(
                told, STEP_ms, dt_ms=self.dt_ms, trials=trials, state=state, record=record
            )
            world = world.act(done.outputs, done.spikes, done.synaptic_events)
            over = world.spikes.reshape(-1, trials).sum(axis=1) > limits
            world = replace(world, energy=world.energy * ~np.repeat(over, trials))
            yield Step(done, world)
            state = together.without_idle(done.state, before, world.alive)


def _names(circuit: Circuit) -> tuple[str, ...]:
    """The motors' by their side, the others E1, E2, … and I1, I2, …"""
    served = dict(zip(circuit.output_neurons.tolist(), ("left_motor", "right_motor"), strict=True))
    names, counts = [], {True: 0, False: 0}
    for neuron, excitatory in enumerate(circuit.excitatory.tolist()):
        if neuron not in served:
            counts[excitatory] += 1
        names.append(served.get(neuron, f"{'E' if excitatory else 'I'}{counts[excitatory]}"))
    return tuple(names)
