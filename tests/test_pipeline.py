"""The graph pipeline against its NumPy twin `crop`, and labels against pixels."""

import colorsys
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.hands import encode_png, grid_uv_px, make_sample, smooth_image
from tests.properties import EXAMPLES, cameras, depths_mm, hands_px
from tests.test_augment import STILL, only
from tf_handgroups.augment import Augmentation
from tf_handgroups.crop import crop_image, crop_matrix, transform_points
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.datasets.shards import ShardDataset, ShardWriter, label_arrays
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.models.hand_pose_model import lift
from tf_handgroups.pipeline import PipelineOptions, build_pipeline, prepare_sample, warp

SIZE = 64
GEOMETRY_ONLY = only(rotation_deg=180.0, scale=1.25, shift=0.08, other_hand=0.3)


def batches(samples, count=None, **options):
    defaults = {"crop_size": SIZE, "batch_size": 1, "training": False}
    dataset = build_pipeline([samples], PipelineOptions(**{**defaults, **options}))
    return list((dataset if count is None else dataset.take(count)).as_numpy_iterator())


def first(sample, **options):
    (images, targets, weights), *_ = batches([sample], 1, **options)
    return images[0], *({name: value[0] for name, value in d.items()} for d in (targets, weights))


def expected_crop(sample, image, box_px=None):
    box = sample.box_px if box_px is None else box_px
    matrix = crop_matrix(box, SIZE, mirror=sample.handedness == "left")
    return crop_image(image, matrix, SIZE), matrix


@pytest.mark.parametrize("handedness", ["left", "right", None])
@pytest.mark.parametrize("shape", [(96, 128), (300, 170)])
def test_plain_crop_equals_the_numpy_crop(handedness, shape):
    image = smooth_image(*shape, seed=2)
    sample = make_sample(image, seed=2, handedness=handedness)
    crop, targets, _ = first(sample)
    expected, matrix = expected_crop(sample, image)
    np.testing.assert_allclose(crop, expected, atol=1e-4)
    np.testing.assert_allclose(targets["uv_px"], transform_points(matrix, sample.uv_px), atol=1e-3)


def test_large_images_are_reduced_alike():
    image = smooth_image(900, 1100, seed=3)
    sample = make_sample(image, seed=3, uv_px=grid_uv_px(250, 300, 90))
    expected, matrix = expected_crop(sample, image)
    assert np.sqrt(np.linalg.det(matrix[:, :2] * [[-1], [1]])) < 1 / 10
    np.testing.assert_allclose(first(sample)[0], expected, atol=1e-4)


@pytest.mark.parametrize("factor", range(2, 21))
def test_whole_factors_are_not_rounded_down(factor):
    """A window of exactly k crop sizes: float32 must not find k - 1."""
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    side = factor * SIZE / 1.5
    matrix = crop_matrix((3.3, -7.1, side, side / 2), SIZE)
    received = warp(tf.constant(image), tf.constant(matrix, tf.float32), SIZE)
    np.testing.assert_allclose(received, crop_image(image, matrix, SIZE), atol=1e-4)


@pytest.mark.parametrize("box_px", [(-30, -20, 60, 50), (110, 80, 90, 10), (900, 700, 20, 20)])
def test_box_across_and_outside_the_border(box_px):
    image = smooth_image(96, 128, seed=4)
    sample = make_sample(image, seed=4, box_px=box_px, visible=np.arange(21) > 0)
    crop, _, weights = first(sample)
    np.testing.assert_allclose(crop, expected_crop(sample, image)[0], atol=1e-4)
    if box_px[0] == 900:
        assert not crop.any() and not weights["uv_px"].any()


def test_validation_uses_the_given_box_even_if_all_joints_are_known():
    """As `predict` and `evaluate` do: a detector's box is not the tight one."""
    image = smooth_image(96, 128, seed=4)
    sample = make_sample(image, seed=4, box_px=(15, 10, 80, 60))
    np.testing.assert_allclose(first(sample)[0], expected_crop(sample, image)[0], atol=1e-4)


