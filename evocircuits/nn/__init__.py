"""Gradient-trained networks built of motif copies. Needs the extra `nn` (PyTorch; for data also scikit-learn, h5py)."""

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
from evocircuits.nn.dale_nets import ColumnLinear, DannLinear, column_net, dann_net
from evocircuits.nn.data import DataSet, load_data
from evocircuits.nn.encode import BurstEncoder, DeltaEncoder, LatencyEncoder, RateEncoder, RowEncoder
from evocircuits.nn.forecast import EchoStateCore, Forecaster, LstmCore, SpikingCore
from evocircuits.nn.hardware import HARDWARE, energy
from evocircuits.nn.initialise import set_rates
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.losses import first_spike_loss, rate_penalty, van_rossum_distance
from evocircuits.nn.optimizers import ExponentiatedGradient
from evocircuits.nn.picture import draw_network, network_svg
from evocircuits.nn.rates import Rates
from evocircuits.nn.readout import CountReadout, FirstSpikeReadout, LeakyReadout, WindowReadout
from evocircuits.nn.results import TrainingResult, TrainingRun
from evocircuits.nn.routing import Routed
from evocircuits.nn.series import mackey_glass, smape
from evocircuits.nn.signs import SIGNS, Magnitudes, project, project_after
from evocircuits.nn.spectra import recurrent_matrix, spectrum
from evocircuits.nn.spike_file import SpikeTrains, read_spike_file
from evocircuits.nn.textbook import TEXTBOOK
from evocircuits.nn.train import train_arms

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
    "DataSet",
    "DeltaEncoder",
    "EchoStateCore",
    "ExponentiatedGradient",
    "FirstSpikeReadout",
    "Forecaster",
    "GruReadout",
    "LatencyEncoder",
    "LeakyReadout",
    "LstmCore",
    "Magnitudes",
    "MotifClassifier",
    "MotifLayer",
    "PlainLayer",
    "PlainLinear",
    "RateEncoder",
    "Rates",
    "RecurrentLayer",
    "Routed",
    "RowEncoder",
    "SpikeTrains",
    "SpikingCore",
    "TrainingResult",
    "TrainingRun",
    "WindowReadout",
    "classifier",
    "column_net",
    "columns",
    "count",
    "coupled_columns",
    "dann_net",
    "delay_shuffled_motif",
    "draw_network",
    "energy",
    "first_spike_loss",
    "hidden_block",
    "hybrid",
    "load_data",
    "mackey_glass",
    "mlp",
    "network_svg",
    "project",
    "project_after",
    "random_motif",
    "rate_penalty",
    "read_spike_file",
    "recurrent_matrix",
    "rewired_motif",
    "set_rates",
    "smape",
    "spectrum",
    "stack",
    "train_arms",
    "van_rossum_distance",
]


def __getattr__(name: str):
    if name == "MotifClassifier":  # an estimator of scikit-learn, which nothing else here needs at once
        from evocircuits.nn.estimator import MotifClassifier

        return MotifClassifier
    raise AttributeError(f"module 'evocircuits.nn' has no attribute {name!r}")
