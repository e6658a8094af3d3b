"""Procedural pictures behind the hand, from plain walls to cluttered rooms.

Skin-coloured blobs (faces, arms) and textures are part of them, so that neither
colour nor smoothness gives the hand away.
"""

import cv2
import numpy as np

from tf_handgroups.synth.hand_texture import random_skin, smooth_noise

_SHIFT = 4
_ONE = 1 << _SHIFT


def _colour(generator, saturation=None):
    """Draws an RGB colour in [0, 255]; most things are greyish."""
    saturation = generator.beta(1.0, 3.0) if saturation is None else saturation
    value = generator.beta(1.2, 1.2) * 235 + 10
    hue = generator.random(3)
    hue = hue / max(hue.max(), 1e-6)
    return np.clip(value * (1 - saturation + saturation * hue), 0, 255)


def _as_tuple(colour):
    return tuple(float(channel) for channel in colour)


def _gradient(generator, size):
    corners = np.stack([_colour(generator) for _ in range(2)])
    mix = np.clip(generator.normal(0.5, 0.35, (2, 2, 1)), 0, 1)
    grid = (corners[0] * mix + corners[1] * (1 - mix)).astype(np.float32)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_LINEAR)


def _textured(generator, size):
    image = _gradient(generator, size)
    base = generator.uniform(3, 12)
    strength = generator.uniform(3, 28)
    for octave in range(4):
        noise = smooth_noise(generator, size, size, base * 2.4**octave)
        image += np.float32(strength * 0.75**octave) * noise
    tint = smooth_noise(generator, size, size, base, 3)
    image += np.float32(generator.uniform(0, 0.6) * strength) * tint
    return image


def _stripes(generator, size):
    angle = generator.uniform(0, np.pi)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    period = np.exp(generator.uniform(np.log(size / 40), np.log(size / 3)))
    phase = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)
    wave = np.sin(phase)
    if generator.random() < 0.6:
        wave = np.clip(wave * 6, -1, 1)
    if generator.random() < 0.4:
        second = (x * np.sin(angle) - y * np.cos(angle)) * (2 * np.pi / period)
        wave = wave * np.clip(np.sin(second) * 6, -1, 1)
    mix = (0.5 + 0.5 * wave)[:, :, None].astype(np.float32)
    first, second = (_colour(generator).astype(np.float32) for _ in range(2))
    return first + mix * (second - first)


