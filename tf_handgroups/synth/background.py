"""Pictures behind the hand, from plain walls to cluttered rooms, drawn or photographed.

Skin colours, faces and smooth bodies are part of them, so that neither colour nor
smoothness gives the hand away.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from tf_handgroups.synth import clutter, people, scenery
from tf_handgroups.synth import texture_patterns as patterns
from tf_handgroups.synth.hand_texture import smooth_noise
from tf_handgroups.synth.photographs import load_photographs, random_cutout

# How often each kind of drawn background is chosen, in percent.
_SHARES: dict[Callable[[np.random.Generator, int], np.ndarray], float] = {
    clutter.full_shelves: 18,
    patterns.wall: 13,
    patterns.rough: 6,
    patterns.wood: 6,
    patterns.cloth: 5,
    patterns.tiles: 4,
    patterns.leaves: 4,
    patterns.stripes: 3,
    patterns.printed_page: 2,
    scenery.room: 13,
    scenery.window_light: 5,
    scenery.desk: 8,
    scenery.screen: 3,
    scenery.street: 4,
    scenery.bokeh: 3,
    people.person: 8,
    people.torso: 5,
    people.bare_skin: 4,
}
_MAKERS = tuple(_SHARES)
_UP_TO = np.cumsum(tuple(_SHARES.values())) / sum(_SHARES.values())


def random_background(
    generator: np.random.Generator,
    size: int,
    photo_share: float,
    photographs: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Draws a background.

    Args:
        generator: Source of randomness.
        size: Side in pixels.
        photo_share: How often it is cut out of a photograph, in [0, 1].
        photographs: `(height, width, 3)` uint8 RGB pictures; those of the package if
            `None`, see `load_photographs`.

    Returns:
        `(size, size, 3)` float32 sRGB in [0, 255].

    Example:

    >>> random_background(np.random.default_rng(0), 64, 0.5).shape
    (64, 64, 3)
    """
    if generator.random() < photo_share:
        photographs = load_photographs() if photographs is None else photographs
        photograph = photographs[int(generator.integers(len(photographs)))]
        picture = random_cutout(generator, photograph, size)
    else:
        maker = _MAKERS[int(np.searchsorted(_UP_TO, generator.random(), side="right"))]
        picture = maker(generator, size)
        if generator.random() < 0.3 and maker is not patterns.wall:
            picture = _calmed(generator, picture)
    if generator.random() < 0.35:
        picture = clutter.scatter(generator, picture)
    if generator.random() < 0.45:
        blur = np.exp(generator.uniform(np.log(0.4), np.log(4.0))) * size / 192
        picture = cv2.GaussianBlur(picture, (0, 0), float(blur))
    return np.clip(_lit(generator, picture), 0, 255)


def _calmed(generator: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Less contrast, as in haze or in the far."""
    mean = picture.mean(axis=(0, 1))
    return mean + (picture - mean) * np.float32(generator.uniform(0.3, 0.8))


def _lit(generator: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Uneven light, shadows, dark scenes."""
    size = picture.shape[0]
    kind = generator.random()
    if kind < 0.4:
        fall = 1 + generator.uniform(0.05, 0.25) * smooth_noise(generator, size, size, 2)
        picture = picture * fall.astype(np.float32)
    elif kind < 0.55:
        edge = _shadow_edge(generator, size)
        picture = picture * (1 - np.float32(generator.uniform(0.2, 0.7)) * edge[:, :, None])
    if generator.random() < 0.08:
        picture = picture * np.float32(generator.uniform(0.15, 0.5))
    return picture


def _shadow_edge(generator, size):
    """`(size, size)` in [0, 1]: 1 on the side that lies in a shadow."""
    angle = generator.uniform(0, 2 * np.pi)
    steps = np.arange(size, dtype=np.float32) / size - np.float32(0.5)
    across = steps[None, :] * np.float32(np.cos(angle)) + steps[:, None] * np.float32(np.sin(angle))
    wide = np.exp(generator.uniform(np.log(0.01), np.log(0.3)))
    return np.clip((across - generator.uniform(-0.3, 0.3)) / wide + 0.5, 0, 1).astype(np.float32)
