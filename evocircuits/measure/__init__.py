"""What a circuit does and costs, with intervals, and what makes it work."""

from evocircuits.measure.ablation import ABLATIONS, ablated
from evocircuits.measure.certify import Baseline, certify, minimal_motif, usual_trials
from evocircuits.measure.fitness import Evaluation, evaluate, rescored, score_circuit, stream

__all__ = [
    "ABLATIONS",
    "Baseline",
    "Evaluation",
    "ablated",
    "certify",
    "evaluate",
    "minimal_motif",
    "rescored",
    "score_circuit",
    "stream",
    "usual_trials",
]
