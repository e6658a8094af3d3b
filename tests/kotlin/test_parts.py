"""Parts of the Kotlin library that golden steps do not reach, and what they refuse."""

import json
import pathlib

import numpy as np
import pytest

from tests.kotlin.test_refusals import copied, with_contract
from tf_handgroups.camera import (
    mirror_intrinsics,
    mirror_uv,
    recover_absolute,
    recover_weak_perspective,
)
from tf_handgroups.convert.byte_input import to_bytes
from tf_handgroups.convert.decode import dequantized
from tf_handgroups.convert.predict import full_frame_box

BUNDLE = pathlib.Path(__file__).parents[2] / "android_assets"


def camera_buffer(generator, width, height, row_stride, pixel_stride):
    """A picture and the bytes of a camera's buffer that hold it, with junk between."""
    image = generator.integers(0, 256, (height, width, 3))
    buffer = generator.integers(-128, 128, height * row_stride)
    for row in range(height):
        for column in range(width):
            at = row * row_stride + column * pixel_stride
            buffer[at : at + 3] = image[row, column].astype(np.uint8).astype(np.int8)
    return image, buffer.tolist()


def test_camera_buffers_are_copied_and_turned_upright(ask):
    generator = np.random.default_rng(5)
    requests, expected = [], []
    for degrees in (0, 90, 180, 270):
        for width, height, row_stride, pixel_stride in ((5, 3, 20, 4), (4, 6, 23, 4), (1, 1, 4, 4)):
            image, buffer = camera_buffer(generator, width, height, row_stride, pixel_stride)
            strides = {"row_stride": row_stride, "pixel_stride": pixel_stride}
            request = {"do": "rotate", "width": width, "height": height, "degrees": degrees}
            requests.append(request | strides | {"buffer": buffer})
            expected.append(np.rot90(image, -degrees // 90))  # clockwise
    for answer, image in zip(ask(requests), expected, strict=True):
        assert [answer["result"]["height"], answer["result"]["width"]] == list(image.shape[:2])
        assert answer["result"]["rgb"] == image.ravel().tolist()


@pytest.fixture(scope="module")
def refused(ask):
    """By name: what is answered to arguments that make no sense."""
    flat = {"do": "rotate", "buffer": [0] * 24, "width": 3, "height": 2, "degrees": 0}
    flat |= {"row_stride": 12, "pixel_stride": 4}
    pose = {"do": "recover", "folder": str(BUNDLE), "uv_px": [0.0] * 42, "z_rel": [0.0] * 21}
    pose |= {"camera": [500, 500, 0, 0, 0], "bone_mm": 45}
    times = {"do": "filter times", "times": [1.0, 1.5], "joints": 21, "depths": 21}
    view = {"do": "view", "points": [], "mirrored": False}
    requests = {
        "angle": flat | {"degrees": 45},
        "short buffer": flat | {"buffer": [0] * 22},
        "narrow rows": flat | {"row_stride": 8},
        "no pixels": flat | {"width": 0},
        "one byte pixels": flat | {"pixel_stride": 1},
        "no width": {"do": "crop box", "box_px": ["0", "0", "0", "5"]},
        "not a number": {"do": "crop box", "box_px": ["0", "NaN", "5", "5"]},
        "endless": {"do": "crop box", "box_px": ["0", "0", "Infinity", "5"]},
        "few joints": pose | {"z_rel": [0.0] * 20},
        "no focal length": pose | {"camera": [500, 0, 0, 0, 0]},
        "no bone": pose | {"bone_mm": 0},
        "time backwards": times | {"times": [1.0, 0.5]},
        "time again": times | {"times": [1.0, 1.0]},
        "other joints": times | {"joints": 20},
        "few depths": times | {"depths": 20},
        "no share": {"do": "find", "size": [9, 9], "share": 0},
        "large share": {"do": "find", "size": [9, 9], "share": 1.5},
        "no view": view | {"sizes": [9, 9, 0, 9]},
        "floats": {"do": "bytes", "folder": str(BUNDLE), "output": "uv_px", "values": [1]},
        "unknown output": {"do": "bytes", "folder": str(BUNDLE), "output": "x", "values": [1]},
    }
    return dict(zip(requests, ask(list(requests.values())), strict=True))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("angle", "expected 0, 90, 180 or 270 degrees. Received: degrees=45"),
        ("short buffer", "expected a buffer of at least 23 bytes"),
        ("narrow rows", "Received: bytes=24, width=3, height=2, rowStride=8"),
        ("no pixels", "width=0"),
        ("one byte pixels", "pixelStride=1. Ask CameraX for OUTPUT_IMAGE_FORMAT_RGBA_8888"),
        ("no width", "expected a finite box x, y, width > 0, height > 0"),
        ("not a number", "expected a finite box"),
        ("endless", "expected a finite box"),
        ("few joints", "Recovery.upToScale: expected 21 points and depths, all finite"),
        ("no focal length", "expected a camera with focal lengths > 0 in pixels"),
        ("no bone", "expected a positive length in mm. Received: boneMm=0.0"),
        ("time backwards", "expected a time later than that of the frame before, 1.0 s"),
        ("time again", "Received: timeS=1.0"),
        ("other joints", "expected finite numbers, always of as many joints"),
        ("few depths", "joints=21, depths=20"),
        ("no share", "expected a share greater than 0, at most 1. Received: share=0.0"),
        ("large share", "Received: share=1.5"),
        ("no view", "expected sides > 0. Received: image=9x9, view=0x9"),
        ("floats", "expected an integer output among [uv_px, z_rel, presence, handedness]"),
        ("unknown output", "Received: name=x"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(name, message, refused):
    assert refused[name].get("type") == "InputException", refused[name]
    assert message in refused[name]["error"]


def test_recovery_of_noisy_hands_equals_python(ask):
    """Noise that leaves no exact solution; the golden steps are mostly well-behaved."""
    generator = np.random.default_rng(8)
    intrinsics = np.array([[640.0, 1.5, 310], [0, 655, 250], [0, 0, 1]])
    camera = [640.0, 655.0, 310.0, 250.0, 1.5]
    requests, expected = [], []
    for scale in (0.0, 1e-9, 1.0, 30.0, 300.0):
        uv_px = 300 + scale * generator.normal(0, 1, (21, 2))
        for depth in (0.0, 0.3, 3.0):
            z_rel = depth * generator.normal(0, 1, 21)
            request = {"do": "recover", "folder": str(BUNDLE)}
            request |= {"uv_px": uv_px.ravel().tolist(), "z_rel": z_rel.tolist()}
            requests += [request, request | {"camera": camera, "bone_mm": 41.5}]
            expected.append(recover_weak_perspective(uv_px, z_rel))
            expected.append(recover_absolute(uv_px, z_rel, intrinsics, 41.5))
    for answer, xyz in zip(ask(requests), expected, strict=True):
        found = np.reshape(answer["result"], (21, 3))
        np.testing.assert_allclose(found, xyz, rtol=1e-6, atol=1e-6)


def test_filter_starts_anew_after_a_reset(ask):
    times = {"do": "filter times", "times": [1.0, 1.1, 0.2, 0.3], "joints": 21, "depths": 21}
    [answer] = ask([times | {"reset_before": 2}])
    frames = np.reshape(answer["result"], (4, 21, 2))
    moved = np.arange(21) + 10 * np.arange(4)[:, None]
    np.testing.assert_array_equal(frames[[0, 2], :, 0], moved[[0, 2]])
    assert (frames[[1, 3], :, 0] < moved[[1, 3]]).all()


def test_mirroring_equals_python(ask):
    generator = np.random.default_rng(1)
    uv_px, width = generator.uniform(0, 60, (4, 2)), 64
    camera = [500.0, 510.0, 20.0, 30.0, 0.5]
    request = {"do": "mirror", "width": width, "uv_px": uv_px.ravel().tolist()}
    [answer] = ask([request | {"box_px": [10, 5, 20, 30], "camera": camera}])
    found = answer["result"]
    np.testing.assert_allclose(np.reshape(found["uv_px"], (-1, 2)), mirror_uv(uv_px, width))
    # The corners of the box change places.
    corners = mirror_uv(np.array([[30.0, 5.0], [10.0, 35.0]]), width)
    np.testing.assert_allclose(found["box_px"], [*corners[0], 20, 30])
    assert found["xyz"] == [-1, 2, 3]
    fx, fy, cx, cy, skew = camera
    expected = mirror_intrinsics(np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]]), width)
    assert found["camera"] == [fx, fy, expected[0, 2], cy, expected[0, 1]]


