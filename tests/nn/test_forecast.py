from math import exp

import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import EchoStateCore, Forecaster, LstmCore, SpikingCore, mackey_glass, smape
from evocircuits.nn.forecast import fit_by_gradient
from evocircuits.nn.textbook import balanced

TRAIN = 750


@pytest.fixture(scope="module")
def series():
    return torch.tensor(mackey_glass(TRAIN + 75))


def spiking(**options) -> SpikingCore:
    return SpikingCore(balanced(16), options.pop("columns", 8), low=0.2, high=1.4, seed=0, **options)


CORES = {"motif": spiking, "echo state": lambda: EchoStateCore(100, seed=0), "LSTM": lambda: LstmCore(6)}


@pytest.mark.parametrize("name", CORES)
def test_a_core_goes_on_where_it_stopped(name, series):
    core = CORES[name]()
    whole, _ = core(series[:12], None)
    first, state = core(series[:5], None)
    second, _ = core(series[5:12], state)
    assert whole.shape == (12, core.features)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    assert whole.abs().sum() > 0


def test_traces_are_filtered_spikes():
    core = spiking(columns=2, hold=4, traces=(3.0, 9.0))
    values = torch.linspace(0.4, 1.2, 6, dtype=torch.float64)
    spikes = core.columns(core.shown(values))[:, 0]
    features, _ = core(values)
    expected = torch.stack(
        [
            sum(exp(-(4 * k + 3 - t) / tau) * spikes[t] for t in range(4 * k + 4))
            for k in range(6)
            for tau in (3.0, 9.0)
        ]
    )
    assert spikes.sum() > 10
    torch.testing.assert_close(features.flatten(), expected.flatten())


def test_echo_state_units_are_their_equation():
    core = EchoStateCore(20, seed=1, radius=0.8, leak=0.3)
    assert np.abs(np.linalg.eigvals(core.w.numpy())).max() == pytest.approx(0.8)
    features, _ = core(torch.tensor([0.5, -0.2], dtype=torch.float64))
    x = 0.3 * torch.tanh(0.5 * core.w_in + core.b)
    torch.testing.assert_close(features[0], x)
    torch.testing.assert_close(features[1], 0.7 * x + 0.3 * torch.tanh(core.w @ x - 0.2 * core.w_in + core.b))


def test_a_readout_of_least_squares_finds_a_linear_rule():
    """x[t + 1] = 0.9 x[t] + 0.5, of which the readout sees x[t] itself."""
    x = [3.0]
    for _ in range(60):
        x.append(0.9 * x[-1] + 0.5)
    net = Forecaster(EchoStateCore(4, seed=0))
    net.fit_readout(torch.tensor(x, dtype=torch.float64), leave_out=5, ridge=1e-12)
    guesses, _ = net(torch.tensor(x[:40], dtype=torch.float64))
    torch.testing.assert_close(guesses[5:], torch.tensor(x[6:41], dtype=torch.float64), rtol=1e-4, atol=1e-4)


def test_an_echo_state_network_running_free_follows_the_series_for_a_lyapunov_time(series):
    net = Forecaster(EchoStateCore(100, seed=0))
    net.fit_readout(series[:TRAIN], ridge=1e-8)
    assert smape(net.free_run(series[:TRAIN], 75).numpy(), series[TRAIN:].numpy()) < 5.0


def test_a_motif_network_guesses_the_next_value_and_stays_with_the_series_running_free(series):
    """Its guesses are twice as near as the last value is, and its own run keeps the series' range and unrest."""
    net = Forecaster(spiking())
    net.fit_readout(series[:TRAIN], ridge=1e-3)
    guesses, _ = net(series[:-1])
    late = slice(TRAIN, None)
    apart = (guesses.detach() - series[1:])[late].square().mean()
    assert apart < (series[:-1] - series[1:])[late].square().mean() / 4
    run = net.free_run(series[:TRAIN], 150)
    assert 0.2 < run.min() < run.max() < 1.6
    assert run[75:].std() > 0.5 * series.std()


def test_a_free_run_feeds_itself():
    net = Forecaster(EchoStateCore(10, seed=0))
    series = torch.rand(20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    run = net.free_run(series, 3).detach()
    one, _ = net(series)
    two, _ = net(torch.cat([series, run[:1]]))
    three, _ = net(torch.cat([series, run[:2]]))
    torch.testing.assert_close(run, torch.stack([one[-1], two[-1], three[-1]]).detach())


def test_an_lstm_is_trained_by_gradient(series):
    torch.manual_seed(0)
    losses = fit_by_gradient(Forecaster(LstmCore(8)), series[:100], steps=40, rate=0.02)
    assert losses[-1] < 0.2 * losses[0]


def test_a_series_that_is_too_short_is_refused():
    with pytest.raises(InputError, match="expected more than 101 values; got 50"):
        Forecaster(EchoStateCore(4, seed=0)).fit_readout(torch.zeros(50, dtype=torch.float64))
