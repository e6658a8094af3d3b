"""Flat surfaces: walls, wood, cloth, tiles, carpets, leaves, print.

Each pattern is a `(size, size, 3)` float32 picture, sRGB in about [0, 255].
"""

import cv2
import numpy as np

from tf_handgroups.synth.hand_texture import smooth_noise

# Typical sRGB colours of woods, from light to dark.
_WOODS = np.array([[222, 196, 158], [196, 154, 104], [164, 112, 68], [116, 74, 46], [70, 46, 34]])


def random_colour(generator: np.random.Generator, saturation: float | None = None) -> np.ndarray:
    """Draws an `(3,)` sRGB colour in [0, 255]; most things are greyish.

    Args:
        generator: Source of randomness.
        saturation: In [0, 1]; drawn if `None`.

    Example:

    >>> red, green, blue = random_colour(np.random.default_rng(0), saturation=0.0)
    >>> bool(red == green == blue)
    True
    """
    saturation = generator.beta(1.0, 3.8) if saturation is None else saturation
    value = generator.beta(1.4, 1.0) * 230 + 15
    hue = generator.random(3)
    return value * (1 - saturation + saturation * hue / max(float(hue.max()), 1e-6))


def fractal_noise(
    generator: np.random.Generator,
    size: int,
    roughness: float = 0.6,
    stretch: float = 1.0,
    first_cells: float = 2.0,
) -> np.ndarray:
    """Returns `(size, size)` float32 noise of about unit deviation with detail at all scales.

    Args:
        generator: Source of randomness.
        size: Side in pixels.
        roughness: Strength of each octave over the one before.
        stretch: How much longer the grains are across the picture than down.
        first_cells: Independent values along the side in the coarsest octave.
    """
    total = np.zeros((size, size), np.float32)
    weight, power, cells = 1.0, 0.0, first_cells
    while cells < size:
        rows, columns = int(cells) + 2, int(cells / stretch) + 2
        grid = generator.standard_normal((rows, columns), np.float32)
        total += np.float32(weight) * cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        power += weight * weight
        weight *= roughness
        cells *= 2.2
    return total * np.float32(1.25 / np.sqrt(power))


def wall(generator: np.random.Generator, size: int) -> np.ndarray:
    """Plain paint or plaster under uneven light."""
    corners = generator.normal(1, 0.13, (2, 2)).astype(np.float32)
    light = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
    if generator.random() < 0.6:
        grain = fractal_noise(generator, size, generator.uniform(0.6, 1.0))
        light = light + np.float32(generator.uniform(0, 0.06)) * grain
    return _lit(random_colour(generator), light)


def rough(generator: np.random.Generator, size: int) -> np.ndarray:
    """Stone, earth, sand, concrete, carpet: detail at all scales."""
    cells = generator.uniform(2, 24)
    noise = fractal_noise(generator, size, generator.uniform(0.6, 1.05), first_cells=cells)
    tint = smooth_noise(generator, size, size, generator.uniform(2, 12), 3)
    strength = generator.uniform(0.03, 0.15)
    shade = 1 + np.float32(strength) * (noise[:, :, None] + np.float32(0.25) * tint)
    return _lit(random_colour(generator), shade)


def wood(generator: np.random.Generator, size: int) -> np.ndarray:
    """A table top or a floor of boards."""
    grain = fractal_noise(generator, size, 0.75, generator.uniform(8, 20), generator.uniform(6, 14))
    bend = smooth_noise(generator, size, size, 2.5)[:, :, 0]
    down = np.linspace(0, generator.uniform(3, 18), size, dtype=np.float32)[:, None]
    rings = np.sin(2 * np.pi * (down + np.float32(0.5) * bend))
    shade = 1 + np.float32(generator.uniform(0.04, 0.13)) * grain + np.float32(0.05) * rings
    if generator.random() < 0.6:
        board = max(int(size * generator.uniform(0.1, 0.4)), 2)
        index = (np.arange(size) + int(generator.integers(board))) // board
        shade *= generator.normal(1, 0.07, int(index[-1]) + 1)[index, None].astype(np.float32)
        shade[np.flatnonzero(np.diff(index))] *= np.float32(generator.uniform(0.4, 0.9))
    tone = generator.uniform(0, len(_WOODS) - 1.01)
    low = int(tone)
    colour = _WOODS[low] + (tone - low) * (_WOODS[low + 1] - _WOODS[low])
    picture = _lit(colour * generator.normal(1, 0.03, 3), shade)
    return tilted(generator, picture) if generator.random() < 0.5 else picture


def cloth(generator: np.random.Generator, size: int) -> np.ndarray:
    """Plain, striped, checked or knitted cloth with folds."""
    pattern = _lit(random_colour(generator), np.ones((size, size), np.float32))
    kind = generator.random()
    if kind < 0.5:
        across = _stripe_profile(generator, size)[None, :, None]
        down = across.transpose(1, 0, 2) if kind < 0.35 else np.float32(0)
        second = random_colour(generator).astype(np.float32)
        pattern += (second - pattern) * np.float32(0.5) * (across + down)
    elif kind < 0.65:
        pattern = _dots(generator, size, pattern)
    folds = smooth_noise(generator, size, size, generator.uniform(2, 6))[:, :, 0]
    shade = 1 + np.float32(generator.uniform(0.03, 0.2)) * folds
    if generator.random() < 0.7:
        period = generator.uniform(2, 6) * max(size / 160, 0.5)
        waves = np.cos(np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / period))
        strength = np.float32(generator.uniform(0.02, 0.12))
        shade += strength * waves[:, None] * (waves[None, :] if kind > 0.3 else 1)
    return pattern * shade[:, :, None]