def test_training_box_is_tight_around_the_rotated_hand():
    sample = make_sample(seed=1)
    for _, targets, _ in batches([sample], 4, training=True, augmentation=only(rotation_deg=180.0)):
        low, high = targets["uv_px"][0].min(axis=0), targets["uv_px"][0].max(axis=0)
        np.testing.assert_allclose((high - low).max(), SIZE / 1.5, atol=1e-3)
        np.testing.assert_allclose((low + high) / 2, (SIZE - 1) / 2, atol=1e-3)


def test_rotated_partly_labelled_hand_turns_about_its_box():
    sample = make_sample(seed=2, visible=np.arange(21) != 7)
    middle = sample.box_px[:2] + sample.box_px[2:] / 2
    _, targets, _ = first(sample, training=True, augmentation=only(rotation_deg=180.0))
    # The box centre stays; the turn keeps all distances up to the scale of the window.
    scale = SIZE / (1.5 * sample.box_px[2:].max())
    distance = np.linalg.norm(targets["uv_px"] - (SIZE - 1) / 2, axis=-1)
    np.testing.assert_allclose(
        distance, scale * np.linalg.norm(sample.uv_px - middle, axis=-1), atol=1e-3
    )
    assert (
        np.abs(
            targets["uv_px"] - transform_points(crop_matrix(sample.box_px, SIZE), sample.uv_px)
        ).max()
        > 1
    )


def test_labels_follow_the_pixels():
    """Every joint is a dot of its own hue, and is found where its label says."""
    uv_px = grid_uv_px(60, 90, 26, seed=5)
    v, u = np.mgrid[:240, :300]
    colours = np.array([colorsys.hsv_to_rgb(joint / 21, 1, 1) for joint in range(21)])
    image = np.zeros((240, 300, 3))
    for (x, y), colour in zip(uv_px, colours, strict=True):
        image += 255 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 18)[..., None] * colour
    image = np.round(image).clip(0, 255).astype(np.uint8)
    samples = [
        make_sample(image, seed=seed, uv_px=uv_px, handedness=handedness)
        for seed, handedness in enumerate(("left", "right"))
    ]
    rows, columns = np.mgrid[:160, :160]
    mirrored = set()
    for crops, targets, _ in batches(
        samples, 12, crop_size=160, training=True, augmentation=GEOMETRY_ONLY
    ):
        points = targets["uv_px"][0]
        # Positive turning sense of three fixed joints tells whether the hand is mirrored.
        mirrored.add(np.linalg.det(np.stack([points[6] - points[0], points[14] - points[0]])) > 0)
        for (x, y), colour in zip(points, colours, strict=True):
            near = np.hypot(columns - x, rows - y) < 5
            assert near.sum() > 60
            mass = crops[0][near].sum(axis=-1)
            found = [(mass * columns[near]).sum(), (mass * rows[near]).sum()] / mass.sum()
            np.testing.assert_allclose(found, (x, y), atol=0.25)
            seen = crops[0][round(float(y)), round(float(x))]
            np.testing.assert_allclose(seen / seen.max(), colour, atol=0.15)
    assert mirrored == {True, False}


def test_lifting_the_labels_gives_back_the_hand():
    samples = [make_sample(seed=seed) for seed in range(2)]
    truth = {np.round(sample.xyz_camera_mm[0, 2], 2): sample for sample in samples}
    seen = set()
    for _, targets, _ in batches(samples, 16, training=True, augmentation=GEOMETRY_ONLY):
        xyz = keras.ops.convert_to_numpy(lift(targets["uv_px"], targets["z_rel"], targets))[0]
        sample = truth[np.round(targets["xyz_camera_mm"][0, 0, 2], 2)]
        shown_right = bool(targets["handedness"][0, 0])
        mirror = (sample.handedness == "left") == shown_right
        seen.add((sample.handedness, mirror))
        expected = sample.xyz_camera_mm * [-1 if mirror else 1, 1, 1]
        # Float32 rays of a 64-pixel crop: 1e-4 of the distance.
        np.testing.assert_allclose(xyz, expected, atol=0.05)
        np.testing.assert_allclose(targets["xyz_camera_mm"][0], expected, atol=1e-3)
    assert seen == {(hand, mirror) for hand in ("left", "right") for mirror in (False, True)}


