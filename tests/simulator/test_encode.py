"""Latencies and bursts against times worked out by hand; random codes against the distributions they claim.

Seeds are fixed, tolerances are 4 standard errors of the statistic tested.
"""

import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.simulator import Spikes, Stimulus
from evocircuits.simulator.encode import burst, gaussian_current, latency, poisson


def counts_of(spikes: Spikes, n_trials: int, n_channels: int) -> np.ndarray:
    counts = np.zeros((n_trials, n_channels), int)
    np.add.at(counts, (spikes.trial, spikes.channel), 1)
    return counts


def assert_uniform(x: np.ndarray) -> None:
    """Kolmogorov–Smirnov at the level .001."""
    n = len(x)
    distance = np.abs(np.sort(x) - (np.arange(n) + 0.5) / n).max() + 0.5 / n
    assert distance < 1.95 / np.sqrt(n)


def assert_uncorrelated(x: np.ndarray, y: np.ndarray) -> None:
    assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 4 / np.sqrt(x.size)


def of_trial(spikes: Spikes, trial: int) -> tuple[list, list]:
    mine = spikes.trial == trial
    return spikes.time_ms[mine].tolist(), spikes.channel[mine].tolist()


def test_poisson_counts_have_a_poisson_distribution():
    rate_Hz, n, duration_ms = np.array([2.0, 20.0, 100.0, 1000.0]), 5000, 200.0
    rng = np.random.default_rng(1)
    counts = counts_of(poisson(rng, np.tile(rate_Hz, (n, 1)), duration_ms=duration_ms), n, 4)
    expected = rate_Hz * duration_ms / 1000
    assert (np.abs(counts.mean(0) - expected) < 4 * np.sqrt(expected / n)).all()
    # The variance of a sample variance, from the Poisson's fourth moment λ + 3 λ².
    assert (np.abs(counts.var(0, ddof=1) - expected) < 4 * np.sqrt((expected + 2 * expected**2) / n)).all()
    share = np.bincount(counts[:, 1], minlength=12)[:12] / n
    exact = np.exp(-4.0) * np.cumprod([1, *(4.0 / np.arange(1, 12))])
    assert (np.abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / n)).all()


def test_poisson_intervals_are_exponential_and_have_no_memory():
    rng = np.random.default_rng(2)
    spikes = poisson(rng, [[400.0, 100.0]], duration_ms=50_000)
    for channel, rate_per_ms in ((0, 0.4), (1, 0.1)):
        interval = np.diff(np.sort(spikes.time_ms[spikes.channel == channel]))
        assert_uniform(-np.expm1(-rate_per_ms * interval))
        assert_uncorrelated(interval[1:], interval[:-1])


def test_poisson_times_are_uniform_in_every_channel():
    spikes = poisson(np.random.default_rng(3), np.full((500, 3), 60.0), duration_ms=250.0)
    for channel in range(3):
        assert_uniform(spikes.time_ms[spikes.channel == channel] / 250.0)


def test_each_bin_trial_and_channel_has_its_own_rate():
    n, duration_ms = 6000, 120.0
    rate_Hz = np.array([[[30, 0], [0, 500]], [[200, 10], [0, 0]], [[0, 70], [90, 0]]], float)  # 40 ms a bin
    spikes = poisson(np.random.default_rng(4), np.tile(rate_Hz, (1, n, 1)), duration_ms=duration_ms)
    counts = np.zeros((3, 2, 2))
    spike_bin = (spikes.time_ms // 40).astype(int)
    np.add.at(counts, (spike_bin, spikes.trial % 2, spikes.channel), 1)
    expected = rate_Hz * 0.04 * n
    assert (counts[rate_Hz == 0] == 0).all()
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected)).all()
    for cell in zip(*np.nonzero(rate_Hz), strict=True):
        mine = (spike_bin == cell[0]) & (spikes.trial % 2 == cell[1]) & (spikes.channel == cell[2])
        assert_uniform(spikes.time_ms[mine] / 40 - cell[0])


