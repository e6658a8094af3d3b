"""What a camera does to a picture: exposure, colour cast, blur, noise, JPEG."""

import cv2
import numpy as np

from tf_handgroups.synth.hand_texture import smooth_noise


def random_camera_look(generator: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Degrades a clean picture as a random camera would.

    Args:
        generator: Source of randomness.
        image: `(H, W, 3)` float32 sRGB in [0, 255].

    Returns:
        `(H, W, 3)` uint8.
    """
    height, width = image.shape[:2]
    scale = width / 192
    gain = np.exp(generator.normal(0, 0.13)) * np.exp(generator.normal(0, 0.05, 3))
    image = image * gain.astype(np.float32)
    if generator.random() < 0.5:
        exponent = np.float32(np.exp(generator.normal(0, 0.18)))
        image = 255 * np.power(np.clip(image, 0, 255) * np.float32(1 / 255), exponent)
    if generator.random() < 0.4:
        middle = np.float32(generator.uniform(90, 150))
        image = (image - middle) * np.float32(generator.uniform(0.7, 1.25)) + middle
    if generator.random() < 0.4:
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * np.float32(generator.uniform(0.5, 1.35))
    blur = generator.random()
    if blur < 0.35:
        image = cv2.GaussianBlur(image, (0, 0), float(generator.uniform(0.3, 1.2) * scale))
    elif blur < 0.47:
        image = _motion_blur(generator, image, generator.uniform(2, 7) * scale)
    elif blur < 0.57:
        # A small picture that was enlarged.
        factor = generator.uniform(0.35, 0.75)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    elif blur < 0.67:
        soft = cv2.GaussianBlur(image, (0, 0), 1.0 * scale)
        image = image + np.float32(generator.uniform(0.2, 0.9)) * (image - soft)
    if generator.random() < 0.65:
        strength = np.float32(generator.uniform(0.6, 2.4) ** 2)
        channels = 3 if generator.random() < 0.5 else 1
        noise = generator.standard_normal((height, width, channels), np.float32)
        if generator.random() < 0.4:
            noise += smooth_noise(generator, width, height, width / 2.2, channels)
        image = image + strength * noise
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


def _motion_blur(generator, image, length):
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    angle = generator.uniform(0, np.pi)
    middle = size // 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    ends = [tuple(round(float(middle + sign * r) * 16) for r in reach) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6))


def encode_jpeg(generator: np.random.Generator, image: np.ndarray) -> bytes:
    """Encodes `(H, W, 3)` uint8 RGB as JPEG of quality 70 to 95."""
    quality = int(generator.integers(70, 96))
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
