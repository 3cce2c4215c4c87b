"""The simulator: against its peers, from a cold start, over sizes and rates, and with all that makes it slower."""

import costs
import fresh
import peers
import precision
import scaling
from report import Row

PARTS = (peers, fresh, scaling, costs, precision)


def measure() -> list[Row]:
    """The rows of all parts."""
    return [row for part in PARTS for row in part.measure()]
