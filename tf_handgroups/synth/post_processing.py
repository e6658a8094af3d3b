"""What a camera does to a picture: focus, exposure, colours, noise, JPEG.

Nothing here moves the picture: every filter is symmetric about the pixel it computes.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from tf_handgroups.synth.hand_texture import smooth_noise

# Second radiation constant, and wavelengths of the three colours.
_C2_NM_K = 1.438777e7
_RGB_NM = np.array([610.0, 545.0, 465.0])


def random_camera_look(
    generator: np.random.Generator, image: np.ndarray, good: bool = False
) -> np.ndarray:
    """Degrades a clean picture as a random camera would.

    Args:
        generator: Source of randomness.
        image: `(H, W, 3)` float32 sRGB in [0, 255].
        good: Whether the picture is in focus, well exposed and has little noise, as from
            today's telephones.

    Returns:
        `(H, W, 3)` uint8.

    Example:

    >>> grey = np.full((32, 32, 3), 128, np.float32)
    >>> random_camera_look(np.random.default_rng(0), grey).dtype.name
    'uint8'
    """
    height, width = image.shape[:2]
    # sRGB is about the square root of light, which is what lens and sensor work on.
    light = np.clip(image, 0, 255) * np.float32(1 / 255)
    light *= light
    if not good:
        light = _through_lens(generator, light, width / 192)
    light *= _exposure(generator, good)
    if generator.random() < 0.3:
        light *= _vignette(generator, height, width)
    typical_noise = 0.4 if good else 0.9
    noise_level = np.float32(generator.gamma(1.2, typical_noise) if generator.random() < 0.6 else 0)
    picture = _develop(generator, light, good)
    picture = _with_noise(generator, picture, noise_level)
    kind = 1.0 if good else generator.random()
    if kind < 0.1:
        picture = _enlarged(generator, picture)
    elif kind < 0.3:
        soft = cv2.GaussianBlur(picture, (0, 0), float(generator.uniform(0.6, 1.6)) * width / 192)
        picture = picture + np.float32(generator.uniform(0.2, 1.3)) * (picture - soft)
    elif kind < 0.4:
        picture = _smoothed(generator, picture)
    if generator.random() < 0.03:
        picture = np.repeat(_grey(generator, picture), 3, axis=2)
    return np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8)


def random_border(
    generator: np.random.Generator, image: np.ndarray, box_px: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Blackens what lies beyond the edges of the photograph that a crop was cut from.

    Crops of hands near a picture's edge are filled up with black, see
    `tf_handgroups.crop.CROP_RULE`.

    Args:
        generator: Source of randomness.
        image: `(H, W, 3)` uint8, as the camera gives it.
        box_px: `x, y, width, height` that stays visible.

    Returns:
        `(H, W, 3)` uint8.

    Example:

    >>> white = np.full((64, 64, 3), 255, np.uint8)
    >>> bordered = random_border(np.random.default_rng(0), white, (16, 16, 32, 32))
    >>> int(bordered.min()), int(bordered[32, 32, 0])
    (0, 255)
    """
    height, width = image.shape[:2]
    x, y, box_width, box_height = (float(value) for value in box_px)
    # Space between the box and the left, upper, right and lower edge.
    space = np.array([x, y, width - x - box_width, height - y - box_height])
    cut = generator.random(4) < generator.choice([0.25, 0.6])
    if not cut.any():
        cut[int(generator.integers(4))] = True
    black = np.floor(np.maximum(space, 0) * generator.beta(1.6, 1.0, 4) * cut).astype(int)
    bordered = np.zeros_like(image)
    window = (slice(black[1], height - black[3]), slice(black[0], width - black[2]))
    bordered[window] = image[window]
    return bordered


def encode_jpeg(generator: np.random.Generator, image: np.ndarray) -> bytes:
    """Encodes a picture as JPEG of quality 40 to 95; some were a JPEG before.

    Args:
        generator: Source of randomness.
        image: `(H, W, 3)` uint8 RGB.

    Returns:
        The JPEG file.

    Example:

    >>> encode_jpeg(np.random.default_rng(0), np.zeros((16, 16, 3), np.uint8))[:2].hex()
    'ffd8'
    """
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if generator.random() < 0.35:
        # Cut out of another JPEG: its blocks lie elsewhere.
        left, top = (int(value) for value in generator.integers(0, 16, 2))
        padded = cv2.copyMakeBorder(bgr, top, 0, left, 0, cv2.BORDER_REFLECT_101)
        first = np.frombuffer(_jpeg(generator, padded), np.uint8)
        bgr = np.asarray(cv2.imdecode(first, cv2.IMREAD_COLOR))[top:, left:]
    return _jpeg(generator, bgr)


def _jpeg(generator, bgr):
    low, high = ((40, 70), (70, 88), (85, 96))[int(generator.choice(3, p=[0.2, 0.4, 0.4]))]
    sampling = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )[int(generator.choice(3, p=[0.65, 0.15, 0.2]))]
    options = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(low, high))]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imencode(".jpg", bgr, options)[1].tobytes()


def _through_lens(generator, light, scale):
    """Out of focus, or the camera moved."""
    kind = generator.random()
    if kind < 0.25:
        return cv2.GaussianBlur(light, (0, 0), float(generator.uniform(0.3, 1.1) * scale))
    if kind < 0.30:
        return cv2.filter2D(light, -1, _disc_kernel(generator.uniform(0.8, 2.4) * scale))
    if kind < 0.38:
        length, angle = generator.uniform(2, 8) * scale, generator.uniform(0, np.pi)
        return cv2.filter2D(light, -1, _motion_kernel(length, angle))
    return light


