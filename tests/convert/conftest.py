"""Small networks to convert, each converted once for all tests of this folder."""

import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.hands import make_like_trained, small_paper_model
from tf_handgroups.convert.bundle import write_bundle
from tf_handgroups.convert.convert import convert_model
from tf_handgroups.convert.export import export_float32
from tf_handgroups.convert.map_outputs import export_maps
from tf_handgroups.convert.quantize import RECIPES
from tf_handgroups.hardening import harden
from tf_handgroups.model_file import save_model
from tf_handgroups.models.hand_pose_model import HandPoseModel

SIZE = 64
METADATA = {
    "grouping": [joint % 3 for joint in range(21)],
    "input_size": SIZE,
    "training_data": "none (random weights)",
    "licence": "Apache-2.0",
}


# But int16, which runs on LiteRT's slowest kernels.
PAPER_RECIPES = ["float32", "float16", "dynamic_int8", "int8_mixed", "int8"]


def build_stand_in(noise=False) -> keras.Model:
    """Convolutions, peaky heatmaps, soft-argmax: the shape of a hardened network.

    Args:
        noise: Whether a random layer was forgotten in it.
    """
    cells = (SIZE // 4) ** 2
    stride = 4
    images = x = keras.Input((SIZE, SIZE, 3), name="image")
    if noise:
        x = _Noise(name="forgotten_selector")(x)
    x = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="stem")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    skip = x = keras.layers.Conv2D(24, 3, strides=2, padding="same", name="stage")(x)
    x = keras.layers.Conv2D(24, 3, padding="same", activation="relu", name="residual")(x)
    x = keras.layers.Add(name="add")([x, skip])
    heatmaps = keras.layers.Conv2D(21, 1, name="heatmaps")(x)
    depth_maps = keras.layers.Conv2D(21, 1, name="depth_maps")(x)

    def joints_first(maps, name):
        maps = keras.layers.Reshape((cells, 21), name=f"{name}cells")(maps)
        return keras.layers.Permute((2, 1), name=f"{name}joints_first")(maps)

    maps = keras.layers.Softmax(axis=-1, name="tail_softmax")(joints_first(heatmaps, "tail_"))
    uv_px = keras.layers.Dense(2, use_bias=False, name="tail_expectation")(maps)
    weighted = keras.layers.Multiply(name="tail_weighted")(
        [maps, joints_first(depth_maps, "tail_depth_")]
    )
    z_rel = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="tail_sum")(
        weighted
    )
    z_rel = keras.layers.Reshape((21,), name="tail_depth")(z_rel)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = {
        name: keras.layers.Dense(1, name=f"{name}_logit")(pooled)
        for name in ("presence", "handedness")
    }
    model = keras.Model(images, {"uv_px": uv_px, "z_rel": z_rel, **logits}, name="stand_in")
    rows, columns = np.mgrid[: SIZE // 4, : SIZE // 4]
    grid = np.stack([columns, rows], -1).reshape(-1, 2) * stride + (stride - 1) / 2
    model.get_layer("tail_expectation").set_weights([grid.astype(np.float32)])
    # Zero biases would be stored once for all layers of a width; trained ones are not.
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if getattr(layer, "use_bias", False):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, generator.normal(0, 0.05, bias.shape)])
    # Logits that differ by several units across the map, as those of a trained network.
    kernel, bias = model.get_layer("heatmaps").get_weights()
    spread = np.std(np.asarray(keras.Model(images, heatmaps)(make_crops(8, seed=9))))
    model.get_layer("heatmaps").set_weights([kernel * 3 / spread, bias])
    return model


@keras.saving.register_keras_serializable(package="handgroups_tests")
class _Noise(keras.layers.Layer):
    def call(self, inputs):
        return inputs + tf.random.normal(tf.shape(inputs))