def test_equal_rates_in_every_bin_are_a_constant_rate():
    rng = np.random.default_rng(5)
    n, n_bins = 4000, 10
    spikes = poisson(rng, np.full((n_bins, n, 2), 50.0), duration_ms=100.0)
    counts = counts_of(spikes, n, 2)
    assert (np.abs(counts.mean(0) - 5) < 4 * np.sqrt(5 / n)).all()
    assert (np.abs(counts.var(0, ddof=1) - 5) < 4 * np.sqrt((5 + 2 * 25) / n)).all()
    assert_uniform(spikes.time_ms / 100.0)


def test_trials_and_channels_are_independent():
    n, n_channels = 5000, 6
    rng = np.random.default_rng(6)
    spikes = poisson(rng, np.full((n, n_channels), 80.0), duration_ms=100.0)
    counts = counts_of(spikes, n, n_channels)
    for a in range(n_channels):
        for b in range(a):
            assert_uncorrelated(counts[:, a], counts[:, b])
    for lag in (1, 2, 3, 4, 5, 16, 64, 128, 256, 1000):
        assert_uncorrelated(counts[lag:], counts[:-lag])
    assert len(np.unique(spikes.time_ms)) == len(spikes.time_ms)
    again = counts_of(poisson(rng, np.full((n, n_channels), 80.0), duration_ms=100.0), n, n_channels)
    assert_uncorrelated(counts, again)


def test_first_times_of_neighbouring_trials_are_independent():
    spikes = poisson(np.random.default_rng(7), np.full((4000, 1), 1000.0), duration_ms=20.0)
    _, first_drawn = np.unique(spikes.trial, return_index=True)
    time_ms = spikes.time_ms[first_drawn]
    assert_uniform(time_ms / 20.0)
    assert_uncorrelated(time_ms[1:], time_ms[:-1])


@pytest.mark.parametrize("n_bins", [None, 3])
def test_the_first_trials_of_a_larger_batch_are_the_smaller_batch(n_bins):
    shape = (40, 5) if n_bins is None else (n_bins, 40, 5)
    rate_Hz = np.random.default_rng(0).uniform(0, 200, shape)
    some = poisson(np.random.default_rng(8), rate_Hz[..., :7, :], duration_ms=300.0)
    many = poisson(np.random.default_rng(8), rate_Hz, duration_ms=300.0)
    assert set(some.trial) == set(range(7))
    for trial in range(7):
        assert of_trial(some, trial) == of_trial(many, trial)


def test_a_trial_does_not_depend_on_the_rates_of_others():
    rate_Hz = np.full((4, 3), 100.0)
    other = rate_Hz.copy()
    other[[0, 1, 3]] = 5.0
    before = poisson(np.random.default_rng(9), rate_Hz, duration_ms=200.0)
    after = poisson(np.random.default_rng(9), other, duration_ms=200.0)
    assert of_trial(before, 2) == of_trial(after, 2)
    assert of_trial(before, 1) != of_trial(after, 1)


def test_a_batch_moves_the_generator_on_by_the_same_amount_whatever_its_size():
    def next_number(code) -> float:
        rng = np.random.default_rng(10)
        code(rng)
        return rng.random()

    numbers = {
        next_number(lambda rng: poisson(rng, np.full((2, 1), 10.0), duration_ms=10.0)),
        next_number(lambda rng: poisson(rng, np.full((90, 7), 500.0), duration_ms=90.0)),
        next_number(lambda rng: gaussian_current(rng, 3, duration_ms=5.0, n_neurons=2, std_pA=1.0)),
    }
    assert len(numbers) == 1
    assert np.random.default_rng(10).random() not in numbers


def test_equal_states_give_equal_draws_and_later_calls_new_ones():
    rate_Hz = np.full((3, 2), 100.0)
    rng, twin = np.random.default_rng(11), np.random.default_rng(11)
    first, second = (poisson(rng, rate_Hz, duration_ms=100.0) for _ in range(2))
    same = poisson(twin, rate_Hz, duration_ms=100.0)
    assert first.time_ms.tolist() == same.time_ms.tolist()
    assert not set(first.time_ms) & set(second.time_ms)


