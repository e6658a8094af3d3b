"""Small networks and labelled hands for the tests of the package."""

import dataclasses
import io
import re

import keras
import numpy as np
from PIL import Image

from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.pipeline import PipelineOptions, build_pipeline

TINY = {
    "input_size": 64,
    "encoder": "tiny",
    "pretrained": False,
    "group_channels": 8,
    "decoder_channels": (16, 16, 16),
}
# Its hourglass has a fixed width; the crop is the smallest it takes.
SMALL_PAPER = {"architecture": "paper", "input_size": 64, "group_channels": 8}


def tiny_model(**changes) -> HandPoseModel:
    return HandPoseModel(**{**TINY, **changes})


def small_paper_model(**changes) -> HandPoseModel:
    return HandPoseModel(**{**SMALL_PAPER, **changes})


def make_like_trained(model: keras.Model, seed: int = 0) -> keras.Model:
    """Gives every weight a value as training could: nothing is left at its start value."""
    # PyTorch's initial kernels rely on batch norm to pass a signal on, but here its statistics
    # are made up: without this gain the outputs would hardly depend on the image.
    gains = {
        layer.name: 1.8
        for layer in model.layers
        if getattr(getattr(layer, "kernel_initializer", None), "scale", None) == 1 / 3
    }
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name = weight.path.rpartition("/")[2]
        shape = tuple(weight.shape)
        if name == "kernel":
            gain = gains.get(weight.path.partition("/")[0], 1)
            value = keras.ops.convert_to_numpy(weight) * gain + rng.normal(0, 0.02, shape)
            # Heatmaps get peaks.
            value *= 8 if re.search(r"(^|group\d_)heatmaps", weight.path) else 1
        elif name == "logits":
            value = rng.normal(0, 2, shape)
        elif name in ("gamma", "inverse_temperature"):
            value = rng.uniform(0.5, 1.3, shape)
        elif name == "moving_variance":
            value = rng.uniform(0.7, 2.0, shape)
        elif name in ("beta", "moving_mean", "bias"):
            value = rng.normal(0, 0.2, shape)
        else:
            continue
        weight.assign(value.astype("float32"))
    return model


def encode_png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def smooth_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """An image without hard edges, so that rounding of positions hardly shows."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[:height, :width][..., None]
    waves = np.zeros((height, width, 3))
    for _ in range(4):
        across, down, phase = rng.uniform(-0.25, 0.25, (3, 3)) * [[1.0], [1.0], [10.0]]
        waves += np.sin(u * across + v * down + phase)
    return np.round(127.5 + 127.5 * waves / 4).astype(np.uint8)


def crops(count: int = 2) -> np.ndarray:
    """Images as the network takes them."""
    images = np.stack([smooth_image(64, 64, seed) for seed in range(count)])
    return (images / 255).astype("float32")


def grid_uv_px(left: float, top: float, spacing: float, seed: int = 0) -> np.ndarray:
    """21 joints on a jittered 3 x 7 grid: every joint is far from every other."""
    rows, columns = np.mgrid[:3, :7]
    grid = np.stack([columns, rows], -1).reshape(-1, 2) * float(spacing)
    jitter = np.random.default_rng(seed).uniform(-0.2, 0.2, (21, 2)) * spacing
    return grid + jitter + [left, top]


def make_sample(image: np.ndarray | None = None, seed: int = 0, **changes) -> HandSample:
    """A hand whose pixels, 3D joints and intrinsics agree, in a PNG held in memory."""
    rng = np.random.default_rng(seed)
    image = smooth_image(96, 128, seed) if image is None else image
    height, width = image.shape[:2]
    intrinsics = np.array([[300.0, 0, width / 2 - 3], [0, 310.0, height / 2 + 2], [0, 0, 1]])
    uv_px = changes.pop("uv_px", None)
    if uv_px is None:
        uv_px = grid_uv_px(width * 0.2, height * 0.3, width * 0.09, seed)
    depth = rng.uniform(350.0, 550.0, (21, 1))
    rays = np.concatenate([uv_px, np.ones((21, 1))], axis=-1) @ np.linalg.inv(intrinsics).T
    values = {
        "sample_id": f"hand{seed}",
        "image": encode_png(image),
        "image_size": (width, height),
        "uv_px": uv_px,
        "visible": np.ones(21),
        "handedness": "left" if seed % 2 else "right",
        "box_px": box_around(uv_px),
        "xyz_camera_mm": rays * depth,
        "intrinsics_px": intrinsics,
    }
    return HandSample(**{**values, **changes})


def labelled_batch(count: int):
    """Images, targets and weights of different hands and with different gaps."""
    samples = [
        make_sample(seed=seed, visible=np.arange(21) % (seed + 2) > 0) for seed in range(count)
    ]
    samples[1] = dataclasses.replace(samples[1], xyz_camera_mm=None, intrinsics_px=None)
    options = PipelineOptions(64, count, training=False)
    return next(iter(build_pipeline([samples], options).as_numpy_iterator()))
