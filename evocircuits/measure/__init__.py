"""What a circuit does and costs, with intervals."""

from evocircuits.measure.ablation import ABLATIONS, ablated
from evocircuits.measure.fitness import Evaluation, evaluate, rescored, score_circuit, stream

__all__ = ["ABLATIONS", "Evaluation", "ablated", "evaluate", "rescored", "score_circuit", "stream"]
