"""The simulator: against its peers, from a cold start, over sizes and rates, and with all that makes it slower."""

import costs
import fresh
import peers
import precision
import scaling
from report import Row

NOTE = (
    "simulator: times of one thread, the peers' too, are that thread's processor time; those of two threads, of whole "
    "processes and where a row says so are elapsed time"
)
PARTS = (peers, fresh, scaling, costs, precision)


def measure() -> list[Row]:
    """The rows of all parts."""
    return [row for part in PARTS for row in part.measure()]
