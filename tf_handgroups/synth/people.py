"""People behind the hand: faces, clothes and bare skin, softly shaded.

Each picture is `(size, size, 3)` float32, sRGB in about [0, 255], meant to be blurred
and lit by the caller.
"""

import numpy as np

from tf_handgroups.synth.hand_texture import random_skin, smooth_noise
from tf_handgroups.synth.scenery import room, window_light
from tf_handgroups.synth.soft_shapes import paint_ellipsoid, paint_limb, random_light
from tf_handgroups.synth.texture_patterns import cloth, leaves, random_colour, rough, wall, wood

# Rough sRGB of hair: black, browns, red, blond, grey.
_HAIR = np.array(
    [[22, 20, 20], [44, 32, 26], [74, 52, 38], [112, 60, 36], [150, 116, 74], [110, 108, 106]]
)


def person(generator: np.random.Generator, size: int) -> np.ndarray:
    """Head and shoulders, near or far."""
    behind = (wall, room, window_light, leaves, rough)
    picture = behind[int(generator.choice(5, p=[0.35, 0.35, 0.1, 0.1, 0.1]))](generator, size)
    scale = np.exp(generator.uniform(np.log(0.25), np.log(1.1))) * size
    middle = np.array([generator.uniform(-0.1, 1.1), generator.uniform(0, 0.5)]) * size
    light, skin = random_light(generator), random_skin(generator).back * 255
    shirt = cloth(generator, size)
    shoulders = middle + np.array([0, 1.28 * scale])
    body = np.zeros((size, size, 1), np.float32)
    paint_ellipsoid(body, shoulders, (0.95 * scale, 0.62 * scale), 0.0, np.ones(1), light)
    below = np.add(shoulders, [[0, 0], [0, 4 * scale]])
    paint_limb(body, below, (0.9 * scale, 0.9 * scale), np.ones(1), light)
    cover = np.clip(body * 4, 0, 1)
    picture += (shirt * body - picture) * cover
    neck = np.add(middle, [[0, 0.2 * scale], [0, 0.68 * scale]])
    paint_limb(picture, neck, (0.17 * scale, 0.21 * scale), skin * 0.8, light)
    _head(generator, picture, middle, scale, skin, light)
    for _ in range(int(generator.integers(0, 3))):
        _limb(generator, picture, skin, light, scale)
    return picture


def torso(generator: np.random.Generator, size: int) -> np.ndarray:
    """Clothes right behind the hand, with arms, buttons, a collar or a zip."""
    picture = cloth(generator, size)
    light, skin = random_light(generator), random_skin(generator).back * 255
    middle = generator.uniform(0.2, 0.8) * size
    across = (np.arange(size, dtype=np.float32) - middle) / (0.6 * size)
    picture *= np.sqrt(np.clip(1 - 0.6 * across**2, 0.1, 1)).astype(np.float32)[None, :, None]
    trim = random_colour(generator)
    if generator.random() < 0.4:
        line = np.array([[middle, -5.0], [middle + generator.normal(0, 0.1 * size), size + 5.0]])
        width = generator.uniform(0.003, 0.02) * size
        paint_limb(picture, line, (width, width), trim, light)
        for place in np.arange(generator.uniform(0, 0.2), 1, generator.uniform(0.15, 0.35)):
            button = line[0] + place * (line[1] - line[0])
            radius = 0.018 * size
            paint_ellipsoid(picture, button, (radius, radius), 0.0, trim, light)
    if generator.random() < 0.35:
        radius = generator.uniform(0.15, 0.3) * size
        throat = np.array([middle, generator.uniform(-0.15, 0.02) * size])
        paint_ellipsoid(picture, throat, (radius * 1.1, radius * 1.3), 0.0, trim, light)
        paint_ellipsoid(picture, throat, (radius, radius * 1.2), 0.0, skin * 0.9, light)
    if generator.random() < 0.4:
        _limb(generator, picture, skin, light, size)
    return picture