def test_depth_is_relative_to_the_middle_knuckle_in_bones():
    sample = make_sample(seed=3)
    xyz = sample.xyz_camera_mm
    expected = (xyz[:, 2] - xyz[9, 2]) / np.linalg.norm(xyz[9] - xyz[10])
    np.testing.assert_allclose(first(sample)[1]["z_rel"], expected, rtol=1e-4, atol=1e-5)


def test_weights_of_a_fully_labelled_hand():
    _, targets, weights = first(make_sample(seed=0))
    for name in ("uv_px", "z_rel", "xyz_camera_mm", "backbone_maps", "group_maps"):
        np.testing.assert_array_equal(weights[name], np.ones(21))
    assert weights["presence"] == weights["handedness"] == 1
    assert targets["presence"] == targets["handedness"] == [1.0]
    assert set(weights) == set(targets) - {"pixel_rays"}


def test_weights_of_invisible_joints_are_zero():
    visible = np.arange(21) % 4 > 0
    _, _, weights = first(make_sample(seed=0, visible=visible))
    for name in ("uv_px", "z_rel", "xyz_camera_mm", "backbone_maps", "group_maps"):
        np.testing.assert_array_equal(weights[name], visible)


def test_weights_of_joints_outside_the_crop_are_zero():
    sample = make_sample(seed=0, visible=np.arange(21) > 0)
    box = box_around(sample.uv_px[[1, 2, 8, 9]])
    sample = make_sample(seed=0, visible=np.arange(21) > 0, box_px=box)
    _, targets, weights = first(sample)
    inside = ((targets["uv_px"] > -0.5) & (targets["uv_px"] < SIZE - 0.5)).all(axis=-1)
    assert inside[[1, 2, 8, 9]].all() and not inside.all()
    np.testing.assert_array_equal(weights["uv_px"], inside & (np.arange(21) > 0))


def test_weights_without_a_hand():
    _, targets, weights = first(make_sample(seed=1, presence=False))
    assert targets["presence"] == [0.0] and weights["presence"] == 1
    for name in set(weights) - {"presence"}:
        assert not np.any(weights[name])


@pytest.mark.parametrize("lacking", ["xyz_camera_mm", "intrinsics_px"])
def test_weights_without_camera_labels(lacking):
    _, targets, weights = first(make_sample(seed=1, **{lacking: None}))
    assert weights["uv_px"].all() and not weights["xyz_camera_mm"].any()
    assert weights["z_rel"].all() == (lacking == "intrinsics_px")
    # Keras multiplies by the weight: what is unknown must still be finite.
    assert all(np.isfinite(value).all() for value in targets.values())


def test_unknown_hands_are_never_mirrored_on_purpose():
    sample = make_sample(seed=0, handedness=None)
    augmentation = only(other_hand=1.0)
    crop, _, weights = first(sample, training=True, augmentation=augmentation)
    np.testing.assert_allclose(crop, first(sample)[0], atol=1e-4)
    assert weights["handedness"] == 0 and weights["uv_px"].all()


@pytest.mark.parametrize("handedness", ["left", "right"])
def test_hands_shown_the_wrong_way_teach_handedness_and_2d_only(handedness):
    sample = make_sample(seed=0, handedness=handedness)
    plain, *_ = first(sample)
    crop, targets, weights = first(sample, training=True, augmentation=only(other_hand=1.0))
    np.testing.assert_allclose(crop, plain[:, ::-1], atol=1e-4)
    assert targets["handedness"] == [0.0] and weights["handedness"] == 1
    assert not weights["z_rel"].any() and not weights["xyz_camera_mm"].any()
    assert all(weights[name].all() for name in ("uv_px", "backbone_maps", "group_maps"))
    matrix = expected_crop(sample, read_image(sample.image))[1]
    mirrored = transform_points(matrix, sample.uv_px) * [-1, 1] + [SIZE - 1, 0]
    np.testing.assert_allclose(targets["uv_px"], mirrored, atol=1e-3)


