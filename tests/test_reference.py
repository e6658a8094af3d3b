import pathlib

import keras
import numpy as np
import pytest

from tests.hands import tiny_model
from tests.reference_state import reference_input, reference_shapes, reference_state
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import grouping_of, harden
from tf_handgroups.joints import JOINT_ORDERS, to_canonical
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.reference import build_reference_network, load_reference_state

FIGURES = np.load(pathlib.Path(__file__).with_name("reference_figures.npz"))
SALTS = ("handgroups:", "salt-2:", "thumb:")
# The outputs are sums over the whole network in float32; a wrong layer moves joints by
# pixels. Measured: 1.1e-4 px and 9e-8.
UV_TOLERANCE_PX = 2e-3
DEPTH_TOLERANCE = 1e-4


def figure(salt: str, name: str) -> np.ndarray:
    return FIGURES[f"{salt.removesuffix(':')}_{name}"]


def images(salt: str) -> np.ndarray:
    return reference_input(salt).transpose(0, 2, 3, 1)


def assert_pose(outputs, salt: str, kind: str, order: str = "canonical") -> None:
    for name, output, tolerance in (
        ("uv", "uv_px", UV_TOLERANCE_PX),
        ("depth", "z_rel", DEPTH_TOLERANCE),
    ):
        expected = figure(salt, f"{name}_{kind}").swapaxes(0, 1)
        expected = to_canonical(expected, order).swapaxes(0, 1)
        np.testing.assert_allclose(outputs[output], expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def model():
    return build_reference_network()


@pytest.fixture(scope="module")
def state():
    return reference_state(SALTS[0])


def unchanged(model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(weight).copy() for weight in model.weights]


def test_size(model):
    learned = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert learned == 7_478_257
    # With the fixed grids, which we do not store, the authors' count.
    grids = sum(np.prod(s) for n, s in reference_shapes().items() if n.endswith((".wx", ".wy")))
    assert learned + grids == 7_502_833


def test_provenance_travels():
    model = build_reference_network(provenance={"licence": "CC0"})
    assert model.config["provenance"] == {"licence": "CC0"}


@pytest.mark.parametrize("salt", SALTS)
def test_parity(model, salt):
    """Hard grouping, also hardened, and uniform mixture, against the authors' network."""
    load_reference_state(model, reference_state(salt))
    assert grouping_of(model) == tuple(figure(salt, "groups"))
    x = images(salt)
    probe = keras.Model(
        model.input,
        {
            "feature": model.get_layer("backbone_features_relu").output,
            "heatmap": model.get_layer("backbone_heatmaps_conv").output,
        },
    )
    for name, maps in probe(x).items():
        expected = figure(salt, f"{name}_backbone_mean")
        np.testing.assert_allclose(np.mean(maps, axis=(1, 2)), expected, rtol=0, atol=1e-4)
    # The figures tell networks apart: two groupings differ by pixels.
    assert np.abs(figure(salt, "uv_hard") - figure(salt, "uv_uniform")).max() > 5
    assert_pose(model(x), salt, "hard")
    assert_pose(harden(model)(x), salt, "hard")
    assert_pose(model.mixture(x, np.full((21, 3), 1 / 3, np.float32)), salt, "uniform")


def test_every_weight_is_filled(model, state):
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 77.0))
    load_reference_state(model, state)
    ours = {"current_temperature", "committed", "num_draws"}
    for weight in model.weights:
        if weight.path.rpartition("/")[2] in ours or weight.path.startswith("backbone_soft"):
            continue
        assert not np.any(keras.ops.convert_to_numpy(weight) == 77.0), weight.path


@pytest.mark.parametrize("order", ["rhd", "interhand"])
def test_joints_move_to_their_canonical_place(state, order):
    """The same network, its outputs in canonical order: nothing else may change."""
    salt = SALTS[0]
    model = build_reference_network()
    load_reference_state(model, state, joint_order=order)
    expected = figure(salt, "groups")[list(JOINT_ORDERS[order])]
    assert grouping_of(model) == tuple(expected)
    x = images(salt)
    assert_pose(model(x), salt, "hard", order)
    assert_pose(model.mixture(x, np.full((21, 3), 1 / 3, np.float32)), salt, "uniform", order)


def test_lists_missing_unexpected_and_misshapen(model, state):
    before = unchanged(model)
    broken = dict(state)
    missing = ["backbone.bn1.bias", "b_get_uv.1.wx", "b_up1.2.1.block.1.num_batches_tracked"]
    for name in missing:
        del broken[name]
    broken |= {"extra.weight": np.zeros(3), "meta_S.bias": np.zeros(3)}
    # The right number of values in the wrong layout.
    broken["backbone.conv1_.weight"] = state["backbone.conv1_.weight"].transpose(2, 3, 1, 0)
    broken["b_get_uv.0.beta.weight"] = np.ones(21)
    with pytest.raises(InputError) as caught:
        load_reference_state(model, broken)
    message = str(caught.value)
    assert "expected the 1104 entries" in message and "Received: 1103 entries" in message
    listed = message.partition("3 missing: ")[2].partition(";")[0]
    assert sorted(listed.split(", ")) == sorted(missing)
    assert "2 unexpected: extra.weight, meta_S.bias" in message
    assert "2 misshapen: backbone.conv1_.weight is (7, 7, 3, 64), expected (64, 3, 7, 7)" in message
    assert "b_get_uv.0.beta.weight is (21,), expected (21, 1, 1, 1)" in message
    for old, new in zip(before, unchanged(model), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("b_get_uv.2.wx", lambda a: a.T, "b_get_uv.2.wx is not the grid of column indices 0 .. 63"),
        ("b_get_uv.0.wy", lambda a: a + 0.5, "b_get_uv.0.wy is not the grid of row indices"),
        ("meta_S.weight", lambda a: a * np.nan, "meta_S.weight is not numeric or not finite"),
        ("meta_S.weight", lambda a: a.astype(str), "meta_S.weight is not numeric"),
        ("meta_S.weight", lambda a: a[:, :2], "meta_S.weight is (21, 2), expected (21, 3)"),
    ],
)
def test_rejects_values(model, state, name, change, expected):
    with pytest.raises(InputError, match=r"1 (unusable|misshapen): ") as caught:
        load_reference_state(model, {**state, name: change(state[name])})
    assert expected in str(caught.value)


def test_long_lists_end(model):
    with pytest.raises(InputError, match=r"Received: 0 entries; 1104 missing: .*, and 1054 more"):
        load_reference_state(model, {})


def test_rejects_other_networks(state):
    with pytest.raises(InputError, match="expected a HandPoseModel of the architecture paper"):
        load_reference_state(tiny_model(), state)
    with pytest.raises(InputError, match="Received: model='Sequential'"):
        load_reference_state(keras.Sequential(), state)


def test_rejects_unknown_joint_order(model, state):
    with pytest.raises(InputError, match=r"Received: joint_order='coco'. Known orders: canonical"):
        load_reference_state(model, state, joint_order="coco")


def test_number_of_groups_must_fit(state):
    model = HandPoseModel(input_size=256, architecture="paper", num_groups=2)
    with pytest.raises(InputError, match=r"authors' network with 2 groups.*unexpected: b_conv0.2"):
        load_reference_state(model, state)