def bare_skin(generator: np.random.Generator, size: int) -> np.ndarray:
    """Skin or skin-coloured things all over, so that colour tells nothing."""
    person_skin = random_skin(generator)
    light = random_light(generator)
    colour = (person_skin.back if generator.random() < 0.7 else person_skin.palm) * 255
    shade = 1 + 0.09 * smooth_noise(generator, size, size, generator.uniform(1.5, 4))
    if generator.random() < 0.35:
        shade = wood(generator, size) / 160
    picture = (colour * shade).astype(np.float32)
    for _ in range(int(generator.integers(0, 4))):
        _limb(generator, picture, colour * generator.uniform(0.8, 1.1), light, size)
    return picture


def _head(generator, picture, middle, scale, skin, light):
    hair = _HAIR[int(generator.integers(len(_HAIR)))] * generator.uniform(0.7, 1.2)
    turn = generator.normal(0, 0.15)
    look = generator.normal(0, 0.07) * scale
    crown = middle - [0, 0.07 * scale]
    paint_ellipsoid(picture, crown, (0.5 * scale, 0.4 * scale), np.pi / 2 + turn, hair, light)
    for side in (-1, 1):
        ear = np.add(middle, [side * 0.33 * scale, 0.02 * scale])
        paint_ellipsoid(picture, ear, (0.1 * scale, 0.06 * scale), np.pi / 2, skin * 0.85, light)
    face = np.add(middle, [look, 0.03 * scale])
    soft = max(0.03 * scale, 1)
    paint_ellipsoid(
        picture, face, (0.43 * scale, 0.33 * scale), np.pi / 2 + turn, skin, light, soft
    )
    for side in (-1, 1):
        eye = np.add(face, [side * 0.13 * scale + 0.5 * look, -0.06 * scale])
        socket = (0.075 * scale, 0.04 * scale)
        paint_ellipsoid(picture, eye, socket, turn, skin * 0.55, light, soft)
        paint_ellipsoid(picture, eye, (0.028 * scale, 0.028 * scale), 0.0, skin * 0.2, light)
        brow = np.add(eye, [[-0.07 * scale, -0.07 * scale], [0.07 * scale, -0.075 * scale]])
        paint_limb(picture, brow, (0.014 * scale, 0.014 * scale), hair, light)
    nose = np.add(face, [[0.5 * look, -0.04 * scale], [1.2 * look, 0.1 * scale]])
    paint_limb(picture, nose, (0.03 * scale, 0.05 * scale), skin * 1.03, light, soft)
    mouth = np.add(face, [0.6 * look, 0.24 * scale])
    lips = skin * [0.85, 0.6, 0.6]
    paint_ellipsoid(picture, mouth, (0.11 * scale, 0.032 * scale), turn, lips, light, 0.6 * soft)


def _limb(generator, picture, skin, light, scale):
    """An arm or a leg of two parts, perhaps in a sleeve."""
    size = picture.shape[0]
    radius = generator.uniform(0.06, 0.16) * scale
    angle = generator.uniform(0, 2 * np.pi)
    outwards = np.array([np.cos(angle), np.sin(angle)])
    # It comes from outside the picture, where the rest of the body would be.
    start = size / 2 + outwards * (0.72 * size + radius)
    direction = generator.normal(0, 0.25, 2) - outwards
    direction *= generator.uniform(0.35, 0.7) * max(scale, 0.6 * size)
    elbow = start + direction
    end = elbow + direction[::-1] * generator.choice([-1, 1]) + generator.normal(0, 0.1 * scale, 2)
    paint_limb(picture, np.stack([start, elbow]), (radius, 0.85 * radius), skin, light)
    paint_limb(picture, np.stack([elbow, end]), (0.85 * radius, 0.6 * radius), skin, light)
    if generator.random() < 0.5:
        sleeve = np.stack([start, start + 0.7 * direction])
        paint_limb(picture, sleeve, (1.2 * radius, 1.15 * radius), random_colour(generator), light)
