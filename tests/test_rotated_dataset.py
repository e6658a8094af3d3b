import dataclasses
import math

import cv2
import numpy as np
import pytest

from tests.evaluation_case import sample as far_hand
from tests.hands import encode_png, make_sample, smooth_image
from tf_handgroups import camera
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.crop import crop_image, crop_matrix
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import evaluate
from tf_handgroups.image_file import read_image
from tf_handgroups.rotated_dataset import RotatedDataset, rotate_sample

ANGLES = (0, 30, 45, 90, 137.5, 180, 270, -60, 725)


def partly_hidden(**changes):
    visible = np.arange(21) % 4 > 0
    return make_sample(visible=visible, **changes)


@pytest.mark.parametrize("degrees", ANGLES)
def test_projection_stays_exact(degrees):
    # Focal lengths of 300 and 310: at most angles only a skew makes it right.
    sample = partly_hidden(seed=3)
    turned = rotate_sample(sample, degrees)
    again = camera.project(turned.xyz_camera_mm, turned.intrinsics_px)
    np.testing.assert_allclose(again, turned.uv_px, rtol=0, atol=1e-4)
    # A rotation about the optical axis, and no mirroring.
    xyz, before = (s.xyz_camera_mm.astype(np.float64) for s in (turned, sample))
    np.testing.assert_array_equal(xyz[:, 2], before[:, 2])
    np.testing.assert_allclose(xyz @ xyz.T, before @ before.T, rtol=1e-5)
    assert np.linalg.det(np.linalg.lstsq(before, xyz, rcond=None)[0]) == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(turned.intrinsics_px[[1, 2, 2], [0, 0, 1]], 0)
    np.testing.assert_array_equal(turned.visible, sample.visible)
    assert (turned.handedness, turned.sample_id) == (sample.handedness, sample.sample_id)


@pytest.mark.parametrize("degrees", ANGLES)
def test_square_pixels_keep_their_camera(degrees):
    intrinsics = np.array([[300.0, 0, 60], [0, 300.0, 50], [0, 0, 1]])
    turned = rotate_sample(make_sample(intrinsics_px=intrinsics), degrees)
    np.testing.assert_allclose(turned.intrinsics_px[:2, :2], 300 * np.eye(2), atol=1e-3)


def test_zero_changes_nothing():
    sample = partly_hidden(box_px=(10, 20, 70, 40))
    turned = rotate_sample(sample, 0)
    assert turned.image_size == sample.image_size
    for name in ("uv_px", "visible", "box_px", "xyz_camera_mm", "intrinsics_px"):
        np.testing.assert_allclose(getattr(turned, name), getattr(sample, name), atol=1e-4)
    np.testing.assert_array_equal(read_image(turned.image), read_image(sample.image))


@pytest.mark.parametrize("degrees", [90, -90])
def test_four_quarters_bring_everything_back(degrees):
    first = partly_hidden(box_px=(10, 20, 70, 40))
    sample = first
    for _ in range(4):
        sample = rotate_sample(sample, degrees)
    np.testing.assert_array_equal(read_image(sample.image), read_image(first.image))
    assert sample.image_size == first.image_size == (128, 96)
    for name in ("uv_px", "box_px", "xyz_camera_mm", "intrinsics_px"):
        np.testing.assert_allclose(getattr(sample, name), getattr(first, name), atol=1e-4)


def test_a_quarter_turn_moves_pixels_clockwise():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:10, 50:] = 255  # top right
    uv = np.stack([np.arange(21) + 20.0, np.full(21, 4.0)], axis=-1)
    turned = rotate_sample(make_sample(image, uv_px=uv), 90)
    assert turned.image_size == (40, 60)
    pixels = read_image(turned.image)
    assert pixels[50:, 30:].min() == 255 and pixels[:50].max() == 0  # bottom right
    np.testing.assert_allclose(turned.uv_px, np.stack([39 - uv[:, 1], uv[:, 0]], axis=-1))
    np.testing.assert_array_equal(
        read_image(rotate_sample(make_sample(image), 180).image), image[::-1, ::-1]
    )


