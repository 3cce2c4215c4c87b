"""`temporal_xor` whose right answers are drawn by coin: nothing that a circuit does matters."""

from dataclasses import replace

import numpy as np

from evocircuits.tasks import Trials
from evocircuits.tasks.temporal_xor import TemporalXor


class Coin(TemporalXor):
    """Answers are independent of what comes in, and of one another: they are not even balanced."""

    name = "coin"
    summary = "Guess a coin."

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """`n` trials of `temporal_xor`, their answers drawn."""
        return replace(super().trials(rng, n), answer=rng.integers(2, size=n))