def test_overlay_fits_the_view(ask):
    points = [-0.5, -0.5, 99.5, 49.5, 0.0, 0.0]
    cases = [
        # Broad picture in a high view: bars above and below.
        ([100, 50, 200, 300], False, [0, 100, 200, 200, 1, 101]),
        ([100, 50, 200, 300], True, [200, 100, 0, 200, 199, 101]),
        # In a broad view: bars left and right, the picture stays in the middle.
        ([100, 50, 500, 100], False, [150, 0, 350, 100, 151, 1]),
        ([100, 50, 500, 100], True, [350, 0, 150, 100, 349, 1]),
    ]
    requests = [
        {"do": "view", "sizes": sizes, "mirrored": mirrored, "points": points}
        for sizes, mirrored, _ in cases
    ]
    for answer, (_, _, expected) in zip(ask(requests), cases, strict=True):
        np.testing.assert_allclose(answer["result"], expected)


def test_built_in_finders(ask):
    frame, centre = ask(
        [
            {"do": "find", "folder": str(BUNDLE), "size": [300, 150]},
            {"do": "find", "size": [200, 100], "share": 0.4},
        ]
    )
    np.testing.assert_allclose(frame["result"], full_frame_box(300, 150))
    assert centre["result"] == [79.5, 29.5, 40, 40]


