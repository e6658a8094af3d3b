"""Conversions that were damaged on purpose: the gates catch each and say what is wrong.

The damage is built into the graph that is converted; the Keras model it is compared with
stays as it is. The network is small and its weights are made up like those of a training.
"""

import keras
import numpy as np
import pytest
from keras import ops
from rich.console import Console

from tests.convert.conftest import SIZE, build_stand_in, make_crops
from tests.hands import make_like_trained, tiny_model
from tf_handgroups.convert import convert as module
from tf_handgroups.convert.convert import convert_model
from tf_handgroups.convert.export import export_float32
from tf_handgroups.convert.parity import compare
from tf_handgroups.convert.parity_gates import GATES
from tf_handgroups.convert.quantize import quantize
from tf_handgroups.errors import GateError
from tf_handgroups.hardening import harden
from tf_handgroups.model_file import save_model


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    return make_like_trained(tiny_model())


@pytest.fixture(scope="module")
def hardened(trained):
    return harden(trained)


@pytest.fixture(scope="module")
def hardened_file(hardened, tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / "hand.keras"
    save_model(hardened, path)
    return path


@pytest.fixture
def convert(hardened_file, tmp_path, monkeypatch):
    """Converts the network, but with a damaged graph in the place of the exported one."""

    def run(content):
        monkeypatch.setattr(module, "export_float32", lambda model: content)
        return convert_model(
            hardened_file,
            tmp_path / "out",
            recipes=["float32"],
            validation_crops=make_crops(12, seed=0),
            benchmark_rounds=0,
            console=Console(quiet=True),
        )

    yield run
    assert not list(tmp_path.iterdir()), "a refused conversion leaves nothing behind"


def wrap(change_outputs=dict, change_image=lambda image: image):
    """Returns a function that puts layers before and behind a model."""

    def damage(model):
        images = keras.Input(model.input_shape[1:], name="image")
        outputs = change_outputs(dict(model(change_image(images))))
        return keras.Model(images, {name: outputs[name] for name in model.output})

    return damage


def swap(outputs):
    """Exchanges the tips of thumb and index, as a wrong joint order does."""
    order = list(range(21))
    order[4], order[8] = order[8], order[4]
    return outputs | {"uv_px": ops.stack([outputs["uv_px"][:, joint] for joint in order], axis=1)}


def share_scale(outputs):
    """Sends pixels and depths through one tensor, which int8 gives one scale."""
    flat = keras.layers.Reshape((42,), name="pixels")(outputs["uv_px"])
    joined = keras.layers.Concatenate(name="joined")([flat, outputs["z_rel"]])
    return outputs | {
        "uv_px": keras.layers.Reshape((21, 2), name="split_uv")(joined[:, :42]),
        "z_rel": joined[:, 42:],
    }


def soft_mixture(trained, hardened):
    """The selector's shares instead of its decision: what is left without hardening."""
    images = keras.Input((SIZE, SIZE, 3), name="image")
    predictions = keras.Model(trained.input, trained.selector.input[0])(images)
    pose = trained.selector.mix(predictions, np.asarray(trained.selector.membership()))
    mixed = {"uv_px": pose[..., :2], "z_rel": pose[..., 2]}
    return keras.Model(images, dict(hardened(images)) | mixed)


def test_the_undamaged_network_passes(hardened):
    content = export_float32(wrap()(hardened))
    for recipe in GATES:
        compare(hardened, content, make_crops(4, seed=0)).check(recipe)


def refused_by_every_gate(hardened, content, name):
    """Whether even the widest gate would have caught it, in the named output.

    But for that of `int8`: its pixels are those of crops four times the size of these.
    """
    report = compare(hardened, content, make_crops(12, seed=0))
    return all(
        any(failure.startswith(name) for failure in report.failures(recipe))
        for recipe in GATES
        if recipe != "int8"
    )


def test_wrong_input_scaling(hardened, convert):
    # [-1, 1], as MobileNets like it, where the network expects [0, 1].
    rescale = keras.layers.Rescaling(2.0, offset=-1.0)
    content = export_float32(wrap(change_image=rescale)(hardened))
    with pytest.raises(GateError, match=r"float32 export: .*Received: uv_px\.max=\d"):
        convert(content)
    assert refused_by_every_gate(hardened, content, "uv_px")


def test_swapped_joints(hardened, convert):
    content = export_float32(wrap(swap)(hardened))
    with pytest.raises(GateError, match=r"Received: uv_px\.max=\S+ > 0\.02 crop px over 12 crops"):
        convert(content)
    assert refused_by_every_gate(hardened, content, "uv_px")
    report = compare(hardened, content, make_crops(4, seed=0))
    wrong = np.flatnonzero(np.array(report.joints["uv_px"]["mean"]) > 0.1)
    assert wrong.tolist() == [4, 8]


def test_soft_mixture_of_an_unhardened_selector(trained, hardened, convert):
    content = export_float32(soft_mixture(trained, hardened))
    with pytest.raises(GateError, match=r"float32 export: .*Received: uv_px\.max=.* z_rel\.max="):
        convert(content)
    assert refused_by_every_gate(hardened, content, "uv_px")


def test_random_op_of_an_unhardened_selector(convert):
    keras.utils.set_random_seed(1)
    content = export_float32(build_stand_in(noise=True))
    with pytest.raises(GateError, match=r"float32 export: .*Received: ops=\['RANDOM_"):
        convert(content)


def test_pixels_and_depth_with_one_int8_scale(tmp_path, monkeypatch):
    # At the size of the recipe `mobile`: the smaller the crop, the less harm it does.
    def crops(count, seed):
        return make_crops(count, seed).repeat(2, axis=1).repeat(2, axis=2)

    network = harden(make_like_trained(tiny_model(input_size=2 * SIZE)))
    content = export_float32(wrap(share_scale)(network))
    # In float32 nothing is wrong with it, nor with the depth of an undamaged int8 file.
    compare(network, content, crops(4, seed=0)).check("float32")
    sound = quantize(export_float32(network), "int8_mixed", crops(16, seed=1))
    report = compare(network, sound, crops(12, seed=0))
    assert not [text for text in report.failures("int8_mixed") if text.startswith("z_rel")]
    save_model(network, tmp_path / "hand.keras")
    monkeypatch.setattr(module, "export_float32", lambda model: content)
    with pytest.raises(GateError, match=r"Received: int8_mixed: .*z_rel\.mean=\S+ > 0\.05 bone"):
        convert_model(
            tmp_path / "hand.keras",
            tmp_path / "out",
            recipes=["int8_mixed"],
            calibration_crops=crops(16, seed=1),
            validation_crops=crops(12, seed=0),
            benchmark_rounds=0,
            console=Console(quiet=True),
        )
    assert not (tmp_path / "out").exists()
