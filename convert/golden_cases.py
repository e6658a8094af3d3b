"""Inputs of the golden steps: what a runner can get wrong, one case each."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.convert.predict import full_frame_box
from tf_handgroups.joints import NUM_JOINTS, ROOT_JOINT
from tf_handgroups.mean_hand import MEAN_POSE

# Sides of the crops in these cases, small, so that a bundle stays small.
_CROP_SIZE = 32
_HAND_SIZE = 128


@dataclasses.dataclass(frozen=True, eq=False)
class GoldenCase:
    """One case of one step.

    Args:
        step: Name of the step, see `golden_steps`.
        name: What is special about it; no other case has the same.
        inputs: By name: arrays, or plain JSON values.
    """

    step: str
    name: str
    inputs: Mapping[str, Any]


def golden_cases(settings: OneEuroSettings, seed: int = 0) -> list[GoldenCase]:
    """Returns the cases of all steps; the same arguments give the same cases.

    Args:
        settings: Numbers of the filter in its cases.
        seed: Of the random inputs.

    Example:

    >>> sorted({case.step for case in golden_cases(OneEuroSettings())})
    ['box', 'crop', 'decode', 'filter', 'hand', 'side']
    """
    generator = np.random.default_rng(seed)
    makers = (
        _crop_cases(generator),
        _decode_cases(generator),
        _hand_cases(generator),
        _side_cases(),
        _box_cases(generator),
        _filter_cases(generator, settings),
    )
    return [case for cases in makers for case in cases]


def _crop_cases(generator: np.random.Generator) -> Iterator[GoldenCase]:
    small = generator.integers(0, 256, (56, 72, 3), np.uint8)
    # Neither side is a multiple of the blocks that are averaged.
    large = generator.integers(0, 256, (110, 151, 3), np.uint8)
    inside, wide = (20.5, 14.0, 22.0, 17.25), (30.0, 20.0, 70.0, 62.0)
    # Its side over the size of the crop is a whole number but for rounding.
    whole = tuple(full_frame_box(3 * _CROP_SIZE, 60).tolist())
    for name, image, box, mirror in (
        ("crop inside", small, inside, False),
        ("crop mirrored", small, inside, True),
        ("crop beyond the border", small, (-6.0, 30.0, 40.0, 35.0), False),
        ("crop averaging blocks", large, wide, False),
        ("crop averaging blocks mirrored", large, wide, True),
        ("crop averaging blocks beyond the border", large, (80.0, 50.0, 90.0, 60.5), False),
        ("crop of a whole frame", np.ascontiguousarray(large[:60, :96]), whole, False),
    ):
        inputs = {"image": image, "box_px": list(box), "mirror": mirror, "size": _CROP_SIZE}
        yield GoldenCase("crop", name, inputs)


def _decode_cases(generator: np.random.Generator) -> Iterator[GoldenCase]:
    rows, columns = 6, 5
    maps = generator.normal(0, 2, (2, rows, columns, NUM_JOINTS)).astype(np.float32)
    decoding = {
        "kind": "heatmap_expectation",
        "heatmaps": "heatmaps",
        "depth_maps": "depth_maps",
        "stride_px": 8.0,
        "offset_px": 3.5,
        "joints": generator.permutation(NUM_JOINTS).tolist(),
    }
    # exp of the second one's logits is no number any more, their softmax is.
    for name, offset in (("decode", 0.0), ("decode large logits", 300.0)):
        heatmaps = maps[0] + np.float32(offset)
        yield GoldenCase(
            "decode", name, {"heatmaps": heatmaps, "depth_maps": maps[1], "decoding": decoding}
        )


def _hand_cases(generator: np.random.Generator) -> Iterator[GoldenCase]:
    intrinsics = np.array([[612.0, 0.0, 322.5], [0.0, 608.0, 236.25], [0.0, 0.0, 1.0]])
    pose = MEAN_POSE + generator.normal(0, 0.1, MEAN_POSE.shape)
    uv_px = (66 + 22 * pose[:, :2]).astype(np.float32)
    z_rel = pose[:, 2].astype(np.float32)
    steep = (4 * pose[:, 2]).astype(np.float32)
    one_pixel = np.full((NUM_JOINTS, 2), uv_px[ROOT_JOINT])
    box, over_the_edge = [210.5, 150.0, 120.0, 141.25], [-35.0, 390.0, 130.0, 120.0]
    for name, joints, depths, box_px, side in (
        ("hand right", uv_px, z_rel, box, "right"),
        ("hand left", uv_px, z_rel, box, "left"),
        ("hand left at the border", uv_px, z_rel, over_the_edge, "left"),
        # Longer in depth than its bones are: the equations have no exact solution.
        ("hand of impossible depth", uv_px, steep, box, "right"),
        ("hand in one pixel", one_pixel, z_rel, box, "right"),
    ):
        inputs = {
            "uv_px": joints,
            "z_rel": depths,
            "presence": 1.25,
            "handedness": -0.5,
            "box_px": box_px,
            "side": side,
            "size": _HAND_SIZE,
            "intrinsics_px": intrinsics,
            "bone_mm": 45.0,
        }
        yield GoldenCase("hand", name, inputs)


def _side_cases() -> Iterator[GoldenCase]:
    for name, as_it_is, flipped in (
        ("side right", 1.5, -2.0),
        ("side left", -2.0, 1.5),
        ("side both negative", -0.25, -0.5),
        ("side both positive", 0.25, 0.5),
        ("side equal", 0.75, 0.75),
    ):
        inputs = {"handedness_as_it_is": as_it_is, "handedness_flipped": flipped}
        yield GoldenCase("side", name, inputs)


def _box_cases(generator: np.random.Generator) -> Iterator[GoldenCase]:
    joints = generator.uniform([40, -30], [260, 300], (NUM_JOINTS, 2))
    line = np.column_stack([joints[:, 0], np.full(NUM_JOINTS, 80.0)])
    for name, uv_px in (("box", joints), ("box of a line", line)):
        yield GoldenCase("box", name, {"uv_px": uv_px})


def _filter_cases(
    generator: np.random.Generator, settings: OneEuroSettings
) -> Iterator[GoldenCase]:
    frames = 10
    # A hand that moves, comes nearer and trembles, in frames that come unevenly.
    times = 100 + np.cumsum(generator.uniform(0.015, 0.07, frames))
    grows = np.linspace(40, 70, frames)[:, None, None] * MEAN_POSE[:, :2]
    moves = np.linspace([200, 150], [420, 190], frames)[:, None, :]
    uv_px = grows + moves + generator.normal(0, 1.5, (frames, NUM_JOINTS, 2))
    z_rel = MEAN_POSE[:, 2] + generator.normal(0, 0.05, (frames, NUM_JOINTS))
    inputs = {"time_s": times, "uv_px": uv_px, "z_rel": z_rel}
    yield GoldenCase("filter", "filter", inputs | {"settings": dataclasses.asdict(settings)})
