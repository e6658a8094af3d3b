import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.hands import smooth_image
from tf_handgroups.augment import Augmentation, draw_geometry, jitter_colours

STILL = Augmentation(
    rotation_deg=0.0,
    scale=1.0,
    shift=0.0,
    other_hand=0.0,
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    channel_gain=0.0,
    grey=0.0,
    noise=0.0,
    blur=0.0,
    erase=0.0,
)
CROP = (0.25 + 0.5 * smooth_image(32, 32) / 255).astype("float32")


def only(**changes):
    return dataclasses.replace(STILL, **changes)


def seeds(count):
    return tf.stack([tf.zeros(count, tf.int64), tf.range(count, dtype=tf.int64)], axis=-1)


def jittered(augmentation, count=20):
    crops = [jitter_colours(tf.constant(CROP), seed, augmentation) for seed in seeds(count)]
    return np.stack([crop.numpy() for crop in crops])


@pytest.fixture(scope="module")
def geometries():
    augmentation = Augmentation(rotation_deg=60.0, scale=1.5, shift=0.1, other_hand=0.2)
    drawn = tf.map_fn(
        lambda seed: tuple(draw_geometry(seed, augmentation, training=True)),
        seeds(2000),
        fn_output_signature=(tf.float32, tf.float32, tf.float32, tf.bool),
    )
    return [values.numpy() for values in drawn]


def test_neutral_without_training():
    geometry = draw_geometry(tf.constant([3, 4]), Augmentation(), training=False)
    assert float(geometry.rotation_rad) == 0.0 and float(geometry.scale) == 1.0
    assert geometry.shift.numpy().tolist() == [0.0, 0.0] and not bool(geometry.flip)


def test_rotation_is_uniform_over_its_range(geometries):
    degrees = np.degrees(geometries[0])
    assert np.abs(degrees).max() <= 60 and degrees.max() > 59 and degrees.min() < -59
    # A uniform variable on +-60 has a standard deviation of 60 / sqrt(3).
    np.testing.assert_allclose([degrees.mean(), degrees.std()], [0, 34.64], atol=2.0)


def test_scale_is_log_uniform(geometries):
    logs = np.log(geometries[1]) / np.log(1.5)
    assert np.abs(logs).max() <= 1 + 1e-6 and np.abs(logs).max() > 0.99
    np.testing.assert_allclose([logs.mean(), logs.std()], [0, 0.577], atol=0.04)


def test_shift_is_uniform_per_axis(geometries):
    shift = geometries[2]
    assert shift.shape == (2000, 2) and np.abs(shift).max() <= 0.1
    np.testing.assert_allclose(shift.std(axis=0), 0.0577, atol=0.004)
    assert abs(np.corrcoef(shift.T)[0, 1]) < 0.1


def test_share_of_wrong_hands(geometries):
    assert abs(geometries[3].mean() - 0.2) < 0.03


def test_zero_ranges_change_nothing():
    np.testing.assert_allclose(jittered(STILL, 3), np.stack([CROP] * 3), atol=1e-6)
    geometry = draw_geometry(tf.constant([1, 2]), STILL, training=True)
    assert float(geometry.scale) == 1.0 and not bool(geometry.flip)


def test_everything_at_once_stays_an_image():
    crops = jittered(Augmentation(), 30)
    assert crops.shape == (30, *CROP.shape) and crops.dtype == np.float32
    assert np.isfinite(crops).all() and crops.min() >= 0 and crops.max() <= 1
    assert len({crop.tobytes() for crop in crops}) == 30


def test_brightness_adds_one_value():
    change = jittered(only(brightness=0.2)) - CROP
    np.testing.assert_allclose(change.std(axis=(1, 2, 3)), 0, atol=1e-6)
    amount = change.mean(axis=(1, 2, 3))
    assert amount.min() < -0.1 and amount.max() > 0.1 and np.abs(amount).max() <= 0.2


def test_contrast_scales_around_the_mean():
    crops = jittered(only(contrast=0.3))
    mean = CROP.mean(dtype=np.float64)
    factors = (crops - mean).std(axis=(1, 2, 3)) / CROP.std()
    np.testing.assert_allclose(
        crops, mean + (CROP - mean) * factors[:, None, None, None], atol=2e-5
    )
    assert 0.7 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.3 + 1e-5


def test_saturation_scales_around_the_grey_of_each_pixel():
    crops = jittered(only(saturation=0.5))
    grey = CROP.mean(axis=-1, keepdims=True)
    factors = (crops - grey).std(axis=(1, 2, 3)) / (CROP - grey).std()
    np.testing.assert_allclose(
        crops, grey + (CROP - grey) * factors[:, None, None, None], atol=2e-5
    )
    assert 0.5 <= factors.min() < 0.8 and 1.2 < factors.max() <= 1.5 + 1e-5


def test_grey_removes_all_colour():
    crops = jittered(only(grey=1.0), 2)
    expected = np.broadcast_to(CROP.mean(axis=-1, keepdims=True), CROP.shape)
    np.testing.assert_allclose(crops, np.stack([expected] * 2), atol=1e-6)


def test_channel_gain_is_one_factor_per_channel():
    ratio = jittered(only(channel_gain=0.1)) / CROP.astype(np.float64)
    np.testing.assert_allclose(ratio.std(axis=(1, 2)), 0, atol=1e-6)
    factors = ratio[:, 0, 0]
    assert 0.9 - 1e-5 <= factors.min() and factors.max() <= 1.1 + 1e-5
    assert factors.std(axis=1).min() > 0


