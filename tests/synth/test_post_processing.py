"""Simulated cameras."""

import cv2
import numpy as np

from tf_handgroups.synth.post_processing import encode_jpeg, random_camera_look

GREY = np.full((64, 64, 3), 128, np.float32)


def test_keeps_the_form_and_varies_the_look():
    looks = [random_camera_look(np.random.default_rng(seed), GREY) for seed in range(60)]
    assert all(look.shape == GREY.shape and look.dtype == np.uint8 for look in looks)
    assert np.std([look.mean() for look in looks]) > 8
    noise = np.array([look.std(axis=(0, 1)).mean() for look in looks])
    assert noise.min() < 0.5 and noise.max() > 3


def test_labels_stay_in_place():
    """Blurs and rescaling must not move the picture."""
    size = 193
    image = np.zeros((size, size, 3), np.float32)
    image[66:127, 66:127] = 255  # centred at 96
    for seed in range(100):
        look = random_camera_look(np.random.default_rng(seed), image).mean(axis=2)
        weight = np.clip(look - np.median(look) - 40, 0, None)
        for axis in (0, 1):
            centre = (weight.sum(axis=axis) @ np.arange(size)) / weight.sum()
            assert abs(centre - 96) < 0.5, seed


def test_jpeg_is_rgb_and_lossy_only_a_little():
    image = np.zeros((48, 48, 3), np.uint8)
    image[..., 0] = np.linspace(60, 200, 48).astype(np.uint8)
    data = encode_jpeg(np.random.default_rng(0), image)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(decoded[..., 0].astype(int) - image[..., 0]).mean() < 4
    assert decoded[..., 2].mean() < 20
