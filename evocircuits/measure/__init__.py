"""What a circuit does and costs, with intervals, and what makes it work."""

from evocircuits.measure.ablation import ABLATIONS, ablated
from evocircuits.measure.certify import certify, minimal_motif
from evocircuits.measure.fitness import Evaluation, evaluate, rescored, score_circuit, stream

__all__ = [
    "ABLATIONS",
    "Evaluation",
    "ablated",
    "certify",
    "evaluate",
    "minimal_motif",
    "rescored",
    "score_circuit",
    "stream",
]
