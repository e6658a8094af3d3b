import pytest

from tf_handgroups.datasets.options import known_option
from tf_handgroups.errors import InputError


def test_known_values_are_returned():
    assert known_option("stb", "split", "test", {"train": 1, "test": 2}) == "test"


@pytest.mark.parametrize("value", ["", "Test", "train,test"])
def test_others_are_refused_with_a_list(value):
    expected = rf"^stb: .* Received: split='{value}'\. Known: train, test\.$"
    with pytest.raises(InputError, match=expected):
        known_option("stb", "split", value, iter(("train", "test")))