def test_no_rate_gives_no_spikes():
    spikes = poisson(np.random.default_rng(12), np.zeros((3, 2)), duration_ms=100.0)
    assert len(spikes.time_ms) == len(spikes.trial) == len(spikes.channel) == 0


def test_gaussian_current_has_the_mean_and_deviation_asked_for():
    n_bins, n_trials, n_neurons = 400, 50, 5
    current = gaussian_current(
        np.random.default_rng(13),
        n_trials,
        duration_ms=200.0,
        n_neurons=n_neurons,
        mean_pA=-30.0,
        std_pA=12.0,
        interval_ms=0.5,
    )
    assert current.shape == (n_bins, n_trials, n_neurons)
    z, n = (current + 30.0) / 12.0, current.size
    # Standard errors of the first four moments of a normal distribution.
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 4 * np.sqrt(variance / n)


def test_gaussian_current_is_white_and_independent_across_trials_and_neurons():
    current = gaussian_current(np.random.default_rng(14), 64, duration_ms=500.0, n_neurons=4, std_pA=1.0)
    assert current.shape == (500, 64, 4)
    for lag in (1, 2, 3, 4, 5, 10, 64):
        assert_uncorrelated(current[lag:], current[:-lag])
    for lag in (1, 2, 3, 4, 8, 16, 32):
        assert_uncorrelated(current[:, lag:], current[:, :-lag])
    for lag in (1, 2, 3):
        assert_uncorrelated(current[:, :, lag:], current[:, :, :-lag])


def test_every_trial_has_its_own_place_in_one_philox_sequence():
    current = gaussian_current(np.random.default_rng(15), 5, duration_ms=8.0, n_neurons=3, std_pA=1.0)
    key = np.random.default_rng(15).integers(2**64, size=2, dtype=np.uint64)
    for trial in range(5):
        twin = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, trial]))
        assert np.array_equal(current[:, trial], twin.standard_normal((8, 3)))


def test_the_first_currents_of_a_larger_batch_are_the_smaller_batch():
    settings = {"duration_ms": 20.0, "n_neurons": 3, "std_pA": 2.0, "mean_pA": 1.0}
    some = gaussian_current(np.random.default_rng(16), 4, **settings)
    many = gaussian_current(np.random.default_rng(16), 9, **settings)
    assert np.array_equal(some, many[:, :4])


def test_without_deviation_the_current_is_its_mean():
    current = gaussian_current(
        np.random.default_rng(17), 2, duration_ms=0.3, n_neurons=1, mean_pA=5.0, std_pA=0.0, interval_ms=0.1
    )
    assert current.tolist() == [[[5.0], [5.0]]] * 3


def test_latency_is_the_missing_part_of_the_window_and_zero_is_silence():
    spikes = latency([[1.0, 0.25, 0.0], [0.0, 0.0, 0.9]], window_ms=20.0)
    events = list(zip(spikes.trial.tolist(), spikes.channel.tolist(), spikes.time_ms.tolist(), strict=True))
    assert events == [(0, 0, 0.0), (0, 1, 15.0), (1, 2, pytest.approx(2.0))]


def test_the_stronger_value_fires_first():
    values = np.random.default_rng(18).uniform(0.01, 1, (1, 50))
    spikes = latency(values, window_ms=10.0)
    order = spikes.channel[np.argsort(spikes.time_ms)]
    assert order.tolist() == np.argsort(-values[0]).tolist()


def test_a_burst_has_as_many_spikes_as_the_value_says():
    spikes = burst([[0.5, 0.0, 1.0], [0.1, 0.7, 0.0]], max_spikes=4, interval_ms=3.0, start_ms=2.0)
    trains = {}
    for trial, channel, time_ms in zip(spikes.trial, spikes.channel, spikes.time_ms, strict=True):
        trains.setdefault((int(trial), int(channel)), []).append(float(time_ms))
    assert trains == {(0, 0): [2.0, 5.0], (0, 2): [2.0, 5.0, 8.0, 11.0], (1, 1): [2.0, 5.0, 8.0]}


