import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_handgroups.errors import InputError
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.optimizers.selector_rate import SELECTOR_VARIABLE, SelectorAdamW, SelectorLamb


def step(optimizer) -> dict[str, np.ndarray]:
    """Returns by how much one step with unit gradients moves each of two variables."""
    variables = [
        keras.Variable(np.zeros(3, "float32"), name="kernel"),
        keras.Variable(np.zeros(3, "float32"), name="logits"),
    ]
    variables[1]._path = f"model/{SELECTOR_VARIABLE}"
    optimizer.build(variables)
    optimizer.apply_gradients([(tf.ones(3), variable) for variable in variables])
    return {name: np.asarray(v) for name, v in zip(("kernel", "logits"), variables, strict=True)}


@pytest.mark.parametrize(
    ("ours", "parent"),
    [(SelectorAdamW, keras.optimizers.AdamW), (SelectorLamb, keras.optimizers.Lamb)],
)
def test_only_the_selector_moves_faster(ours, parent):
    moved = step(ours(0.01, selector_factor=7.0, weight_decay=0.0))
    expected = step(parent(0.01, weight_decay=0.0))
    np.testing.assert_allclose(moved["kernel"], expected["kernel"], rtol=1e-6)
    np.testing.assert_allclose(moved["logits"], 7 * expected["logits"], rtol=1e-5)


def test_the_network_has_exactly_one_such_variable():
    model = HandPoseModel(64, "tiny", group_channels=8)
    names = [v.path for v in model.trainable_variables if v.path.endswith(SELECTOR_VARIABLE)]
    assert len(names) == 1


def test_config_round_trip():
    optimizer = SelectorAdamW(keras.optimizers.schedules.CosineDecay(0.1, 10), selector_factor=3.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(again, SelectorAdamW)
    assert again.selector_factor == 3.0


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_rejects_factor(bad):
    with pytest.raises(InputError, match="Received: selector_factor="):
        SelectorAdamW(selector_factor=bad)


def test_the_end_of_fit_leaves_the_weights():
    optimizer = SelectorAdamW(0.1, use_ema=True)
    variable = keras.Variable(np.zeros(3, "float32"), name="kernel")
    variable._path = "kernel"
    optimizer.build([variable])
    optimizer.apply_gradients([(tf.ones(3), variable)])
    before = np.asarray(variable)
    optimizer.finalize_variable_values([variable])
    np.testing.assert_array_equal(variable, before)