def _disc_kernel(radius):
    reach = int(np.ceil(radius))
    steps = np.arange(-reach, reach + 1)
    distance = np.hypot(steps[:, None], steps[None, :])
    kernel = np.clip(radius + 0.5 - distance, 0, 1)
    return (kernel / kernel.sum()).astype(np.float32)


def _motion_kernel(length, angle):
    """Light smeared evenly along a line through the middle."""
    reach = int(np.ceil(length / 2)) + 1
    points = 4 * reach
    along = ((np.arange(points) + 0.5) / points - 0.5) * length
    steps = np.arange(-reach, reach + 1)
    # Each point of the line falls on its four neighbours, nearer ones getting more.
    across = np.clip(1 - np.abs(steps[:, None] - along * np.cos(angle)), 0, None)
    down = np.clip(1 - np.abs(steps[:, None] - along * np.sin(angle)), 0, None)
    kernel = down @ across.T
    return (kernel / kernel.sum()).astype(np.float32)


def _exposure(generator, good):
    """Gain of each channel: brightness and the colour of the light."""
    stops = generator.normal(0.1, 0.2 if good else 0.35)
    extreme = 1.0 if good else generator.random()
    if extreme < 0.05:
        stops += generator.uniform(0.5, 1.3)
    elif extreme < 0.15:
        stops -= generator.uniform(0.8, 2.0)
    if generator.random() < 0.7:
        kelvin = np.exp(generator.normal(np.log(6000), 0.12))
    else:
        kelvin = generator.uniform(3200, 9500)
    tint = np.array([1, np.exp(generator.normal(0, 0.03)), 1])
    return (2**stops * white_point(float(kelvin)) * tint).astype(np.float32)


def white_point(kelvin: float) -> np.ndarray:
    """Returns the `(3,)` RGB gain of light of a colour temperature, green being 1.

    Planck's law at 610, 545 and 465 nm, seen by a camera that is set to 6000 K.

    Args:
        kelvin: Colour temperature.

    Example:

    >>> bool((abs(white_point(6000.0) - 1) < 1e-9).all())
    True
    """

    def radiance(temperature):
        return 1 / np.expm1(_C2_NM_K / (_RGB_NM * temperature))

    gain = radiance(kelvin) / radiance(6000.0)
    return gain / gain[1]


def _vignette(generator, height, width):
    x = np.linspace(-1, 1, width, dtype=np.float32) - np.float32(generator.normal(0, 0.3))
    y = np.linspace(-1, 1, height, dtype=np.float32) - np.float32(generator.normal(0, 0.3))
    squared = x[None, :] ** 2 + y[:, None] ** 2
    return (1 / (1 + np.float32(generator.uniform(0.05, 0.35)) * squared))[:, :, None]


def _develop(generator, light, good):
    """Tone curve and colours; 0 to 255, not yet rounded."""
    picture = np.sqrt(np.maximum(light, 0))
    if generator.random() < 0.5:
        # Bright parts saturate softly, as in a film or a telephone.
        shoulder = np.float32(generator.uniform(0.1, 0.6))
        picture = picture * (1 + shoulder) / (1 + shoulder * picture)
    else:
        picture = np.minimum(picture, 1)
    picture *= np.float32(255)
    contrast = generator.normal(1.0, 0.14) if generator.random() < 0.6 else 1.0
    middle = generator.uniform(80, 150)
    haze = 0.0 if good or generator.random() < 0.8 else generator.uniform(0, 30)
    colour = generator.uniform(0.5, 1.4) if generator.random() < 0.5 else 1.0
    matrix = contrast * (colour * np.eye(3) + (1 - colour) / 3)
    matrix += contrast * generator.normal(0, 0.012, (3, 3))
    offset = np.full(3, middle * (1 - contrast) + haze)
    return cv2.transform(picture, np.column_stack([matrix, offset]).astype(np.float32))


def _with_noise(generator, picture, level):
    """Shot and read noise, finer than the sensor's colours, with blotches of colour."""
    if level < 0.1:
        return picture
    height, width = picture.shape[:2]
    # In sRGB, shot noise is even and read noise grows towards the dark.
    brightness = np.clip(picture.mean(axis=2, keepdims=True), 8, 255)
    read = generator.uniform(0, 120)
    strength = level * (1 + np.float32(read) / (brightness + 20))
    channels = 3 if generator.random() < 0.5 else 1
    noise = generator.standard_normal((height, width, channels), np.float32)
    if generator.random() < 0.35:
        cells = width / generator.uniform(2, 6)
        noise = noise + smooth_noise(generator, width, height, cells, 3)
    return picture + strength * noise


def _enlarged(generator, picture):
    """A small picture that was enlarged."""
    height, width = picture.shape[:2]
    factor = generator.uniform(0.3, 0.8)
    small_size = (max(round(width * factor), 8), max(round(height * factor), 8))
    small = cv2.resize(picture, small_size, interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if generator.random() < 0.6 else cv2.INTER_CUBIC
    # With sizes instead of factors both steps keep the middle in the middle.
    return cv2.resize(small, (width, height), interpolation=way)


def _smoothed(generator, picture):
    """Noise reduction of a telephone: edges stay, pores and threads go."""
    strength = float(generator.uniform(8, 30))
    rounded = np.clip(picture, 0, 255).astype(np.uint8)
    return cv2.bilateralFilter(rounded, 5, strength, 2.0).astype(np.float32)


def _grey(generator, picture):
    """Grey, also as an infrared camera sees it: skin is bright there."""
    weights = (
        np.array([0.3, 0.59, 0.11]) if generator.random() < 0.6 else np.array([0.9, 0.2, -0.1])
    )
    return (picture @ weights.astype(np.float32))[:, :, None]
