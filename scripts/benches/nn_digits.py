"""Digits: the three arms' test accuracy over five seeds and 30 epochs, and what an inference costs them."""

import sys

from report import Row

from evocircuits.exchange import read_motif
from evocircuits.nn import train_digits
from evocircuits.search.recipe import PACKAGED

SEEDS, EPOCHS = 5, 30
DENSE_BAR = 0.95


def measure() -> list[Row]:
    """Means over seeds with the ends of their 95 % intervals."""

    def show(p) -> None:
        if p.epoch % 10 == 0:
            print(
                f"{p.arm}, seed {p.seed}, epoch {p.epoch}: {p.validation_accuracy:.3f}",
                file=sys.stderr,
                flush=True,
            )

    motif = read_motif(PACKAGED / "reference" / "localise.motif.json")
    result = train_digits(motif, seeds=SEEDS, epochs=EPOCHS, on_progress=show)
    rows = []
    for arm, accuracy in result.summary("test_accuracy").items():
        bar = (f"≥ {DENSE_BAR}", accuracy.mean >= DENSE_BAR) if arm == "dense" else (None, None)
        rows.append(Row(f"digits, {arm}, test accuracy, mean of {SEEDS} seeds", accuracy.mean, "", *bar))
        rows.append(Row(f"digits, {arm}, test accuracy, 95 % interval from", accuracy.low, ""))
        rows.append(Row(f"digits, {arm}, test accuracy, 95 % interval to", accuracy.high, ""))
        for metric, name in (("spikes", "spikes"), ("synaptic_events", "synaptic operations")):
            rows.append(Row(f"digits, {arm}, {name} per inference", result.summary(metric)[arm].mean, ""))
    return rows
