"""Forecasting of a series, value by value: a motif network with a trained readout, and what to compare it with.

A core makes features of the values so far, and a linear readout of them the guess of the next; running free, a
forecaster takes its own guesses for values (Jaeger & Haas, Science 304 (2004)). Values are float64.
"""

from math import exp

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.encode import receptive_fields
from evocircuits.nn.initialise import set_rates
from evocircuits.nn.linear import DaleLinear


class Forecaster(nn.Module):
    """core → readout: values float[T] → guesses of the values that follow each, float[T], and the core's state.

    `core`: values float[T] and a state, None at first → `core.features` features float[T, features], and the state.
    """

    def __init__(self, core: nn.Module):
        super().__init__()
        self.core = core
        self.readout = nn.Linear(core.features + 1, 1, dtype=torch.float64)

    def forward(self, values: Tensor, state=None):
        """float[T] → float[T] and a state, from which it goes on."""
        features, state = self.core(values, state)
        return self.readout(torch.cat([features, values[:, None]], 1))[:, 0], state

    @torch.no_grad()
    def fit_readout(self, series: Tensor, *, leave_out: int = 100, ridge: float = 1e-6) -> None:
        """Set the readout to the least squares of series[leave_out + 1:], with `ridge` × their mean square added.

        Raises `InputError` for a series that is not longer than what is left out.
        """
        if len(series) < leave_out + 2:
            raise InputError(f"fit_readout: expected more than {leave_out + 1} values; got {len(series)}")
        features, _ = self.core(series[:-1], None)
        known = torch.cat([features, series[:-1, None]], 1)[leave_out:]
        centre, wanted = known.mean(0), series[leave_out + 1 :]
        known, level = known - centre, wanted.mean()
        gram = known.T @ known
        gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        weight = torch.linalg.solve(gram, known.T @ (wanted - level))
        self.readout.weight.copy_(weight[None])
        self.readout.bias.copy_(level - weight @ centre)

    @torch.no_grad()
    def free_run(self, series: Tensor, n: int) -> Tensor:
        """float[n]: what follows `series`, of its own guesses alone."""
        guesses, state = self(series)
        run = [guesses[-1]]
        while len(run) < n:
            guess, state = self(run[-1][None], state)
            run.append(guess[0])
        return torch.stack(run)


class SpikingCore(nn.Module):
    """Coupled columns of a motif, untrained, that hear a series through receptive fields, and traces of their outputs.

    Each value is shown for `hold` steps to `fields` inputs, tuned to values between `low` and `high`, behind a
    non-negative map; features are every output neuron's spikes filtered by e^{−t/τ}, for each τ of `traces` in steps,
    after these steps. `delays_ms`: of the couplings, which remember, `density`: their share. Inputs are scaled so that
    outputs fire at `rate_Hz` in the mean over values from `low` to `high`.
    """

    def __init__(
        self,
        motif: Motif,
        columns: int,
        *,
        low: float,
        high: float,
        seed: int,
        hold: int = 10,
        fields: int = 8,
        traces: tuple[float, ...] = (10.0, 40.0),
        delays_ms: tuple[float, float] = (1.0, 80.0),
        density: float = 0.02,
        rate_Hz: float = 40.0,
    ):
        super().__init__()
        self.low, self.high, self.hold, self.fields, self.traces = low, high, hold, fields, traces
        options = {"rng": np.random.default_rng(seed), "density": density, "delays_ms": delays_ms}
        self.columns = CoupledColumns(motif, columns, dtype=torch.float64, **options)
        generator = torch.Generator().manual_seed(seed)
        self.map = DaleLinear(fields, self.columns.in_features, generator=generator, dtype=torch.float64)
        self.features = len(traces) * self.columns.out_features
        set_rates(
            self.columns, self.shown(torch.linspace(low, high, 40, dtype=torch.float64)), rate_Hz=rate_Hz
        )

    def shown(self, values: Tensor) -> Tensor:
        """What the columns are given for values float[T]: float[T × hold, 1, in_features]."""
        share = ((values - self.low) / (self.high - self.low)).clamp(0, 1)
        seen = receptive_fields(share[:, None], self.fields).repeat_interleave(self.hold, 0)
        return self.map(seen[:, None])

    def forward(self, values: Tensor, state=None):
        """float[T] → float[T, features] and a state."""
        at_rest, silence = self.columns.rest(1), values.new_zeros(len(self.traces), self.columns.out_features)
        within, trace = (at_rest, silence) if state is None else state
        spikes, within = self.columns(self.shown(values), within)
        spikes = spikes[:, 0].unflatten(0, (len(values), self.hold))
        decay = torch.tensor([exp(-1 / tau) for tau in self.traces]).to(values)
        new = torch.einsum("ck,tkn->tcn", decay[:, None] ** torch.arange(self.hold - 1, -1, -1), spikes)
        features = []
        for arriving in new:
            trace = decay[:, None] ** self.hold * trace + arriving
            features.append(trace.flatten())
        return torch.stack(features), (within, trace)


class EchoStateCore(nn.Module):
    """An echo-state network's units: x ← (1 − a) x + a tanh(W x + w_in u + b), a = `leak` (Jaeger & Haas).

    W is sparse and of spectral radius `radius`, w_in and b uniform in ±1; all of them stay.
    """

    def __init__(
        self, units: int, *, seed: int, radius: float = 1.1, leak: float = 0.5, density: float = 0.1
    ):
        super().__init__()
        rng = np.random.default_rng(seed)
        w = rng.standard_normal((units, units)) * (rng.random((units, units)) < density)
        w *= radius / max(np.abs(np.linalg.eigvals(w)).max(), 1e-12)
        self.features, self.leak = units, leak
        for name, values in (("w", w), ("w_in", rng.uniform(-1, 1, units)), ("b", rng.uniform(-1, 1, units))):
            self.register_buffer(name, torch.tensor(values))

    def forward(self, values: Tensor, state=None):
        """float[T] → float[T, units] and a state."""
        x = values.new_zeros(self.features) if state is None else state
        seen = []
        for value in values:
            x = (1 - self.leak) * x + self.leak * torch.tanh(self.w @ x + self.w_in * value + self.b)
            seen.append(x)
        return torch.stack(seen), x


class LstmCore(nn.Module):
    """An LSTM (torch.nn.LSTM), to be trained by gradient."""

    def __init__(self, units: int):
        super().__init__()
        self.features, self.lstm = units, nn.LSTM(1, units, dtype=torch.float64)

    def forward(self, values: Tensor, state=None):
        """float[T] → float[T, units] and a state."""
        return self.lstm(values[:, None], state)


def fit_by_gradient(net: Forecaster, series: Tensor, *, steps: int, rate: float = 0.01) -> list[float]:
    """Train all of a forecaster on its one-step guesses of the series (Adam, cosine schedule); the mean squares."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        guesses, _ = net(series[:-1])
        loss = (guesses - series[1:]).square().mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses
