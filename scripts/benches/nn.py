"""Networks made of motifs: how fast a layer trains beside its peers, what it keeps in memory, and what it learns.

Groups: `speed`, `memory`, whose times want a quiet machine; `digits` and `forecast`, what networks learn, whose lines
are kept in runs/bench/nn-runs.jsonl and not measured twice.
"""

import nn_digits
import nn_forecast
import nn_memory
import nn_speed
from report import Row

NOTE = (
    "nn: times are of forward and backward pass, elapsed, on two threads; the peers (Norse, snnTorch) come with the "
    "extra `peers`, and have neither delays nor, by default, refractoriness"
)
GROUPS = {
    "speed": nn_speed.measure,
    "memory": nn_memory.measure,
    "digits": nn_digits.measure,
    "forecast": nn_forecast.measure,
}


def measure(groups: tuple[str, ...] = tuple(GROUPS)) -> list[Row]:
    """The rows of all groups, or of some."""
    return [row for group in groups for row in GROUPS[group]()]
