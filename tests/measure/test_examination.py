import numpy as np
import pytest

from evocircuits.certificate import Finding
from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.measure.examination import OWN, Examination
from evocircuits.measure.paired import Batch
from evocircuits.measure.parts import parts_of
from evocircuits.measure.table import table_of
from evocircuits.measure.work import Work
from evocircuits.tasks import get_task

TRIALS = 200
HALF = [0.0, 1.0] * (TRIALS // 2)


def row_of(own: list[float], controls: list[list[float]]) -> Finding:
    """The finding of controls of such scores, trial by trial, beside the circuit's own."""
    task = get_task("order")
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    results = {OWN: own} | {f"random {k}": scores for k, scores in enumerate(controls)}
    batches = {"tests": Batch("order", 0, "tests", TRIALS)}
    exam = Examination(circuit, parts_of(circuit, None), batches, Work(finished=results), 8)
    return exam.finding_of_controls("random", len(controls))


def test_a_circuit_that_beats_all_controls():
    row = row_of(HALF, [[0.0] * TRIALS] * 50)
    assert (row.effect, row.score, row.percentile, row.n) == (-0.5, 0.0, 100.0, 50)
    assert row.p == pytest.approx(1 / 51)


def test_of_equals_half_are_beaten_and_all_do_as_well():
    """Two as good, one better, one worse: p is (1 + 3) / (1 + 4)."""
    row = row_of(HALF, [HALF, HALF[::-1], [1.0] * TRIALS, [0.0] * TRIALS])
    assert (row.percentile, row.p) == (50.0, 0.8)


def test_the_interval_knows_of_the_spread_of_trials():
    """Half of 200 trials are lost with equal controls: 1.96 standard errors of .5/√200."""
    row = row_of(HALF, [[0.0] * TRIALS] * 50)
    assert (row.low, row.high) == pytest.approx((-0.569, -0.431), abs=0.01)


def test_the_interval_knows_of_the_spread_of_controls():
    """Half of 50 controls score 0, the others 1: 1.96 standard errors of .5/√50."""
    row = row_of([1.0] * TRIALS, [[float(k % 2)] * TRIALS for k in range(50)])
    assert (row.low, row.high) == pytest.approx((-0.64, -0.36), abs=0.02)


def test_controls_keep_what_the_task_gives():
    task = get_task("runaway")
    genome = task.reference()
    circuit = develop(genome, dt_ms=task.dt_ms)
    parts = parts_of(circuit, genome)
    exam = Examination(circuit, parts, {"tests": Batch("runaway", 0, "tests", 30)}, Work(), 8)
    given = np.concatenate([j.members for j in parts.projections if j.frozen])
    for kind in ("random", "rewired"):
        for control in exam.controls(kind, 3):
            assert synapses(circuit, given) <= synapses(control)


def synapses(circuit: Circuit, rows=slice(None)) -> set[tuple]:
    columns = table_of(circuit).rows(rows)
    return set(zip(*(column.tolist() for column in columns), strict=True))
