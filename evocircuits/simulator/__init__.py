"""Exact simulation of circuits on batches of trials."""

from evocircuits.simulator.simulate import Record, Recording, State, simulate
from evocircuits.simulator.stimulus import Spikes, Stimulus

__all__ = ["Record", "Recording", "Spikes", "State", "Stimulus", "simulate"]
