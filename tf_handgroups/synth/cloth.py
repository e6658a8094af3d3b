"""Cloth, leather and rubber: colour and height as functions of a place on the arm or hand."""

import cv2
import numpy as np

from tf_handgroups.synth.hand_layout import smooth_noise

FABRICS = ("plain", "stripes", "rings", "plaid", "knit", "denim", "fleece", "dots")

_NOISE_SIDE = 128


def fabric(
    generator: np.random.Generator, kind: str, across_mm: np.ndarray, along_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draws one piece of cloth.

    Args:
        generator: Source of randomness for colours and sizes.
        kind: One of `FABRICS`.
        across_mm: `(...)` place round the arm.
        along_mm: `(...)` place along the arm.

    Returns:
        `(..., 3)` float32 sRGB in [0, 1] and `(...)` float32 height in mm.

    Example:
    >>> colour, height = fabric(np.random.default_rng(0), "knit", np.ones(5), np.arange(5))
    >>> colour.shape, height.shape
    ((5, 3), (5,))
    """
    across, along = np.asarray(across_mm, np.float32), np.asarray(along_mm, np.float32)
    base, other = _colour(generator), _colour(generator)
    period = np.float32(2 * np.pi / generator.uniform(5, 24))
    duty = np.float32(generator.uniform(-0.5, 0.7))
    weave = np.float32(2 * np.pi / generator.uniform(2.6, 5.0))
    height = np.zeros(across.shape, np.float32)
    mix = np.zeros(across.shape, np.float32)
    grey = np.ones(across.shape, np.float32)
    if kind == "stripes":
        mix = _sharp(np.sin(across * period) - duty)
    elif kind == "rings":
        mix = _sharp(np.sin(along * period) - duty)
    elif kind == "plaid":
        mix = 0.5 * (_sharp(np.sin(along * period) - duty) + _sharp(np.sin(across * period) - duty))
        grey -= 0.4 * _sharp(np.sin(across * period * 0.5) - 0.93)
    elif kind == "knit":
        stitch = np.abs(np.sin(across * weave * 0.5))
        slanted = np.abs(np.sin(along * weave * 0.6 + np.abs(np.sin(across * weave * 0.5))))
        height = 0.7 * stitch + 0.35 * slanted
        grey = 0.72 + 0.2 * stitch + 0.1 * slanted
        mix = _sharp(np.sin(along * period) - 0.9)
    elif kind == "denim":
        blue = np.array([0.16, 0.24, 0.40]) * generator.uniform(0.5, 1.9)
        base = np.clip(blue, 0.02, 0.8).astype(np.float32)
        grey += 0.1 * np.sin((across + along) * weave)
        grey += 0.12 * _noise(generator, across, along, 9.0)
    elif kind == "fleece":
        fluff = _noise(generator, across, along, 3.5)
        grey += 0.12 * fluff
        height = 0.4 * fluff
    elif kind == "dots":
        mix = _sharp(np.sin(along * period) * np.sin(across * period) - 0.55)
    # Channel after channel, because broadcasting over a short last axis is slow.
    colour = np.multiply.outer(other - base, mix)
    colour += base.reshape(3, *(1,) * mix.ndim)
    colour *= grey
    colour = np.moveaxis(np.clip(colour, 0, 1), 0, -1)
    return colour.astype(np.float32), height.astype(np.float32)


def folds(
    generator: np.random.Generator, across_mm: np.ndarray, along_mm: np.ndarray, depth_mm: float
) -> np.ndarray:
    """Returns `(...)` float32 heights of folds that run round an arm, about +-`depth_mm`.

    Example:
    >>> place = np.arange(6.0)
    >>> folds(np.random.default_rng(0), place, place, 2.0).shape
    (6,)
    """
    across, along = np.asarray(across_mm, np.float32), np.asarray(along_mm, np.float32)
    wander = _noise(generator, across, along, generator.uniform(25, 50))
    slant = np.float32(generator.uniform(-0.6, 0.6))
    period = np.float32(2 * np.pi / generator.uniform(14, 34))
    wave = np.sin((along + slant * across + 9 * wander) * period)
    strength = 0.5 + 0.5 * np.tanh(_noise(generator, across, along, 40.0))
    return (depth_mm * wave * strength).astype(np.float32)


def _colour(generator):
    """Much cloth is black, grey, white or blue; some of it is colourful."""
    value = generator.uniform(0.04, 0.93)
    tint = generator.normal(0, 0.03 + 0.17 * (generator.random() < 0.55), 3)
    return np.clip(value + tint, 0.02, 0.95).astype(np.float32)


def _sharp(value):
    """0 below zero, 1 above, with a soft edge."""
    return np.clip(value * 5 + 0.5, 0, 1)


def _noise(generator, across, along, period_mm):
    """`(...)` float32 smooth noise of about unit deviation at the places."""
    side = _NOISE_SIDE
    grid = smooth_noise(generator, side, side, side / 8)[:, :, 0]
    scale = np.float32(8 / period_mm)
    shape, fold = across.shape, 256
    rows = max(1, -(-across.size // fold))
    places = np.zeros((2, rows * fold), np.float32)
    places[0, : across.size] = np.mod(across.ravel() * scale, side - 1)
    places[1, : across.size] = np.mod(along.ravel() * scale, side - 1)
    x, y = places.reshape(2, rows, fold)
    found = cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.ravel()[: across.size].reshape(shape)
