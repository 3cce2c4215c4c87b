import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import BurstEncoder, DeltaEncoder, LatencyEncoder, RateEncoder, RowEncoder
from evocircuits.nn.encode import receptive_fields

EVERY = [LatencyEncoder(steps=12, window=10), RateEncoder(steps=12), BurstEncoder(steps=12, max_spikes=4)]


def test_brighter_is_earlier_and_dark_is_silent():
    spikes = LatencyEncoder(steps=15, window=11)(torch.tensor([[1.0, 0.5, 0.1, 0.0]]))
    assert spikes.shape == (15, 1, 4)
    assert spikes.nonzero().tolist() == [[0, 0, 0], [5, 0, 1], [9, 0, 2]]


def test_the_least_intensity_fires_last_within_the_window():
    spikes = LatencyEncoder(steps=20, window=8)(torch.tensor([[1e-6]]))
    assert spikes.nonzero().tolist() == [[7, 0, 0]]


@pytest.mark.parametrize("encoder", [EVERY[0], EVERY[2]])
def test_every_trial_is_encoded_on_its_own(encoder):
    images = torch.rand(5, 7, generator=torch.Generator().manual_seed(0))
    for i in range(5):
        assert torch.equal(encoder(images)[:, i], encoder(images[i : i + 1])[:, 0])


def test_a_rate_is_the_share_of_steps_with_a_spike():
    """Of 20,000 steps, intensities 1, ½ and 0 at most .4: .4, .2 and none; standard deviation .0035 at most."""
    encoder = RateEncoder(steps=20_000, most=0.4, generator=torch.Generator().manual_seed(0))
    rates = encoder(torch.tensor([[1.0, 0.5, 0.0]])).mean(0)[0].tolist()
    assert rates == pytest.approx([0.4, 0.2, 0.0], abs=0.015)
    assert rates[2] == 0.0


def test_a_rate_code_repeats_with_its_generator():
    image = torch.full((2, 3), 0.5)
    first, second, third = (
        RateEncoder(steps=50, generator=torch.Generator().manual_seed(seed))(image) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_a_burst_is_as_long_as_its_value():
    """Values 1, ½, .1 and 0 of at most 4 spikes: 4, 2, 0 (of .4) and 0, every other step."""
    spikes = BurstEncoder(steps=8, max_spikes=4, interval=2)(torch.tensor([[1.0, 0.5, 0.1, 0.0]]))
    assert [spikes[:, 0, i].nonzero().flatten().tolist() for i in range(4)] == [[0, 2, 4, 6], [0, 2], [], []]


def test_a_delta_code_tells_of_changes_by_the_threshold():
    """Threshold ½ from 0 on: 0.6 tells +½; 0.9 does not reach 1; 1.1 tells 1; −.1 is 1.1 below: two steps down."""
    signal = torch.tensor([0.0, 0.6, 0.9, 1.1, -0.1, -0.1, -0.1]).reshape(7, 1, 1)
    spikes = DeltaEncoder(threshold=0.5)(signal)
    assert spikes.shape == (7, 1, 2)
    assert spikes[:, 0, 0].tolist() == [0, 1, 0, 1, 0, 0, 0]
    assert spikes[:, 0, 1].tolist() == [0, 0, 0, 0, 1, 1, 0]


def test_a_slow_signal_is_told_to_within_the_threshold():
    signal = torch.sin(torch.arange(200.0) / 20)[:, None, None] * torch.tensor([1.0, 3.0])
    spikes = DeltaEncoder(threshold=0.2)(signal)
    told = 0.2 * (spikes[:, :, :2] - spikes[:, :, 2:]).cumsum(0)
    assert (signal - told).abs().max() < 0.2 + 1e-5


@pytest.mark.parametrize("encoder", EVERY)
def test_spikes_lie_in_memory_as_the_layers_want_them(encoder):
    assert encoder(torch.rand(3, 4)).permute(2, 0, 1).is_contiguous()


@pytest.mark.parametrize("encoder", EVERY)
@pytest.mark.parametrize("images", [[[1.5]], [[-0.1]], [[float("nan")]], [0.5]])
def test_intensities_outside_0_to_1_are_refused(encoder, images):
    with pytest.raises(InputError, match="intensities 0…1"):
        encoder(torch.tensor(images))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (lambda: LatencyEncoder(steps=5, window=6), "window"),
        (lambda: RateEncoder(steps=5, most=1.5), "most"),
        (lambda: BurstEncoder(steps=5, max_spikes=4, interval=2), "steps for the longest burst"),
        (lambda: DeltaEncoder(threshold=0.0), "threshold > 0"),
        (lambda: DeltaEncoder(threshold=1.0)(torch.zeros(3, 4)), "a signal"),
    ],
)
def test_wrong_requests_are_refused(request_, message):
    with pytest.raises(InputError, match=message):
        request_()


def test_rows_come_one_after_another_each_by_its_own_code():
    """Two rows of three: the second row's spikes come 4 steps later, and two steps more are left at the end."""
    inner = LatencyEncoder(steps=4, window=3)
    values = torch.tensor([[1.0, 0.5, 0.0, 0.1, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.5]])
    spikes = RowEncoder(inner, rows=2, rest=2)(values)
    expected = torch.cat([inner(values[:, :3]), inner(values[:, 3:]), torch.zeros(2, 2, 3)])
    assert torch.equal(spikes, expected)
    assert spikes.permute(2, 0, 1).is_contiguous()


def test_rows_must_be_equal():
    with pytest.raises(InputError, match="expected 2 equal rows; got 3 features"):
        RowEncoder(EVERY[0], rows=2)(torch.zeros(1, 3))
    with pytest.raises(InputError, match="rows ≥ 1"):
        RowEncoder(EVERY[0], rows=0)


def test_the_nearest_field_is_strongest():
    """Fields at 0, ½ and 1: ½ is at the second's own value and one place from the others, ¾ half a place from two."""
    seen = receptive_fields(torch.tensor([[0.5], [0.75]]), 3)
    assert seen.tolist() == [[0.5, 1.0, 0.5], [0.25, 0.75, 0.75]]
