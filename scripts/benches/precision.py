"""How many spikes of float32 coincide with those of float64, in settled and in chaotic circuits."""

from report import Row, at_least, figure, tell

from evocircuits.circuit import MODELS
from tests.simulator.coincidence import SETTLED, by_regime

ASKED = 99.9


def measure() -> list[Row]:
    """Per model and regime the share of spikes with a partner in the same trial, neuron and step (F1)."""
    rows = []
    for model in MODELS:
        tell(f"float32 against float64, {model}")
        for regime, share in by_regime(model=model).items():
            name = f"float32 = float64, {model}, {regime}"
            rows.append(
                at_least(name, 100 * share, "%", ASKED)
                if regime in SETTLED
                else figure(name, 100 * share, "%")
            )
    return rows
