"""Exact simulation of circuits on batches of trials."""

from evocircuits.simulator.simulate import Record, Recording, Weights, simulate
from evocircuits.simulator.state import State
from evocircuits.simulator.stimulus import Spikes, Stimulus

__all__ = ["Record", "Recording", "Spikes", "State", "Stimulus", "Weights", "simulate"]
