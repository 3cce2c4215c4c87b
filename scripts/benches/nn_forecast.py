"""Mackey–Glass, running free: 750 values forecast from the 750 before, by three networks of as many units.

The error is the symmetric mean absolute percentage error (as NeuroBench has it) over all 750 values, which are ten
Lyapunov times, and over the first of these; medians over starts of the series. Lines are kept in
runs/bench/nn-runs.jsonl.
"""

from collections.abc import Callable

import numpy as np
import torch
from nn_digits import LINES
from report import Row, figure, tell
from search_runs import with_line

from evocircuits.nn import EchoStateCore, Forecaster, LstmCore, SpikingCore, mackey_glass, smape
from evocircuits.nn.forecast import fit_by_gradient
from evocircuits.nn.textbook import balanced

VALUES, LYAPUNOV = 750, 75
STARTS = (0.8, 0.9, 1.1, 1.2, 1.3)
COLUMNS, CELLS = 12, 16
UNITS = COLUMNS * (CELLS + CELLS // 4)
LSTM_STEPS = 300


def motif_network(series: torch.Tensor, seed: int) -> Forecaster:
    """Coupled columns of the balanced circuit, and a readout of the traces of their excitatory cells."""
    low, high = series.min().item() - 0.05, series.max().item() + 0.05
    net = Forecaster(SpikingCore(balanced(CELLS), COLUMNS, low=low, high=high, seed=seed))
    net.fit_readout(series, ridge=1e-2)
    return net


def echo_state(series: torch.Tensor, seed: int) -> Forecaster:
    """As many echo-state units."""
    net = Forecaster(EchoStateCore(UNITS, seed=seed))
    net.fit_readout(series, ridge=1e-8)
    return net


def lstm(series: torch.Tensor, seed: int) -> Forecaster:
    """Trained by gradient on guesses of the next value."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Forecaster(LstmCore(UNITS))
    fit_by_gradient(net, series, steps=LSTM_STEPS)
    return net


NETWORKS: dict[str, Callable[[torch.Tensor, int], Forecaster]] = {
    f"motif network of {UNITS}": motif_network,
    f"echo-state network of {UNITS}": echo_state,
    f"LSTM of {UNITS}": lstm,
}


def measure() -> list[Row]:
    """Medians and quartiles over starts."""
    rows = []
    for name, make in NETWORKS.items():
        lines = [_line(name, make, seed) for seed in range(len(STARTS))]
        for key, values in (("whole", VALUES), ("first", LYAPUNOV)):
            errors = np.array([line[key] for line in lines])
            rows.append(figure(f"nn: Mackey–Glass, {name}, sMAPE of {values} values", errors, "%"))
    return rows


def _line(name: str, make: Callable[[torch.Tensor, int], Forecaster], seed: int) -> dict:
    def forecast() -> dict:
        tell(f"nn: forecasting by {name}, start {STARTS[seed]}")
        series = torch.tensor(mackey_glass(2 * VALUES, start=STARTS[seed]))
        run = make(series[:VALUES], seed).free_run(series[:VALUES], VALUES).numpy()
        wanted = series[VALUES:].numpy()
        return {"whole": smape(run, wanted), "first": smape(run[:LYAPUNOV], wanted[:LYAPUNOV])}

    return with_line(f"forecast/{name}/{seed}", forecast, LINES)