def test_a_burst_starts_at_once_and_rounds_halves_to_the_even_number():
    spikes = burst([[0.125, 0.375, 0.625, 0.875]], max_spikes=4, interval_ms=1.0)  # .5, 1.5, 2.5, 3.5 spikes
    assert np.bincount(spikes.channel, minlength=4).tolist() == [0, 2, 2, 4]
    assert spikes.time_ms[spikes.channel == 3].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_long_burst_that_nothing_fires_takes_no_room():
    assert len(burst([[0.0] * 100] * 100, max_spikes=10**8, interval_ms=1.0).time_ms) == 0


def test_codes_fit_a_stimulus():
    rng = np.random.default_rng(19)
    values = rng.random((4, 3))
    spikes = {
        "rate": poisson(rng, 100 * values, duration_ms=50.0),
        "latency": latency(values, window_ms=20.0),
        "burst": burst(values, max_spikes=3, interval_ms=5.0),
    }
    noise_pA = gaussian_current(rng, 4, duration_ms=50.0, n_neurons=2, std_pA=10.0)
    stimulus = Stimulus(4, 50.0, spikes, current_pA=noise_pA)
    assert all(len(events.time_ms) for events in stimulus.spikes.values())
    assert stimulus.current_pA.shape == (50, 4, 2)