def make_crops(count: int, seed: int) -> np.ndarray:
    """Smooth coloured gradients with a bright square: 8-bit images in [0, 1]."""
    generator = np.random.default_rng(seed)
    crops = []
    for _ in range(count):
        corners = generator.random((2, 2, 3))
        ramp = np.linspace(0, 1, SIZE)
        weights = np.stack([1 - ramp, ramp], axis=-1)
        crop = np.einsum("ri,cj,ijk->rck", weights, weights, corners)
        top, left = generator.integers(0, SIZE - 16, 2)
        crop[top : top + 16, left : left + 16] = generator.random(3)
        crops.append(np.round(crop * 255) / 255)
    return np.array(crops, np.float32)


@pytest.fixture(scope="session")
def stand_in() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_stand_in()


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    return make_crops(12, seed=0)


@pytest.fixture(scope="session")
def float_model(stand_in) -> bytes:
    return export_float32(stand_in)


@pytest.fixture(scope="session")
def maps_model(stand_in) -> bytes:
    """The same network, ending at its maps."""
    return export_maps(stand_in)


@pytest.fixture(scope="session")
def keras_file(stand_in, tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "hand.keras"
    stand_in.save(path)
    return path


@pytest.fixture(scope="session")
def converted(keras_file, crops, tmp_path_factory):
    """Folder of `convert_model` with every recipe; tests must not change it."""
    folder = tmp_path_factory.mktemp("converted") / "out"
    convert_model(
        keras_file,
        folder,
        recipes=list(RECIPES),
        calibration_crops=make_crops(16, seed=1),
        validation_crops=crops,
        metadata=METADATA,
        benchmark_rounds=3,
    )
    return folder


@pytest.fixture(scope="session")
def paper_network() -> HandPoseModel:
    """The network of the paper, which has neither presence nor handedness."""
    keras.utils.set_random_seed(1)
    provenance = {"training_data": METADATA["training_data"], "licence": METADATA["licence"]}
    return make_like_trained(small_paper_model(provenance=provenance))


@pytest.fixture(scope="session")
def paper_file(paper_network, tmp_path_factory):
    """The paper's network, hardened, in a file that holds its own metadata."""
    path = tmp_path_factory.mktemp("paper") / "paper.keras"
    save_model(harden(paper_network), path)
    return path


@pytest.fixture(scope="session")
def paper_converted(paper_file, crops, tmp_path_factory):
    """Folder of `convert_model` with every recipe; tests must not change it."""
    folder = tmp_path_factory.mktemp("paper_converted") / "out"
    convert_model(
        paper_file,
        folder,
        recipes=PAPER_RECIPES,
        calibration_crops=make_crops(8, seed=1),
        validation_crops=crops,
        accept_loss=True,  # 8 bits may be too few for random weights
        benchmark_rounds=0,
    )
    return folder


@pytest.fixture
def edited_contract(converted, tmp_path):
    """Copies a model and its contract, lets a function change the contract's JSON."""

    def edit(change):
        source = converted / "hand_float32.tflite"
        target = tmp_path / source.name
        target.write_bytes(source.read_bytes())
        values = json.loads((converted / "hand_float32.contract.json").read_text())
        change(values)
        (tmp_path / "hand_float32.contract.json").write_text(json.dumps(values))
        return target

    return edit


@pytest.fixture(scope="session")
def written_bundles(crops, tmp_path_factory):
    """Makes a bundle of a folder of `convert_model` once; tests get copies."""
    known = {}

    def write(source, variants=None):
        if source not in known:
            known[source] = tmp_path_factory.mktemp("bundle") / "bundle"
            write_bundle(source, known[source], crops[:2], variants)
        return known[source]

    return write


@pytest.fixture
def bundle(written_bundles, converted, tmp_path) -> pathlib.Path:
    """Bundle to be spoilt."""
    written = written_bundles(converted, ["float32", "int8_mixed"])
    return shutil.copytree(written, tmp_path / "bundle")


@pytest.fixture
def paper_bundle(written_bundles, paper_converted, tmp_path) -> pathlib.Path:
    """Bundle of a network without logits, to be spoilt."""
    return shutil.copytree(written_bundles(paper_converted), tmp_path / "paper")
