"""Settings of a synthetic set."""

import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.synth.settings import SynthSettings


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "1", None, True])
def test_shares_lie_between_zero_and_one(value):
    with pytest.raises(InputError, match="Received: sleeve="):
        SynthSettings(sleeve=value)


def test_roll_is_in_degrees():
    assert SynthSettings(max_roll_deg=180).max_roll_deg == 180.0
    with pytest.raises(InputError, match="from 0 to 180"):
        SynthSettings(max_roll_deg=181)
