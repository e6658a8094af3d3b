import dataclasses
import pathlib

import numpy as np
import pytest

from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError


def sample(**changes):
    values = {
        "sample_id": "set/7#left",
        "image": b"PNG",
        "image_size": (64, 48),
        "uv_px": np.arange(42).reshape(21, 2),
        "visible": [1] * 21,
        "handedness": "left",
        "box_px": [1, 2, 30, 40],
        "xyz_camera_mm": np.ones((21, 3)),
        "intrinsics_px": np.eye(3),
    }
    return HandSample(**{**values, **changes})


def test_arrays_get_their_types():
    hand = sample(image=pathlib.Path("a.png"))
    assert hand.uv_px.dtype == hand.box_px.dtype == np.float32
    assert hand.xyz_camera_mm.dtype == hand.intrinsics_px.dtype == np.float32
    assert hand.visible.dtype == bool and hand.visible.all()
    assert hand.presence and hand.image == pathlib.Path("a.png")


def test_what_is_unknown_may_be_left_out():
    hand = sample(xyz_camera_mm=None, intrinsics_px=None, handedness=None)
    assert hand.xyz_camera_mm is None and hand.intrinsics_px is None and hand.handedness is None


def test_unlabelled_joints_need_no_position():
    uv_px = np.zeros((21, 2))
    uv_px[3] = np.nan
    hand = sample(uv_px=uv_px, visible=np.arange(21) != 3)
    assert np.isnan(hand.uv_px[3]).all()


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample().handedness = "right"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uv_px", np.zeros((20, 2))),
        ("uv_px", np.zeros((21, 3))),
        ("visible", np.ones((21, 1))),
        ("box_px", np.ones(5)),
        ("xyz_camera_mm", np.ones((42, 3))),
        ("intrinsics_px", np.ones((4, 4))),
    ],
)
def test_rejects_shapes(field, value):
    with pytest.raises(
        InputError, match=rf"^set/7#left: expected {field} of shape .*Received: shape="
    ):
        sample(**{field: value})


@pytest.mark.parametrize("handedness", ["Left", "", 0, True])
def test_rejects_handedness(handedness):
    with pytest.raises(InputError, match=r"^set/7#left: .*Received: handedness="):
        sample(handedness=handedness)


@pytest.mark.parametrize("field", ["uv_px", "xyz_camera_mm", "intrinsics_px"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rejects_labels_that_are_not_finite(field, value):
    labels = np.array(getattr(sample(), field))
    labels[0, 1] = value
    with pytest.raises(InputError, match=rf"^set/7#left: .*{field}.* not finite"):
        sample(**{field: labels})


@pytest.mark.parametrize("box", [[0, 0, 0, 5], [0, 0, 5, -5], [np.nan, 0, 5, 5], [0, np.inf, 5, 5]])
def test_rejects_boxes(box):
    with pytest.raises(InputError, match=r"^set/7#left: .*Received: box_px="):
        sample(box_px=box)


def test_box_around_is_tight():
    points = np.array([[3.0, 9.0], [-2.0, 4.5], [1.0, 20.0]])
    np.testing.assert_array_equal(box_around(points), [-2, 4.5, 5, 15.5])
    assert box_around(points).dtype == np.float32


def test_box_around_has_at_least_a_pixel():
    np.testing.assert_array_equal(box_around(np.full((21, 2), 7.0)), [7, 7, 1, 1])
