"""Forage: live on moving sources of sound, in a closed loop of ears, spikes, motors and energy.

Crossed excitation, each ear driving the motor of the other side, turns a body towards what it hears: vehicle 2b of
Braitenberg, Vehicles (MIT Press, 1984). With four sources at once their pulls add up to a course between them, and the
vehicle goes less than a third of the way from a random walker to an all-knowing steerer. Inhibition, by which it
attends to the nearest source alone, takes it two thirds of the way.

The world is that of `forage_world`. No wall bounds the plane: who runs straight on leaves all food behind.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import UNLIMITED, Record, Recording, Stimulus, simulate
from evocircuits.tasks.base import Example, Play, Ranges, Score, Task, closed_loop_example, joined
from evocircuits.tasks.forage_world import MEAL, START, Life, Lives, STEP_ms, THRESHOLDS_dB, World

STEPS = 500
WALKER_meals = -0.803
"""Mean net intake of a random walker, over 40,000 lives (± .003)."""
STEERER_meals = 9.25
"""Mean net intake of an all-knowing steerer, over 6,000 lives (± .02)."""
EXAMPLE_STEPS = 50


class Step(NamedTuple):
    """What 20 ms brought: what was heard, what the circuit did, and the world after them."""

    stimulus: Stimulus
    recording: Recording
    world: World


class Forage(Task):
    """Two ears of six fibres each, the more sensitive first; the spikes of two neurons are the twitches of two motors.

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
    inputs = (Port("left_ear", len(THRESHOLDS_dB)), Port("right_ear", len(THRESHOLDS_dB)))
    outputs = (Port("left_motor", 1), Port("right_motor", 1))
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
        """The lives, side by side."""
        step = deque(self._steps(circuit, trials, Record(), max_spikes), maxlen=1).pop()
        world = step.world
        credit = (world.energy - START) / MEAL / STEERER_meals
        score = Score(credit, float(credit.mean()), self.chance, self.ceiling)
        simulated_ms = trials.n * world.time_ms
        return Play(score, world.spikes, world.synaptic_events, simulated_ms, step.recording.truncated)

    def example(self, circuit: Circuit, trials: Lives) -> Example:
        """The first second of the lives."""
        steps = islice(self._steps(circuit, trials, Record(spikes=True)), EXAMPLE_STEPS)
        return closed_loop_example([(step.stimulus, step.recording) for step in steps])

    def life(self, circuit: Circuit, trials: Lives, which: int = 0) -> Life:
        """One of the lives as `play` lets it be lived, to its end."""
        worlds, heard, spikes = [World.begin(trials)], [[0, 0]], []
        for stimulus, recording, world in self._steps(circuit, trials, Record(spikes=True)):
            worlds.append(world)
            heard.append([np.sum(stimulus.spikes[port.name].trial == which) for port in self.inputs])
            spikes.append(recording.spikes)
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
        tau_m_ms = {"ear": 1.0, "inhibitory": 1.0, "motor": 4.5}
        tau_syn_ms = {"ear": (0.1, 65.0), "inhibitory": (0.1, 0.8), "motor": (10.0, 40.0)}
        cells = {
            (side, kind): PopulationGene(
                innovation("forage", side, kind),
                kind != "inhibitory",
                1,
                tau_m_ms[kind],
                15.0,
                1.0,
                *tau_syn_ms[kind],
                bias_pA=860.0 if kind == "motor" else 0.0,
                port=f"{side}_motor" if kind == "motor" else None,
            )
            for kind in tau_m_ms
            for side in ("left", "right")
        }
        projections = []

        def wire(source: Port | PopulationGene, target: PopulationGene, strength: float, delay_ms: float):
            id = innovation("forage", source.id, target.id)
            pattern = Pattern("all_to_all")
            projections.append(ProjectionGene(id, source.id, target.id, pattern, strength, delay_ms))

        for port, side, other in zip(self.inputs, ("left", "right"), ("right", "left"), strict=True):
            ear, inhibitory = cells[side, "ear"], cells[side, "inhibitory"]
            wire(port, ear, 0.54, 0.05)
            wire(ear, cells[other, "motor"], 0.65, 0.5)
            wire(ear, inhibitory, 1.2, 0.05)
            wire(inhibitory, cells[side, "motor"], 0.14, 0.05)
            wire(inhibitory, cells[other, "inhibitory"], 1.8, 0.05)
            wire(inhibitory, ear, 0.5, 0.05)
            wire(inhibitory, cells[other, "ear"], 0.5, 0.05)
        return Genome(self.inputs, self.outputs, tuple(cells.values()), tuple(projections))

    def _steps(
        self, circuit: Circuit, lives: Lives, record: Record, max_spikes: int = UNLIMITED
    ) -> Iterator[Step]:
        """Steps until all lives are over; in one that is truncated nobody moves or pays, and it is the last."""
        world, rng, state = World.begin(lives), np.random.default_rng(lives.seed), None
        while world.step < STEPS and world.alive.any():
            world, heard = world.hear(rng, dt_ms=self.dt_ms)
            ears = (port.name for port in self.inputs)
            stimulus = Stimulus(lives.n, STEP_ms, dict(zip(ears, heard, strict=True)))
            recording = simulate(
                circuit, stimulus, dt_ms=self.dt_ms, record=record, state=state, max_spikes=max_spikes
            )
            if recording.truncated:
                yield Step(stimulus, recording, world)
                return
            motor_spikes = np.hstack([recording.output_counts(port.name) for port in self.outputs])
            world = world.act(motor_spikes, recording.counts.sum(axis=1), recording.synaptic_events)
            yield Step(stimulus, recording, world)
            max_spikes -= int(recording.counts.sum())
            state = recording.state


def _names(circuit: Circuit) -> tuple[str, ...]:
    """Outputs by their port, the others E1, E2, … and I1, I2, …"""
    served = {neurons[0]: port for port, neurons in circuit.outputs.items()}
    names, counts = [], {True: 0, False: 0}
    for neuron, excitatory in enumerate(circuit.excitatory.tolist()):
        if neuron not in served:
            counts[excitatory] += 1
        names.append(served.get(neuron, f"{'E' if excitatory else 'I'}{counts[excitatory]}"))
    return tuple(names)
