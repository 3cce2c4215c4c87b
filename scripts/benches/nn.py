"""Networks made of motifs: how fast a layer trains beside its peers, what it keeps in memory, and what it learns.

`scripts/bench nn:speed` and `nn:memory` take a minute or two each, `nn:digits` some more.
"""

import nn_digits
import nn_memory
import nn_speed
from report import Row

NOTE = (
    "nn: times are of forward and backward pass, elapsed, on two threads; the peers (Norse, snnTorch) come with the "
    "extra `peers`, and have neither delays nor, by default, refractoriness"
)
GROUPS = {"speed": nn_speed.measure, "memory": nn_memory.measure, "digits": nn_digits.measure}


def measure(groups: tuple[str, ...] = tuple(GROUPS)) -> list[Row]:
    """The rows of all groups, or of some."""
    return [row for group in groups for row in GROUPS[group]()]