def tiles(generator: np.random.Generator, size: int) -> np.ndarray:
    """Tiles, bricks, paving or a chequered floor, flat or in perspective."""
    wide = int(size * generator.uniform(0.06, 0.4)) + 2
    high = wide if generator.random() < 0.5 else max(int(wide * generator.uniform(0.3, 0.6)), 2)
    rows = np.arange(size) // high
    shift = (rows % 2) * (wide // 2) if high != wide else rows * 0
    columns = (np.arange(size)[None, :] + shift[:, None]) // wide
    tones = generator.normal(1, generator.uniform(0.01, 0.13), (rows[-1] + 1, columns.max() + 1))
    if generator.random() < 0.25:
        tones[(np.add.outer(*map(np.arange, tones.shape)) % 2) == 0] *= generator.uniform(0.2, 0.8)
    shade = tones[rows[:, None], columns].astype(np.float32)
    grout = max(round(wide * generator.uniform(0.02, 0.1)), 1)
    joint = ((np.arange(size) % high) < grout)[:, None] | (
        ((np.arange(size)[None, :] + shift[:, None]) % wide) < grout
    )
    shade += np.float32(generator.uniform(0, 0.1)) * fractal_noise(generator, size, 0.9)
    picture = _lit(random_colour(generator), shade)
    picture[joint] = random_colour(generator, 0.05)
    return tilted(generator, picture) if generator.random() < 0.6 else picture


def leaves(generator: np.random.Generator, size: int) -> np.ndarray:
    """Grass, bushes or trees, with sky or shade showing through."""
    green = np.array([generator.uniform(60, 150), generator.uniform(95, 165), 0.0])
    green[2] = green[0] * generator.uniform(0.35, 0.85)
    behind = np.array([225, 235, 245.0]) if generator.random() < 0.4 else green * 0.25
    far = fractal_noise(generator, size, 0.85, generator.choice([0.3, 1.0, 1.0, 2.0]), 4)
    near = fractal_noise(generator, size, 1.0, 1.0, generator.uniform(6, 20))
    picture = _lit(green, 0.8 + np.float32(generator.uniform(0.1, 0.25)) * np.clip(near, -1.8, 1.5))
    picture += np.float32(18) * far[:, :, None] * np.array([1, 0.7, 0.2], np.float32)
    gap = np.clip((far - np.float32(generator.uniform(0.4, 2.0))) * 3, 0, 1)[:, :, None]
    return picture + (behind.astype(np.float32) - picture) * gap


def stripes(generator: np.random.Generator, size: int) -> np.ndarray:
    """Blinds, panelling, corrugated sheet, curtains."""
    angle = generator.choice([0, np.pi / 2]) + generator.normal(0, 0.2)
    steps = np.arange(size, dtype=np.float32)
    along = steps[None, :] * np.float32(np.cos(angle)) + steps[:, None] * np.float32(np.sin(angle))
    period = np.exp(generator.uniform(np.log(size / 40), np.log(size / 3)))
    wander = smooth_noise(generator, size, size, 3)[:, :, 0] * np.float32(generator.uniform(0, 0.3))
    wave = np.sin(along * np.float32(2 * np.pi / period) + wander)
    wave = np.clip(wave * np.float32(generator.uniform(1, 5)), -1, 1)
    return _lit(random_colour(generator), 1 + np.float32(generator.uniform(0.05, 0.4)) * wave)


def printed_page(generator: np.random.Generator, size: int) -> np.ndarray:
    """A page or a screen full of lines of writing, seen at an angle."""
    paper = random_colour(generator, 0.08)
    if generator.random() < 0.6:
        paper = 255 - 0.3 * (255 - paper)
    ink = paper * 0.25 if paper.mean() > 110 else 255 - 0.4 * (255 - paper)
    line = max(int(size * generator.uniform(0.03, 0.09)), 3)
    rows = size // line
    letters = generator.random((rows, 96)) < 0.72
    letters &= np.arange(96)[None, :] < generator.integers(30, 97, rows)[:, None]
    letters &= np.arange(96)[None, :] >= 4
    small = np.zeros((rows * 2, 96), np.float32)
    small[::2] = letters * generator.uniform(0.4, 1.0, (rows, 96))
    mask = cv2.resize(small, (size, size), interpolation=cv2.INTER_AREA)[:, :, None]
    picture = paper.astype(np.float32) + (ink - paper).astype(np.float32) * mask
    return tilted(generator, picture)


def tilted(generator: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Shows a pattern turned and in perspective; it goes on, mirrored, at its ends."""
    size = picture.shape[0]
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    angle = generator.uniform(-np.pi, np.pi) if generator.random() < 0.5 else 0.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = corners @ turn * generator.uniform(0.6, 1.5)
    target[:2] *= [generator.uniform(0.4, 1), generator.uniform(0.5, 1)]
    source, target = ((points * 0.5 + 0.5) * size for points in (corners, target))
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    return cv2.warpPerspective(
        picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def _lit(colour, shade):
    shade = shade if shade.ndim == 3 else shade[:, :, None]
    return np.asarray(colour, np.float32) * shade.astype(np.float32, copy=False)


def _stripe_profile(generator, size):
    """Tartan: a repeated random sequence of bands along one axis, `(size,)` in [0, 1]."""
    bands = np.repeat(generator.random(6), generator.integers(1, 6, 6))
    band = max(size * generator.uniform(0.006, 0.03), 1.0)
    index = (np.arange(size) / band).astype(int) % len(bands)
    return bands[index].astype(np.float32)


def _dots(generator, size, picture):
    step = generator.uniform(0.06, 0.2) * size
    offsets = np.cos(np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / step))
    mask = np.clip((offsets[:, None] + offsets[None, :] - 1) * 4, 0, 1)[:, :, None]
    return picture + (random_colour(generator).astype(np.float32) - picture) * mask