@pytest.mark.parametrize("degrees", [17, 45, 90, 180, 211])
def test_pixels_lie_where_the_joints_say(degrees):
    image = cv2.GaussianBlur(smooth_image(96, 128, 5), (0, 0), 2)
    sample = make_sample(image)
    turned = rotate_sample(sample, degrees)
    pixels = read_image(turned.image)

    def at(picture, uv_px):
        maps = [uv_px[None, :, axis].astype(np.float32) for axis in (0, 1)]
        return cv2.remap(picture, *maps, cv2.INTER_LINEAR)[0].astype(float)

    errors = np.abs(at(pixels, turned.uv_px) - at(image, sample.uv_px))
    assert errors.max() < 4 and np.ptp(at(image, sample.uv_px)) > 60


@pytest.mark.parametrize("degrees", [30, 90, 135])
def test_the_crop_window_loses_nothing(degrees):
    """What a crop turned by as much shows of the original: the hand fills the picture."""
    image = cv2.GaussianBlur(smooth_image(96, 128, 6), (0, 0), 2)
    sample = make_sample(image)
    turned = rotate_sample(sample, degrees)
    centre = sample.box_px[:2] + sample.box_px[2:] / 2
    side = 160.0
    around = [*(centre - side / 2), side, side]
    expected = crop_image(
        image, crop_matrix(around, 100, margin=1, rotation_rad=math.radians(degrees)), 100
    )
    offset = np.array(turned.image_size) / 2 - 0.5
    middle = np.array([image.shape[1], image.shape[0]]) / 2 - 0.5
    angle = math.radians(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    new_centre = rotation @ (centre - middle) + offset
    box = [*(new_centre - side / 2), side, side]
    found = crop_image(read_image(turned.image), crop_matrix(box, 100, margin=1), 100)
    differences = np.abs(found - expected).max(axis=-1)
    # The edge of the picture is softer after two interpolations.
    assert np.median(differences) < 0.01 and (differences > 0.1).mean() < 0.05
    assert 0.2 < (expected.max(axis=-1) > 0).mean() < 0.9


def test_tight_boxes_stay_tight():
    sample = make_sample()
    for degrees in ANGLES:
        turned = rotate_sample(sample, degrees)
        np.testing.assert_allclose(turned.box_px, box_around(turned.uv_px), atol=1e-3)


@pytest.mark.parametrize(("degrees", "corner"), [(90, (35, 10)), (180, (47, 35)), (270, (20, 47))])
def test_any_box_turns_exactly_by_quarters(degrees, corner):
    turned = rotate_sample(make_sample(box_px=(10, 20, 70, 40)), degrees)
    sides = (70, 40) if degrees == 180 else (40, 70)
    np.testing.assert_allclose(turned.box_px, [*corner, *sides], atol=1e-3)


def test_boxes_keep_their_margins():
    sample = make_sample()
    low, sides = sample.box_px[:2], sample.box_px[2:]
    wide = dataclasses.replace(sample, box_px=np.concatenate([low - 6, sides + 12]))
    turned = rotate_sample(wide, 180)
    tight = box_around(turned.uv_px)
    np.testing.assert_allclose(turned.box_px, tight + np.array([-6, -6, 12, 12]), atol=1e-3)
    at_45 = rotate_sample(wide, 45)
    grown = 12 * math.sqrt(2)
    np.testing.assert_allclose(at_45.box_px[2:] - box_around(at_45.uv_px)[2:], grown, atol=1e-3)


def test_boxes_without_a_visible_joint():
    sample = make_sample(
        visible=np.zeros(21), box_px=(39, 29, 50, 38), presence=False, xyz_camera_mm=None
    )
    turned = rotate_sample(sample, 45)
    side = 88 / math.sqrt(2)
    middle = np.array(turned.image_size) / 2 - 0.5 + [0, 0.5 * math.sqrt(2)]
    np.testing.assert_allclose(turned.box_px[2:], side, atol=1e-3)
    np.testing.assert_allclose(turned.box_px[:2] + side / 2, middle, atol=1e-3)
    assert turned.xyz_camera_mm is None and not turned.presence


def test_joints_without_label_stay_so():
    sample = make_sample(visible=np.arange(21) > 0)
    uv, xyz = sample.uv_px.copy(), sample.xyz_camera_mm.copy()
    uv[0], xyz[0] = np.nan, np.nan
    sample = dataclasses.replace(sample, uv_px=uv, xyz_camera_mm=xyz, intrinsics_px=None)
    turned = rotate_sample(sample, 30)
    assert np.isnan(turned.uv_px[0]).all() and np.isnan(turned.xyz_camera_mm[0]).all()
    assert np.isfinite(turned.uv_px[1:]).all() and turned.intrinsics_px is None


def hands_with_images(count=4):
    image = encode_png(np.zeros((256, 256, 3), np.uint8))
    return [far_hand(str(seed), seed=seed, image=image) for seed in range(count)]


def turning_predictor(degrees):
    """Errs by the same in the hand's own frame, however the hand is turned."""
    angle = math.radians(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rng = np.random.default_rng(4)
    off_px, off_z = rng.normal(0, 3, (21, 2)), rng.normal(0, 0.2, 21)

    def predict(samples):
        return [
            {
                "uv_px": sample.uv_px + off_px @ rotation.T,
                "z_rel": camera.relative_depth(sample.xyz_camera_mm) + off_z,
            }
            for sample in samples
        ]

    return predict


@pytest.mark.parametrize("degrees", [30, 90, 180])
def test_errors_of_an_equivariant_predictor_stay(degrees):
    hands = hands_with_images()
    before = evaluate(turning_predictor(0), hands).report
    after = evaluate(turning_predictor(degrees), RotatedDataset(hands, degrees)).report
    assert before["data"]["rotation_deg"] == 0 and after["data"]["rotation_deg"] == degrees
    assert before["errors_3d"]["procrustes"]["mpjpe_mm"] > 2
    for name, row in before["errors_3d"].items():
        assert after["errors_3d"][name]["mpjpe_mm"] == pytest.approx(row["mpjpe_mm"], rel=1e-3)
    epe = before["errors_2d"]["epe_px"]
    assert after["errors_2d"]["epe_px"] == pytest.approx(epe, rel=1e-4) and epe > 1
    # One that does not turn with the hand is found out.
    wrong = evaluate(turning_predictor(0), RotatedDataset(hands, degrees)).report
    assert wrong["errors_3d"]["procrustes"]["mpjpe_mm"] != pytest.approx(
        before["errors_3d"]["procrustes"]["mpjpe_mm"], rel=3e-3
    )


def test_dataset_yields_turned_samples():
    class Hands(list):
        kind, path, options = "handjson", "photos", {"a": "b"}

    turned = RotatedDataset(Hands([make_sample(seed=1), make_sample(seed=2)]), 90)
    assert len(turned) == 2 and [sample.sample_id for sample in turned] == ["hand1", "hand2"]
    assert turned[1].image_size == (96, 128)
    assert (turned.kind, turned.path, turned.options) == ("handjson", "photos", {"a": "b"})
    assert turned.rotation_deg == 90.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_rejects_angles(bad):
    with pytest.raises(InputError, match=r"Received: degrees="):
        RotatedDataset([], bad)


def test_real_photographs(shared_data):
    dataset = HandJsonDataset(shared_data / "real3d_dev")

    class Centre:
        input_size = 32

        def __call__(self, crops):
            uv = np.full((len(crops), 21, 2), 15.5)
            return {"uv_px": uv, "z_rel": np.zeros((len(crops), 21))}

    errors = [
        evaluate(Predictor(Centre()), RotatedDataset(dataset, degrees), "procrustes").report[
            "errors_2d"
        ]["epe_px"]
        for degrees in (0, 90, 180)
    ]
    # The middle of the box stays the middle of the box.
    assert errors == pytest.approx([errors[0]] * 3, rel=1e-5)