def test_noise_has_at_most_the_given_deviation():
    deviation = (jittered(only(noise=0.05), 40) - CROP).std(axis=(1, 2, 3))
    assert deviation.max() < 0.053 and deviation.max() > 0.04 and deviation.min() < 0.01


def test_noise_is_normal_and_differs_between_samples():
    half = np.full((64, 64, 3), 0.5, np.float32)
    jitter = [jitter_colours(tf.constant(half), seed, only(noise=0.05)) for seed in seeds(40)]
    noise = np.stack(jitter) - half
    noise /= noise.std(axis=(1, 2, 3), keepdims=True)
    # Skewness 0, kurtosis 3; neighbours, channels and samples know nothing of each other.
    np.testing.assert_allclose((noise**3).mean(), 0, atol=0.1)
    np.testing.assert_allclose((noise**4).mean(), 3, atol=0.1)
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.02
    assert abs((noise[..., 0] * noise[..., 1]).mean()) < 0.02
    flat = noise.reshape(40, -1)
    alike = np.abs(np.corrcoef(flat) - np.eye(40))
    # There are 65 x 65 places: two of forty may meet by chance.
    assert np.median(alike) < 0.02 and np.count_nonzero(alike > 0.5) <= 4


def test_colour_changes_follow_each_other():
    """All at once, as saturation, contrast, gains and brightness one after the other."""
    ranges = only(saturation=0.5, contrast=0.3, channel_gain=0.1, brightness=0.1)
    for seed in seeds(5):
        draws = tf.random.stateless_uniform((18,), seed + tf.constant([0x5EED, 0], tf.int64))
        signed = 2 * draws.numpy().astype(np.float64) - 1
        grey = CROP.mean(axis=-1, keepdims=True)
        expected = grey + (CROP - grey) * (1 + 0.5 * signed[0])
        expected = expected.mean() + (expected - expected.mean()) * (1 + 0.3 * signed[2])
        expected = expected * (1 + 0.1 * signed[3:6]) + 0.1 * signed[6]
        received = jitter_colours(tf.constant(CROP), seed, ranges)
        np.testing.assert_allclose(received, np.clip(expected, 0, 1), atol=1e-5)


def test_blur_is_the_binomial_kernel():
    padded = np.pad(CROP.astype(np.float64), [(1, 1), (1, 1), (0, 0)], mode="reflect")
    expected = np.zeros(CROP.shape)
    for row, weight_row in enumerate((0.25, 0.5, 0.25)):
        for column, weight_column in enumerate((0.25, 0.5, 0.25)):
            expected += weight_row * weight_column * padded[row : row + 32, column : column + 32]
    np.testing.assert_allclose(jittered(only(blur=1.0), 1)[0], expected, atol=1e-6)


def test_erasing_paints_one_small_rectangle():
    sides = []
    for crop in jittered(only(erase=1.0)):
        changed = np.abs(crop - CROP).max(axis=-1) > 1e-6
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        inside = crop[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.testing.assert_array_equal(inside, np.broadcast_to(inside[:1, :1], inside.shape))
        assert changed.sum() <= inside.shape[0] * inside.shape[1]
        sides += inside.shape[:2]
    assert 3 < max(sides) <= 0.35 * 32 + 1


def test_shares_switch_between_samples():
    blurred = jittered(only(blur=0.5), 40)
    share = np.mean([not np.allclose(crop, CROP, atol=1e-6) for crop in blurred])
    assert 0.25 < share < 0.75


def test_same_seed_same_result_in_eager_graph_and_tf_data():
    augmentation = Augmentation(erase=0.5, blur=0.5)
    call = tf.function(lambda seed: jitter_colours(tf.constant(CROP), seed, augmentation))
    draw = tf.function(lambda seed: tuple(draw_geometry(seed, augmentation, training=True)))
    dataset = tf.data.Dataset.from_tensor_slices(seeds(8)).map(
        lambda seed: (
            jitter_colours(tf.constant(CROP), seed, augmentation),
            tuple(draw_geometry(seed, augmentation, training=True)),
        ),
        num_parallel_calls=2,
    )
    for seed, (crop, geometry) in zip(seeds(8), dataset, strict=True):
        eager = jitter_colours(tf.constant(CROP), seed, augmentation)
        # Kernels of one op may round differently when fused.
        np.testing.assert_allclose(call(seed), eager, atol=1e-6)
        np.testing.assert_allclose(crop, eager, atol=1e-6)
        drawn = draw_geometry(seed, augmentation, training=True)
        for expected, in_graph, in_data in zip(drawn, draw(seed), geometry, strict=True):
            np.testing.assert_allclose(in_graph, expected, rtol=1e-6)
            np.testing.assert_allclose(in_data, expected, rtol=1e-6)


def test_seed_and_number_both_matter():
    augmentation = Augmentation()
    rotations = {
        float(draw_geometry(tf.constant(seed), augmentation, training=True).rotation_rad)
        for seed in ([0, 0], [0, 1], [1, 0], [1, 1])
    }
    assert len(rotations) == 4


def test_record_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Augmentation().noise = 1.0  # pyright: ignore[reportAttributeAccessIssue]
