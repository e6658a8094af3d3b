"""Tests of the check of crops."""

import numpy as np
import pytest

from tf_handgroups.convert.crops import check_crops
from tf_handgroups.errors import InputError


def test_keeps_good_crops():
    crops = np.linspace(0, 1, 2 * 8 * 8 * 3).reshape(2, 8, 8, 3)
    checked = check_crops(crops, 8, "crops")
    np.testing.assert_array_equal(checked, crops.astype(np.float32))


@pytest.mark.parametrize("shape", [(8, 8, 3), (0, 8, 8, 3), (1, 8, 9, 3), (1, 8, 8, 1)])
def test_rejects_other_shapes(shape):
    with pytest.raises(InputError, match=r"my_crops: .* Received: shape="):
        check_crops(np.zeros(shape), 8, "my_crops")


@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0, np.nan, np.inf])
def test_rejects_values_out_of_range(value):
    crops = np.zeros((1, 8, 8, 3))
    crops[0, 4, 4, 1] = value
    with pytest.raises(InputError, match="Received: range="):
        check_crops(crops, 8, "crops")