def test_bytes_in_and_out_equal_python(ask, tmp_path):
    def quantized(contract):
        meaning = {"dtype": "int8", "quantization": {"scale": 0.07, "zero_point": -5}}
        contract["outputs"]["presence"] |= meaning
        contract["outputs"]["z_rel"] |= meaning | {"dtype": "uint8"}

    folder = copied(tmp_path / "bundle")
    with_contract(folder, quantized)
    common = {"do": "bytes", "folder": str(folder)}
    crop = np.float32(np.linspace(0, 1, 511))  # half of them between two bytes
    values = list(range(-128, 128))
    into, signed, unsigned = ask(
        [
            common | {"crop": crop.tolist()},
            common | {"output": "presence", "values": values},
            common | {"output": "z_rel", "values": values},
        ]
    )
    assert into["result"] == to_bytes(crop).tolist()
    meaning = {"scale": 0.07, "zero_point": -5}
    as_int8 = np.array(values, np.int8)
    np.testing.assert_allclose(signed["result"], dequantized(as_int8, meaning), rtol=1e-6)
    np.testing.assert_allclose(
        unsigned["result"], dequantized(as_int8.view(np.uint8), meaning), rtol=1e-6
    )


def test_requests_are_answered_one_by_one(ask):
    """A request that fails is told from one that does not: the tests rely on it."""
    first, second = ask([{"do": "nothing"}, {"do": "find", "size": [9, 9], "share": 1}])
    assert first == {"error": "unknown request nothing", "type": "IllegalArgumentException"}
    assert json.dumps(second["result"]) == "[-0.5, -0.5, 9.0, 9.0]"