def test_both_ways_of_showing_a_hand_weigh_alike():
    """Otherwise "right" for every crop would be a good answer."""
    found = {True: [], False: []}
    for _, targets, weights in batches(
        [make_sample(seed=0)], 200, training=True, augmentation=only(other_hand=0.2)
    ):
        found[bool(targets["handedness"][0, 0])] += weights["handedness"].tolist()
    assert 20 < len(found[False]) < 60
    np.testing.assert_allclose(found[False], 0.5 / 0.2)
    np.testing.assert_allclose(found[True], 0.5 / 0.8)


@pytest.mark.parametrize("batch_size", [2, 4, 5, 12])
def test_validation_is_filled_up_to_whole_batches_that_weigh_as_much(batch_size):
    samples = [make_sample(seed=seed, visible=np.arange(21) > seed) for seed in range(5)]
    padded = batches(samples, batch_size=batch_size)
    assert [len(images) for images, _, _ in padded] == [batch_size] * -(-5 // batch_size)
    images = np.concatenate([images for images, _, _ in padded])
    # In order, every sample once; what fills up weighs nothing.
    [(once, _, plain)] = batches(samples, batch_size=5)
    np.testing.assert_array_equal(images[:5], once)
    for name in plain:
        weights = np.concatenate([weights[name] for _, _, weights in padded])
        assert not weights[5:].any()
        np.testing.assert_allclose(weights[:5], plain[name] * len(weights) / 5, rtol=1e-6)
        np.testing.assert_allclose(weights.mean(), plain[name].mean(), rtol=1e-6)


def test_training_goes_on_for_ever_in_full_batches():
    samples = [make_sample(seed=seed) for seed in range(3)]
    sizes = [len(images) for images, _, _ in batches(samples, 5, batch_size=2, training=True)]
    assert sizes == [2] * 5


def test_same_seed_same_batches():
    samples = [make_sample(seed=seed) for seed in range(5)]
    runs = [
        [images for images, _, _ in batches(samples, 4, batch_size=2, training=True, seed=seed)]
        for seed in (7, 7, 8)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])
    # No batch comes twice, though the samples do.
    assert len({images.tobytes() for images in runs[0]}) == 4


def test_first_batch_continues_the_same_stream():
    samples = [make_sample(seed=seed) for seed in range(5)]
    options = {"batch_size": 2, "training": True, "augmentation": Augmentation()}
    whole = batches(samples, 6, **options)
    rest = batches(samples, 2, first_batch=4, **options)
    for expected, received in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(received[0], expected[0])
        np.testing.assert_array_equal(received[1]["uv_px"], expected[1]["uv_px"])


def test_files_shards_and_memory_give_the_same(tmp_path):
    memory = [make_sample(seed=seed) for seed in range(3)]
    on_disk = []
    with ShardWriter(tmp_path / "a.tfrecord") as writer:
        for sample in memory:
            writer.write(sample)
            path = tmp_path / f"{sample.sample_id}.png"
            path.write_bytes(sample.image)
            index = int(sample.sample_id[-1])
            on_disk.append(make_sample(seed=index, image=None))
            object.__setattr__(on_disk[-1], "image", path)
    (tmp_path / "dataset.json").write_text('{"count": 3}')
    expected = batches(memory, batch_size=3)[0]
    for other in (on_disk, ShardDataset(tmp_path)):
        images, targets, weights = batches(other, batch_size=3)[0]
        np.testing.assert_array_equal(images, expected[0])
        for received, wanted in ((targets, expected[1]), (weights, expected[2])):
            for name in wanted:
                np.testing.assert_array_equal(received[name], wanted[name], err_msg=name)


