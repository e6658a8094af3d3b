"""Light on skin."""

import dataclasses

import numpy as np

from tf_handgroups.synth import shading

LIGHT = shading.Light(
    direction=np.array([0, 0, -1], np.float32),
    lamp=np.ones(3, np.float32),
    sky=np.full(3, 0.2, np.float32),
    ground=np.full(3, 0.2, np.float32),
    shadow=1.0,
    occlusion=1.0,
    gloss=0.0,
    sharpness=10.0,
)


def shade_one(normal, light=LIGHT, occlusion=1.0, lit=1.0, skin=1.0, albedo=0.5):
    column = np.ones((1, 1), np.float32)
    return shading.shade(
        np.full((1, 3), albedo, np.float32),
        np.array([normal], np.float32),
        np.array([[0, 0, -1]], np.float32),
        occlusion * column,
        lit * column,
        light,
        skin * column,
    )[0]


def test_facing_surface_by_hand():
    # Reflectance 0.5 squared, times lamp 1 plus sky 0.2.
    np.testing.assert_allclose(shade_one([0, 0, -1]), 0.25 * 1.2, rtol=1e-5)


def test_brightness_falls_with_the_angle_and_reddens():
    facing, edge, away = (shade_one(n) for n in ([0, 0, -1], [1, 0, 0], [0, 0, 1]))
    assert (facing > edge).all() and (edge >= away).all()
    assert edge[0] > edge[2]
    np.testing.assert_allclose(away, 0.25 * 0.2, rtol=1e-5)


def test_shadow_and_occlusion_darken():
    free = shade_one([0, 0, -1])
    assert (shade_one([0, 0, -1], lit=0.0) < 0.5 * free).all()
    assert (shade_one([0, 0, -1], occlusion=0.0) < free).all()


def test_highlight_only_on_skin():
    glossy = dataclasses.replace(LIGHT, gloss=0.2)
    np.testing.assert_allclose(
        shade_one([0, 0, -1], glossy) - shade_one([0, 0, -1]), 0.2, rtol=1e-4
    )
    np.testing.assert_allclose(shade_one([0, 0, -1], glossy, skin=0.0), 0.3, rtol=1e-4)


def test_depth_cues_find_a_groove_and_a_cast_shadow():
    # A floor at 400 mm, a block 20 mm higher on the left; the lamp stands left.
    depth = np.full((80, 80), 400, np.float32)
    depth[:, :30] = 380
    mask = np.ones_like(depth)
    light = dataclasses.replace(
        LIGHT, direction=np.array([-0.8, 0, -0.6], np.float32), occlusion=1.0
    )
    free, lit = shading.depth_cues(depth, mask, light, px_per_mm=1.0)
    assert free[40, 32] < free[40, 70] - 0.1  # the foot of the step is darker
    assert lit[40, 36] < 0.5  # within the block's shadow
    assert lit[40, 75] > 0.9 and lit[40, 15] > 0.9


def test_flat_surface_is_free_and_lit():
    depth = np.full((40, 40), 500, np.float32)
    free, lit = shading.depth_cues(depth, np.ones_like(depth), LIGHT, px_per_mm=1.0)
    np.testing.assert_allclose(free, 1, atol=1e-3)
    np.testing.assert_allclose(lit, 1, atol=1e-3)


def test_skin_is_looked_up_bilinearly_and_mixed():
    ramp = np.linspace(0, 1, 11, dtype=np.float32)
    back = np.repeat(np.broadcast_to(ramp, (5, 11))[..., None], 3, axis=2)
    maps = np.stack([back, np.zeros_like(back)])
    texels = np.array([[2.5, 1], [10, 4], [4, 2]], np.float32)
    found = shading.look_up(maps, texels, np.array([[1], [1], [0.5]], np.float32))
    np.testing.assert_allclose(found[:, 0], [0.25, 1.0, 0.2], atol=0.02)


def test_lights_vary():
    lights = [shading.random_light(np.random.default_rng(seed)) for seed in range(100)]
    contrast = np.array([light.lamp.mean() / light.sky.mean() for light in lights])
    assert contrast.min() < 0.5 and contrast.max() > 2
    assert np.array([light.direction for light in lights]).std(axis=0).min() > 0.3
