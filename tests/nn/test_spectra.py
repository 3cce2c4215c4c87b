import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import MotifLayer, recurrent_matrix, spectrum


def test_equal_singular_values_have_entropy_1_and_a_single_one_0():
    assert spectrum(3 * torch.eye(5)).entropy == pytest.approx(1.0)
    assert spectrum(torch.ones(4, 4)).entropy == pytest.approx(0.0, abs=1e-6)
    assert spectrum(torch.zeros(4, 4)).entropy == 0.0
    assert spectrum(torch.ones(1, 1)).entropy == 0.0


def test_entropy_computed_by_hand():
    """Values 3 and 1: shares ¾ and ¼, (¾ ln 4/3 + ¼ ln 4) / ln 2 = .8113."""
    found = spectrum(torch.diag(torch.tensor([1.0, -3.0])))
    assert found.singular_values == pytest.approx((3.0, 1.0))
    assert found.entropy == pytest.approx(0.8112781)


def test_a_motifs_matrix_holds_its_genomes_strengths(delay_line):
    """Peaks as shares of threshold: places onto veto cells .3, back −.2, neighbouring places .1."""
    matrix = recurrent_matrix(MotifLayer(delay_line, copies=2, dtype=torch.float64), 1).numpy()
    np.testing.assert_allclose(matrix[13:, :13], 0.3)
    np.testing.assert_allclose(matrix[:13, 13:], -0.2)
    np.testing.assert_allclose(matrix[:13, :13], 0.1 * (np.eye(13, k=1) + np.eye(13, k=-1)), atol=1e-12)


def test_a_copy_that_is_not_there_is_refused(delay_line):
    with pytest.raises(InputError, match="expected a copy 0…1; got 2"):
        recurrent_matrix(MotifLayer(delay_line, copies=2), 2)