def _shelves(generator, size):
    """Rows of boxes on shelves, or a wall with windows, doors and posters."""
    image = _gradient(generator, size)
    top = generator.uniform(-0.2, 0.1) * size
    palette = [_colour(generator, generator.uniform(0, 0.9)) for _ in range(6)]
    while top < size:
        height = generator.uniform(0.12, 0.4) * size
        left = generator.uniform(-0.2, 0) * size
        while left < size:
            width = generator.uniform(0.03, 0.22) * size
            item = generator.uniform(0.3, 0.95) * height
            colour = palette[generator.integers(6)] * generator.uniform(0.6, 1.15)
            corner = (int(left), int(top + height - item))
            end = (int(left + width * generator.uniform(0.6, 1)), int(top + height - 2))
            cv2.rectangle(image, corner, end, _as_tuple(colour), -1)
            if generator.random() < 0.5:
                middle = (corner[0], (corner[1] + end[1]) // 2)
                colour = palette[generator.integers(6)]
                cv2.rectangle(image, middle, end, _as_tuple(colour), -1)
            left += width
        edge = int(top + height)
        dark = _as_tuple(_colour(generator) * 0.7)
        cv2.rectangle(image, (0, edge - 2), (size, edge + int(0.03 * size)), dark, -1)
        top += height + 0.03 * size
    return image


def _room(generator, size):
    image = _gradient(generator, size)
    for _ in range(int(generator.integers(2, 9))):
        centre = generator.uniform(-0.1, 1.1, 2) * size
        half = np.exp(generator.uniform(np.log(0.04), np.log(0.6), 2)) * size
        angle = generator.normal(0, 6)
        corners = cv2.boxPoints((_as_tuple(centre), _as_tuple(half), float(angle)))
        corners += generator.normal(0, 0.02 * size, (4, 2))
        points = np.round(corners * _ONE).astype(np.int32)
        cv2.fillPoly(image, [points], _as_tuple(_colour(generator)), cv2.LINE_AA, _SHIFT)
        if generator.random() < 0.4:
            line = _as_tuple(_colour(generator))
            thick = int(generator.integers(1, 4))
            cv2.polylines(image, [points], True, line, thick, cv2.LINE_AA, _SHIFT)
    return image


def _person(generator, size):
    """A blurred torso and face behind the hand."""
    image = _room(generator, size) if generator.random() < 0.5 else _textured(generator, size)
    scale = generator.uniform(0.25, 0.7) * size
    centre = np.array([generator.uniform(-0.1, 1.1) * size, generator.uniform(-0.1, 0.5) * size])
    shirt, skin = _colour(generator), random_skin(generator).back * 255
    hair = _colour(generator, 0.3) * 0.45
    body = (int(centre[0]), int(centre[1] + 1.75 * scale))
    cv2.ellipse(image, body, (int(1.1 * scale), int(1.1 * scale)), 0, 0, 360, _as_tuple(shirt), -1)
    neck = (int(centre[0]), int(centre[1] + 0.5 * scale))
    cv2.ellipse(
        image, neck, (int(0.2 * scale), int(0.4 * scale)), 0, 0, 360, _as_tuple(skin * 0.85), -1
    )
    head = (int(centre[0]), int(centre[1] - 0.08 * scale))
    cv2.ellipse(image, head, (int(0.42 * scale), int(0.52 * scale)), 0, 0, 360, _as_tuple(hair), -1)
    face = tuple(int(c) for c in centre)
    cv2.ellipse(image, face, (int(0.35 * scale), int(0.45 * scale)), 0, 0, 360, _as_tuple(skin), -1)
    for side in (-1, 1):
        eye = (int(centre[0] + side * 0.15 * scale), int(centre[1] - 0.06 * scale))
        axes = (max(int(0.05 * scale), 1), max(int(0.025 * scale), 1))
        cv2.ellipse(image, eye, axes, 0, 0, 360, _as_tuple(skin * 0.3), -1)
    mouth = (int(centre[0]), int(centre[1] + 0.22 * scale))
    axes = (max(int(0.1 * scale), 1), max(int(0.025 * scale), 1))
    cv2.ellipse(image, mouth, axes, 0, 0, 360, _as_tuple(skin * [0.75, 0.5, 0.5]), -1)
    return cv2.GaussianBlur(image, (0, 0), float(generator.uniform(0.5, 5)))


def _add_clutter(generator, image):
    size = image.shape[0]
    for _ in range(int(generator.integers(1, 14))):
        kind = generator.random()
        colour = _as_tuple(_colour(generator, 0.8 * generator.random()))
        centre = tuple(int(c) for c in generator.uniform(0, size, 2))
        if kind < 0.3:
            axes = tuple(int(a) for a in generator.uniform(0.02, 0.25, 2) * size + 1)
            turn = float(generator.uniform(0, 180))
            cv2.ellipse(image, centre, axes, turn, 0, 360, colour, -1, cv2.LINE_AA)
        elif kind < 0.6:
            end = tuple(int(c) for c in generator.uniform(0, size, 2))
            cv2.line(image, centre, end, colour, int(generator.integers(1, 7)), cv2.LINE_AA)
        elif kind < 0.75:
            points = generator.uniform(-0.2, 0.2, (int(generator.integers(3, 7)), 2)) * size
            points = np.round((points + centre) * _ONE).astype(np.int32)
            cv2.fillPoly(image, [points], colour, cv2.LINE_AA, _SHIFT)
        else:
            text = "".join(
                chr(c) for c in generator.integers(48, 123, int(generator.integers(2, 9)))
            )
            scale = float(generator.uniform(0.3, 1.6) * size / 192)
            cv2.putText(
                image, text, centre, int(generator.integers(0, 8)), scale, colour, 1, cv2.LINE_AA
            )


def _add_skin_blobs(generator, image):
    """Arm- and finger-like strokes in a skin colour with soft shading across."""
    size = image.shape[0]
    skin = random_skin(generator).back * 255
    for _ in range(int(generator.integers(1, 5))):
        start = generator.uniform(-0.1, 1.1, 2) * size
        points = start + np.cumsum(generator.normal(0, 0.16 * size, (4, 2)), axis=0)
        points = np.round(points * _ONE).astype(np.int32)
        thick = int(max(2, generator.uniform(0.04, 0.22) * size))
        for step in range(3):
            shade = skin * (0.7 + 0.15 * step) * generator.uniform(0.95, 1.05)
            width = max(1, int(thick * (1 - 0.28 * step)))
            cv2.polylines(image, [points], False, _as_tuple(shade), width, cv2.LINE_AA, _SHIFT)
    return image


def random_background(generator: np.random.Generator, size: int) -> np.ndarray:
    """Draws a background.

    Args:
        generator: Source of randomness.
        size: Side in pixels.

    Returns:
        `(size, size, 3)` float32 sRGB in [0, 255].

    Example:
    >>> random_background(np.random.default_rng(0), 64).shape
    (64, 64, 3)
    """
    makers = (_gradient, _textured, _stripes, _shelves, _room, _person)
    maker = makers[int(generator.choice(6, p=[0.17, 0.14, 0.05, 0.20, 0.22, 0.22]))]
    image = np.ascontiguousarray(maker(generator, size), np.float32)
    if generator.random() < 0.45:
        _add_clutter(generator, image)
    if generator.random() < 0.25:
        _add_skin_blobs(generator, image)
    if generator.random() < 0.6:
        blur = np.exp(generator.uniform(np.log(0.4), np.log(5.0))) * size / 192
        image = cv2.GaussianBlur(image, (0, 0), float(blur))
    if generator.random() < 0.5:
        image += np.float32(generator.uniform(1, 7)) * smooth_noise(generator, size, size, size / 3)
    if generator.random() < 0.5:
        fall = 1 + generator.uniform(0.05, 0.3) * smooth_noise(generator, size, size, 2)
        image *= fall.astype(np.float32)
    return np.clip(image, 0, 255)
