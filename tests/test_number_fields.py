"""Records of numbers from `name=value`."""

import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.number_fields import numbers_of, with_numbers
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.teacher.geometry_checks import LabelLimits


def test_reads_assignments():
    assert with_numbers(SynthSettings, []) == SynthSettings()
    changed = with_numbers(SynthSettings, ["glove=0.5", " ring = 1"])
    assert changed == SynthSettings(glove=0.5, ring=1.0)
    assert with_numbers(LabelLimits, ["max_spread=0.02"]) == LabelLimits(max_spread=0.02)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("glove", "name=value"),
        ("hat=1", "negatives, makehuman"),
        ("glove=much", "expected a number"),
        ("glove=2", "from 0 to 1"),
        ("glove=nan", "from 0 to 1"),
    ],
)
def test_refuses_assignments(text, match):
    with pytest.raises(InputError, match=match):
        with_numbers(SynthSettings, [text])


def test_reads_only_what_is_there():
    assert numbers_of(["beta = 2"], ["alpha", "beta"]) == {"beta": 2.0}
    with pytest.raises(InputError, match=r"a name of alpha, beta\. Received: 'gamma=1'"):
        numbers_of(["gamma=1"], ["alpha", "beta"])
