"""What a circuit does and costs, with intervals."""

from evocircuits.measure.fitness import Evaluation, evaluate, rescored, score_circuit, stream

__all__ = ["Evaluation", "evaluate", "rescored", "score_circuit", "stream"]
