"""What a circuit does and costs, with intervals."""

from evocircuits.measure.fitness import Evaluation, evaluate, score_circuit, stream

__all__ = ["Evaluation", "evaluate", "score_circuit", "stream"]