def test_grey_and_transparent_images_become_rgb():
    grey = smooth_image(96, 128)[..., 0]
    sample = make_sample(seed=0)
    object.__setattr__(sample, "image", encode_png(grey))
    crop, *_ = first(sample)
    np.testing.assert_array_equal(crop[..., 0], crop[..., 2])
    assert crop.max() > 0.3


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_photographs_is_applied(orientation, suffix, tmp_path):
    path = tmp_path / f"photo.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(smooth_image(80, 120)).save(path, exif=exif, quality=90)
    upright = read_image(path)
    assert upright.shape[:2] == ((80, 120) if orientation < 5 else (120, 80))
    for image in (path, path.read_bytes()):
        sample = make_sample(upright, seed=0)
        object.__setattr__(sample, "image", image)
        crop, *_ = first(sample)
        np.testing.assert_allclose(crop, expected_crop(sample, upright)[0], atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_hand_in_one_point(training):
    """A faulty label, but no division by zero: the window is that of one pixel."""
    uv_px = np.full((21, 2), 40.25)
    sample = make_sample(seed=0, uv_px=uv_px)
    crop, targets, weights = first(sample, training=training, augmentation=STILL)
    expected, _ = expected_crop(sample, smooth_image(96, 128), (39.75, 39.75, 1, 1))
    if training:
        np.testing.assert_allclose(crop, expected, atol=1e-4)
        np.testing.assert_allclose(targets["uv_px"], (SIZE - 1) / 2, atol=1e-3)
    for values in (targets, weights):
        assert all(np.isfinite(value).all() for value in values.values())


@pytest.mark.parametrize("unknown", [[4], [0, 12, 20], [9], [10], list(range(20))])
def test_weights_of_single_unlabelled_3d_joints(unknown):
    plain = make_sample(seed=0)
    xyz = plain.xyz_camera_mm.copy()
    xyz[unknown] = np.nan
    _, targets, weights = first(make_sample(seed=0, xyz_camera_mm=xyz))
    assert all(np.isfinite(value).all() for value in targets.values())
    np.testing.assert_array_equal(weights["uv_px"], np.ones(21))
    # Without root or bone there is neither depth nor 3D.
    known = ~np.isin(np.arange(21), unknown) & (not {9, 10} & set(unknown))
    np.testing.assert_array_equal(weights["z_rel"], known)
    np.testing.assert_array_equal(weights["xyz_camera_mm"], known)
    _, whole, _ = first(plain)
    for name in ("z_rel", "xyz_camera_mm"):
        np.testing.assert_allclose(targets[name][known], whole[name][known], rtol=1e-6)


@functools.cache
def prepare():
    options = PipelineOptions(256, 1, True, Augmentation(other_hand=0.5))
    return tf.function(lambda record, seed: prepare_sample(record, seed, options))


@EXAMPLES
@given(
    hands_px(), depths_mm(), cameras(), st.sampled_from(["left", "right", None]), st.booleans(),
    st.integers(0, 2**31),
)  # fmt: skip
def test_augmented_camera_projects_the_augmented_hand(uv_px, depth, camera, hand, full, seed):
    rays = np.concatenate([uv_px, np.ones((21, 1))], axis=-1) @ np.linalg.inv(camera).T
    sample = make_sample(
        smooth_image(48, 64), uv_px=uv_px, visible=np.arange(21) >= (not full), handedness=hand,
        xyz_camera_mm=rays * depth, intrinsics_px=camera,
    )  # fmt: skip
    record = {name: tf.constant(value) for name, value in label_arrays(sample).items()}
    record |= {"image": tf.constant(sample.image), "orientation": tf.constant(1, tf.int64)}
    _, targets, _ = prepare()(record, tf.constant([0, seed], tf.int64))
    crop_camera = np.linalg.inv(targets["pixel_rays"].numpy().astype(np.float64))
    projected = targets["xyz_camera_mm"].numpy().astype(np.float64) @ crop_camera.T
    # Float32 labels of images of 640 pixels, enlarged up to 7 times.
    np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], targets["uv_px"], atol=1e-3)


def test_rejects_no_samples():
    with pytest.raises(InputError, match=r"expected at least one sample\. Received: none"):
        build_pipeline([[]], PipelineOptions(SIZE, 2, training=False))
