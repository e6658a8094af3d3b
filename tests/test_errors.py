import pytest

from tf_handgroups.errors import GateError, InputError


def test_input_errors_are_value_errors_and_gates_are_not():
    """The command line gives them different exit codes, so neither may contain the other."""
    assert issubclass(InputError, ValueError)
    assert issubclass(GateError, RuntimeError)
    assert not issubclass(InputError, GateError) and not issubclass(GateError, InputError)


@pytest.mark.parametrize("kind", [InputError, GateError])
def test_message_is_kept(kind):
    with pytest.raises(kind, match="Received: count=0"):
        raise kind("expected hands. Received: count=0.")
