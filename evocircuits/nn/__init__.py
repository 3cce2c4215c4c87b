"""Gradient-trained networks built of motif copies. Needs the extra `nn` (PyTorch; scikit-learn for the digits)."""

from evocircuits.errors import InputError

try:
    import torch  # noqa: F401
except ImportError:
    raise InputError("evocircuits.nn needs PyTorch; install it with: pip install 'evocircuits[nn]'") from None

from evocircuits.nn.assemble import ARMS, classifier
from evocircuits.nn.baselines import PlainLayer, PlainLinear, RecurrentLayer
from evocircuits.nn.blocks import columns, coupled_columns, hidden_block, hybrid, stack
from evocircuits.nn.classic import GruReadout, mlp
from evocircuits.nn.controls import delay_shuffled_motif, random_motif, rewired_motif
from evocircuits.nn.costs import Counts, count
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.dale_nets import ColumnLinear, DannLinear
from evocircuits.nn.encode import BurstEncoder, DeltaEncoder, LatencyEncoder, RateEncoder
from evocircuits.nn.hardware import HARDWARE, energy
from evocircuits.nn.initialise import set_rates
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.losses import first_spike_loss, rate_penalty, van_rossum_distance
from evocircuits.nn.optimizers import ExponentiatedGradient
from evocircuits.nn.picture import draw_network, network_svg
from evocircuits.nn.rates import Rates
from evocircuits.nn.readout import CountReadout, FirstSpikeReadout, LeakyReadout
from evocircuits.nn.routing import Routed
from evocircuits.nn.signs import SIGNS, Magnitudes, project, project_after
from evocircuits.nn.spectra import recurrent_matrix, spectrum
from evocircuits.nn.textbook import TEXTBOOK
from evocircuits.nn.train import DigitsResult, train_digits

__all__ = [
    "ARMS",
    "HARDWARE",
    "SIGNS",
    "TEXTBOOK",
    "BurstEncoder",
    "ColumnLinear",
    "CountReadout",
    "Counts",
    "CoupledColumns",
    "DaleLinear",
    "DannLinear",
    "DeltaEncoder",
    "DigitsResult",
    "ExponentiatedGradient",
    "FirstSpikeReadout",
    "GruReadout",
    "LatencyEncoder",
    "LeakyReadout",
    "Magnitudes",
    "MotifLayer",
    "PlainLayer",
    "PlainLinear",
    "RateEncoder",
    "Rates",
    "RecurrentLayer",
    "Routed",
    "classifier",
    "columns",
    "count",
    "coupled_columns",
    "delay_shuffled_motif",
    "draw_network",
    "energy",
    "first_spike_loss",
    "hidden_block",
    "hybrid",
    "mlp",
    "network_svg",
    "project",
    "project_after",
    "random_motif",
    "rate_penalty",
    "recurrent_matrix",
    "rewired_motif",
    "set_rates",
    "spectrum",
    "stack",
    "train_digits",
    "van_rossum_distance",
]
