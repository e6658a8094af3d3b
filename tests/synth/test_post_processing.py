"""Simulated cameras."""

import numpy as np
import pytest

from tf_handgroups.image_file import read_image
from tf_handgroups.synth import post_processing
from tf_handgroups.synth.post_processing import (
    encode_jpeg,
    random_border,
    random_camera_look,
    white_point,
)

GREY = np.full((64, 64, 3), 128, np.float32)
SIZE = 160


def soft_dot(centre):
    steps = np.arange(SIZE)
    x, y = np.exp(-((steps - centre[0]) ** 2) / 32), np.exp(-((steps - centre[1]) ** 2) / 32)
    return (255 * np.sqrt(y[:, None] * x[None, :]))[..., None].repeat(3, 2).astype(np.float32)


def centroid(picture):
    weight = np.clip(picture.astype(np.float64).mean(axis=2), 0, None)
    weight = weight - np.median(weight)
    weight[weight < 6] = 0
    steps = np.arange(SIZE)
    return np.array([weight.sum(axis=0) @ steps, weight.sum(axis=1) @ steps]) / weight.sum()


def decoded(jpeg):
    return read_image(jpeg)


def test_keeps_the_form_and_varies_the_look():
    looks = [random_camera_look(np.random.default_rng(seed), GREY) for seed in range(120)]
    assert all(look.shape == GREY.shape and look.dtype == np.uint8 for look in looks)
    means = np.array([look.mean() for look in looks])
    assert means.std() > 20 and means.min() < 70 and means.max() > 180
    noise = np.array([look.std(axis=(0, 1)).mean() for look in looks])
    assert noise.min() < 0.8 and noise.max() > 4
    warmth = np.array([look[..., 0].mean() / look[..., 2].mean() for look in looks])
    assert warmth.min() < 0.93 and warmth.max() > 1.15


def test_same_seed_same_look():
    one, two = (random_camera_look(np.random.default_rng(4), GREY) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("centre", "limit"), [((79.5, 79.5), 0.05), ((71.3, 90.8), 0.25)])
def test_labels_stay_in_place(monkeypatch, centre, limit):
    """No blur, rescaling or sharpening moves a soft dot; noise is left out."""
    monkeypatch.setattr(post_processing, "_with_noise", lambda generator, picture, level: picture)
    monkeypatch.setattr(post_processing, "_vignette", lambda generator, height, width: 1.0)
    image = soft_dot(centre)
    shifts = []
    for seed in range(200):
        look = random_camera_look(np.random.default_rng(seed), image)
        if look.max() > 60:
            shifts.append(np.abs(centroid(look) - centre).max())
    assert len(shifts) > 150
    assert np.mean(shifts) < 0.02 and np.max(shifts) < limit


@pytest.mark.parametrize("angle", np.linspace(0, np.pi, 9))
@pytest.mark.parametrize("length", [1.2, 3.7, 8.0])
def test_motion_kernels_are_centred_and_as_long_as_asked_for(length, angle):
    kernel = post_processing._motion_kernel(length, angle)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-5)
    steps = np.arange(len(kernel)) - len(kernel) // 2
    along = steps[None, :] * np.cos(angle) + steps[:, None] * np.sin(angle)
    # An even line has variance length^2 / 12; splatting adds at most a quarter a pixel.
    assert 0 <= (kernel * along**2).sum() - length**2 / 12 < 0.5


@pytest.mark.parametrize("factor", [0.31, 0.5, 0.77])
def test_enlarged_pictures_stay_in_place(factor):
    class Fixed:
        def uniform(self, low, high):
            return factor

        def random(self):
            return 0.0

    enlarged = post_processing._enlarged(Fixed(), soft_dot((79.5, 79.5)))
    assert np.abs(centroid(enlarged) - 79.5).max() < 0.01


def test_noise_grows_with_the_dark():
    def deviation(value):
        flat = np.full((64, 64, 3), value, np.float32)
        pictures = [
            post_processing._with_noise(np.random.default_rng(seed), flat, np.float32(1))
            for seed in range(10)
        ]
        return np.mean([picture.std() for picture in pictures])

    assert deviation(20) > 1.3 * deviation(200) > 0.5


def test_white_points_follow_the_temperature():
    warm, cold = white_point(3000.0), white_point(10000.0)
    assert warm[0] > 1.3 and warm[2] < 0.6 and cold[0] < 0.9 and cold[2] > 1.1
    assert warm[1] == cold[1] == 1


def test_borders_leave_the_box_and_cut_the_rest():
    white = np.full((80, 100, 3), 255, np.uint8)
    box = (30.0, 20.0, 40.0, 35.0)
    bordered = [random_border(np.random.default_rng(seed), white, box) for seed in range(60)]
    for picture in bordered:
        assert picture[20:55, 30:70].min() == 255
        assert set(np.unique(picture)) <= {0, 255}
    black = np.array([(picture == 0).mean() for picture in bordered])
    assert 0.05 < black.mean() < 0.6 and black.max() > 0.3
    edges = [np.array([p[:, 0].max(), p[0].max(), p[:, -1].max(), p[-1].max()]) for p in bordered]
    assert (np.mean([edge == 0 for edge in edges], axis=0) > 0.1).all()


def test_jpeg_is_rgb_in_place_and_lossy_only_a_little():
    image = np.zeros((48, 48, 3), np.uint8)
    image[..., 0] = np.linspace(60, 200, 48).astype(np.uint8)
    for seed in range(20):
        picture = decoded(encode_jpeg(np.random.default_rng(seed), image))
        assert picture.shape == image.shape
        assert np.abs(picture[..., 0].astype(int) - image[..., 0]).mean() < 8
        assert picture[..., 2].mean() < 20


def test_jpeg_sizes_spread():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = [len(encode_jpeg(np.random.default_rng(seed), image)) for seed in range(60)]
    assert max(sizes) > 2.5 * min(sizes)


def test_jpeg_keeps_a_dot_in_place():
    image = np.round(soft_dot((79.5, 79.5))).astype(np.uint8)
    shifts = [
        np.abs(centroid(decoded(encode_jpeg(np.random.default_rng(seed), image))) - 79.5).max()
        for seed in range(40)
    ]
    assert np.mean(shifts) < 0.02


def test_good_cameras_expose_well_and_hardly_blur_or_make_noise():
    def looks(good):
        return [
            random_camera_look(np.random.default_rng(seed), GREY, good).astype(float)
            for seed in range(150)
        ]

    good, any_camera = looks(True), looks(False)
    for measure in (np.mean, np.std):
        spreads = [
            np.percentile([measure(look) for look in some], 95) for some in (good, any_camera)
        ]
        assert spreads[0] < spreads[1]
    dot = soft_dot((79.5, 79.5))
    edges = [
        np.ptp(
            np.diff(
                random_camera_look(np.random.default_rng(seed), dot, True).astype(float)[80, :, 1]
            )
        )
        for seed in range(20)
    ]
    assert min(edges) > 5
