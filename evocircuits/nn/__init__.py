"""Gradient-trained networks built of motif copies. Needs the extra `nn` (PyTorch; scikit-learn for the digits)."""

from evocircuits.errors import InputError

try:
    import torch  # noqa: F401
except ImportError:
    raise InputError("evocircuits.nn needs PyTorch; install it with: pip install 'evocircuits[nn]'") from None

from evocircuits.nn.assemble import ARMS, classifier
from evocircuits.nn.baselines import PlainLayer, PlainLinear, random_motif
from evocircuits.nn.encode import CountReadout, LatencyEncoder
from evocircuits.nn.layers import DaleLinear, MotifLayer
from evocircuits.nn.signs import Magnitudes
from evocircuits.nn.train import DigitsResult, train_digits

__all__ = [
    "ARMS",
    "CountReadout",
    "DaleLinear",
    "DigitsResult",
    "LatencyEncoder",
    "Magnitudes",
    "MotifLayer",
    "PlainLayer",
    "PlainLinear",
    "classifier",
    "random_motif",
    "train_digits",
]