RNG = np.random.default_rng(0)
NOISE = {"duration_ms": 10.0, "n_neurons": 2, "std_pA": 1.0}
BURST = {"max_spikes": 3, "interval_ms": 1.0}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            lambda: poisson(RNG, [[5.0, -1.0]], duration_ms=1.0),
            "poisson: rate_Hz: expected finite numbers ≥ 0; got -1.0",
        ),
        (lambda: poisson(RNG, [[np.nan]], duration_ms=1.0), "expected finite numbers ≥ 0; got nan"),
        (lambda: poisson(RNG, [[np.inf]], duration_ms=1.0), "expected finite numbers ≥ 0; got inf"),
        (
            lambda: poisson(RNG, [5.0], duration_ms=1.0),
            "poisson: rate_Hz: expected float[trials, channels] or float[bins, trials, channels]; got shape (1,)",
        ),
        (lambda: poisson(RNG, [[1.0], [1.0, 2.0]], duration_ms=1.0), "got [[1.0], [1.0, 2.0]]"),
        (
            lambda: poisson(RNG, np.ones((0, 3)), duration_ms=1.0),
            "poisson: rate_Hz: expected ≥ 1 along every axis; got shape (0, 3)",
        ),
        (
            lambda: poisson(RNG, [[5.0]], duration_ms=0.0),
            "poisson: duration_ms: expected a finite number > 0; got 0.0",
        ),
        (lambda: poisson(RNG, [[5.0]], duration_ms=np.nan), "expected a finite number > 0; got nan"),
        (
            lambda: poisson(RNG, [[5.0]], duration_ms="10"),
            "poisson: duration_ms: expected a finite number > 0; got '10'",
        ),
        (
            lambda: poisson(7, [[5.0]], duration_ms=1.0),
            "poisson: rng: expected a numpy.random.Generator; got 7",
        ),
        (
            lambda: poisson(RNG, np.full((2, 2, 3), 1e12), duration_ms=1.0),
            "poisson: rate_Hz × duration_ms: expected at most 1e+08 spikes in all; got 6e+09",
        ),
        (lambda: poisson(RNG, [[1e308, 1e308]], duration_ms=1e9), "at most 1e+08 spikes in all; got inf"),
        (
            lambda: gaussian_current(RNG, True, **NOISE),
            "gaussian_current: n_trials: expected a whole number ≥ 1; got True",
        ),
        (
            lambda: gaussian_current(RNG, 10**12, **NOISE),
            "gaussian_current: n_trials: expected at most 1000000000; got 1000000000000",
        ),
        (
            lambda: gaussian_current(RNG, 10**5, **NOISE | {"n_neurons": 10**5}),
            "gaussian_current: duration_ms / interval_ms × n_trials × n_neurons: expected at most 1e+09 numbers in "
            "all; got 1e+11",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE | {"duration_ms": 1e308}, interval_ms=1e-308),
            "expected at most 1e+09 numbers in all; got inf",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE | {"duration_ms": "10"}),
            "gaussian_current: duration_ms: expected a finite number > 0; got '10'",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE | {"std_pA": None}),
            "gaussian_current: std_pA: expected a finite number ≥ 0; got None",
        ),
        (
            lambda: gaussian_current(RNG, 0, **NOISE),
            "gaussian_current: n_trials: expected a whole number ≥ 1; got 0",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE | {"n_neurons": 1.5}),
            "gaussian_current: n_neurons: expected a whole number ≥ 1; got 1.5",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE | {"duration_ms": -1.0}),
            "gaussian_current: duration_ms: expected a finite number > 0; got -1.0",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE, interval_ms=0.0),
            "gaussian_current: interval_ms: expected a finite number > 0; got 0.0",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE, interval_ms=3.0),
            "gaussian_current: interval_ms: expected a divisor of the duration 10.0 ms; got 3.0",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE, interval_ms=25.0),
            "expected a divisor of the duration 10.0 ms; got 25.0",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE | {"std_pA": -1.0}),
            "gaussian_current: std_pA: expected a finite number ≥ 0; got -1.0",
        ),
        (
            lambda: gaussian_current(RNG, 1, **NOISE, mean_pA=np.nan),
            "gaussian_current: mean_pA: expected a finite number; got nan",
        ),
        (lambda: latency([[0.5, 1.5]], window_ms=1.0), "latency: values: expected numbers 0…1; got 1.5"),
        (lambda: latency([[-0.1]], window_ms=1.0), "latency: values: expected numbers 0…1; got -0.1"),
        (lambda: latency([[np.nan]], window_ms=1.0), "latency: values: expected numbers 0…1; got nan"),
        (
            lambda: latency([0.5], window_ms=1.0),
            "latency: values: expected float[trials, channels]; got shape (1,)",
        ),
        (
            lambda: latency([[0.5]], window_ms=0.0),
            "latency: window_ms: expected a finite number > 0; got 0.0",
        ),
        (
            lambda: latency([[0.5]], window_ms="1"),
            "latency: window_ms: expected a finite number > 0; got '1'",
        ),
        (lambda: burst([[2.0]], **BURST), "burst: values: expected numbers 0…1; got 2.0"),
        (
            lambda: burst([[[1.0]]], **BURST),
            "burst: values: expected float[trials, channels]; got shape (1, 1, 1)",
        ),
        (
            lambda: burst([[1.0]], max_spikes=0, interval_ms=1.0),
            "burst: max_spikes: expected a whole number ≥ 1; got 0",
        ),
        (
            lambda: burst([[1.0]], max_spikes=10**12, interval_ms=1.0),
            "burst: max_spikes: expected at most 100000000; got 1000000000000",
        ),
        (
            lambda: burst([[1.0, 1.0]], max_spikes=10**8, interval_ms=1.0),
            "burst: values × max_spikes: expected at most 1e+08 spikes in all; got 2e+08",
        ),
        (
            lambda: burst([[1.0]], max_spikes=1, interval_ms="1"),
            "burst: interval_ms: expected a finite number > 0; got '1'",
        ),
        (
            lambda: burst([[1.0]], max_spikes=1, interval_ms=-1.0),
            "burst: interval_ms: expected a finite number > 0; got -1.0",
        ),
        (
            lambda: burst([[1.0]], **BURST, start_ms=-1.0),
            "burst: start_ms: expected a finite number ≥ 0; got -1.0",
        ),
    ],
)
def test_a_wrong_request_is_one_clear_line(code, message):
    with pytest.raises(InputError) as error:
        code()
    assert message in str(error.value)
    assert "\n" not in str(error.value)
