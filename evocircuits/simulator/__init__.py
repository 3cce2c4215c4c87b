"""Exact simulation of circuits on batches of trials."""

from evocircuits.simulator.simulate import UNLIMITED, Record, Recording, Weights, simulate
from evocircuits.simulator.state import State
from evocircuits.simulator.stimulus import Spikes, Stimulus

__all__ = ["UNLIMITED", "Record", "Recording", "Spikes", "State", "Stimulus", "Weights", "simulate"]
