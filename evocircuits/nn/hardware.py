"""What counted operations cost in energy on named hardware, itemised and as a range.

Published figures are of different things: of arithmetic alone, or of whole events with their memory. The lower end of a
profile's range leaves out what its source does not state; the upper end fills in the 45 nm figures for it.

45 nm: Horowitz, ISSCC 2014 (32-bit floating point: addition .9 pJ, multiplication 3.7 pJ; a 32-bit word from a
memory of 8 KiB 5 pJ, of 1 MiB 50 pJ). Loihi: Davies et al., IEEE Micro 38 (2018), Table 2 (synaptic operation 23.6 pJ;
neuron update 52 pJ inactive, 81 pJ active). SpiNNaker2: Mayr, Höppner & Furber, arXiv:1911.02385 (10 pJ a synaptic
event). TrueNorth: Merolla et al., Science 345 (2014) (26 pJ a synaptic event, everything included).
"""

from dataclasses import dataclass

from evocircuits.errors import InputError
from evocircuits.nn.costs import Counts

ADD_pJ, MULTIPLY_pJ = 0.9, 3.7
NEURON_pJ = 5 * (ADD_pJ + MULTIPLY_pJ) + ADD_pJ
"""At 45 nm, of one update: five products (membrane 3, currents 2) and a comparison."""
NEURON_WORDS = 8
"""Read and written in one update: membrane, two currents, refractory time."""
SYNAPSE_WORDS = 3
"""Read and written by one synaptic operation: the weight, and the charge that it changes."""


@dataclass(frozen=True)
class Range:
    """A lower and an upper value."""

    low: float
    high: float

    def times(self, count: float) -> "Range":
        """Both ends multiplied."""
        return Range(self.low * count, self.high * count)


@dataclass(frozen=True)
class Hardware:
    """Energies in pJ: of an accumulate, a multiply-accumulate, a neuron's update, and a word (32 bits) of memory.

    `word_pJ` is 0 where the first three include memory.
    """

    name: str
    ac_pJ: Range
    mac_pJ: Range
    neuron_pJ: Range
    word_pJ: Range
    source: str


def _event(pJ: float) -> Range:
    return Range(pJ, pJ)


_NOTHING = _event(0.0)
HARDWARE = {
    profile.name: profile
    for profile in (
        Hardware(
            "45nm",
            _event(ADD_pJ),
            _event(ADD_pJ + MULTIPLY_pJ),
            _event(NEURON_pJ),
            Range(5.0, 50.0),
            "Horowitz, ISSCC 2014",
        ),
        Hardware(
            "Loihi",
            _event(23.6),
            _event(23.6),
            Range(52.0, 81.0),
            _NOTHING,
            "Davies et al., IEEE Micro 38 (2018)",
        ),
        Hardware(
            "SpiNNaker2",
            _event(10.0),
            Range(10.0, 10.0 + MULTIPLY_pJ),
            Range(0.0, NEURON_pJ + NEURON_WORDS * 5.0),
            _NOTHING,
            "Mayr, Höppner & Furber, arXiv:1911.02385",
        ),
        Hardware(
            "TrueNorth", _event(26.0), _event(26.0), _NOTHING, _NOTHING, "Merolla et al., Science 345 (2014)"
        ),
    )
}


@dataclass(frozen=True)
class Energy:
    """Of one inference, in pJ, by what it goes to; `source` of the figures."""

    accumulates_pJ: Range
    multiplications_pJ: Range
    neurons_pJ: Range
    memory_pJ: Range
    source: str

    @property
    def total_pJ(self) -> Range:
        """All items together."""
        items = self.accumulates_pJ, self.multiplications_pJ, self.neurons_pJ, self.memory_pJ
        return Range(sum(i.low for i in items), sum(i.high for i in items))


def energy(counts: Counts, hardware: str = "45nm") -> Energy:
    """The energy of one inference on one of `HARDWARE`. Raises `InputError` for another name."""
    if hardware not in HARDWARE:
        raise InputError(f"energy: expected hardware of {', '.join(HARDWARE)}; got {hardware!r}")
    profile = HARDWARE[hardware]
    operations = counts.effective_acs + counts.effective_macs
    words = SYNAPSE_WORDS * operations + NEURON_WORDS * counts.neuron_updates
    return Energy(
        profile.ac_pJ.times(counts.effective_acs),
        profile.mac_pJ.times(counts.effective_macs),
        profile.neuron_pJ.times(counts.neuron_updates),
        profile.word_pJ.times(words),
        profile.source,
    )
