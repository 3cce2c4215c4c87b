import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import MotifLayer, set_rates, stack
from evocircuits.nn.spectra import recurrent_matrix, spectrum

from .test_layers import random_input


def test_every_layer_fires_at_the_target_rate_front_to_back(delay_line):
    net = stack([delay_line] * 2, 6, copies=2, time_scale=12.5, generator=torch.Generator().manual_seed(0))
    x = torch.tensor(random_input(np.random.default_rng(0), 6, p=0.2), dtype=torch.float32)
    done = set_rates(net, x, rate_Hz=40.0)
    assert [one.layer for one in done] == ["1", "3"]
    for i, one in zip((1, 3), done, strict=True):
        spikes = net[: i + 1](x)
        assert spikes.mean().item() * 1000 == pytest.approx(one.rate_Hz)
        assert one.rate_Hz == pytest.approx(40.0, rel=0.1)
        assert one.spectrum == spectrum(recurrent_matrix(net[i]))
        expected = one.factor * np.concatenate([a.weight_pA for a in delay_line.circuit.inputs.values()])
        np.testing.assert_allclose(
            net[i].to_motif(1).circuit.inputs["left"].weight_pA, expected[:13], rtol=1e-4
        )


def test_a_silent_input_leaves_its_layer_silent(delay_line):
    layer = MotifLayer(delay_line, time_scale=12.5)
    (done,) = set_rates(layer, torch.zeros(20, 2, 2), rate_Hz=10.0)
    assert done.rate_Hz == 0.0


def test_wrong_requests_are_refused(delay_line):
    with pytest.raises(InputError, match="a rate > 0 and a net with motif layers"):
        set_rates(torch.nn.Linear(2, 2), torch.zeros(1, 1, 2), rate_Hz=10.0)
    with pytest.raises(InputError, match="a rate > 0"):
        set_rates(MotifLayer(delay_line), torch.zeros(1, 1, 2), rate_Hz=0.0)
