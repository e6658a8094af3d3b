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


def shade_one(normal, light=LIGHT, occlusion=1.0, lit=1.0, skin=1.0, albedo=0.5, gloss=0.0):
    column = np.ones((1, 1), np.float32)
    return shading.shade(
        np.array([[albedo, albedo, albedo, skin, gloss, 0]], np.float32),
        np.array([normal], np.float32),
        np.array([[0, 0, -1]], np.float32),
        occlusion * column,
        lit * column,
        light,
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


def test_highlight_only_on_skin_and_glossy_things():
    glossy = dataclasses.replace(LIGHT, gloss=0.2)
    np.testing.assert_allclose(
        shade_one([0, 0, -1], glossy) - shade_one([0, 0, -1]), 0.2, rtol=1e-4
    )
    np.testing.assert_allclose(shade_one([0, 0, -1], glossy, skin=0.0), 0.3, rtol=1e-4)
    assert (shade_one([0, 0, -1], glossy, skin=0.0, gloss=0.4) > 0.4).all()


def test_bright_light_is_compressed_not_clipped():
    bright = dataclasses.replace(LIGHT, lamp=np.full(3, 4, np.float32))
    light, lighter = (shade_one([0, 0, -1], bright, albedo=a) for a in (0.6, 0.8))
    assert (0.6 < light).all() and (light < lighter).all() and (lighter < 1).all()


def test_second_lamp_lights_what_the_first_does_not():
    filled = dataclasses.replace(
        LIGHT,
        fill_direction=np.array([1, 0, 0], np.float32),
        fill=np.array([0.5, 0, 0], np.float32),
    )
    difference = shade_one([1, 0, 0], filled) - shade_one([1, 0, 0])
    np.testing.assert_allclose(difference, [0.125, 0, 0], atol=1e-6)
    np.testing.assert_allclose(shade_one([-1, 0, 0], filled), shade_one([-1, 0, 0]))


def test_lamp_behind_makes_edges_of_skin_glow_red():
    behind = dataclasses.replace(LIGHT, direction=np.array([0, 0, 1], np.float32))
    skin, cloth = (shade_one([1, 0, 0], behind, skin=share) for share in (1.0, 0.0))
    assert skin[0] > cloth[0] + 0.05
    assert skin[0] - cloth[0] > 3 * (skin[2] - cloth[2])


def test_normals_lean_away_from_a_painted_ridge():
    """A ridge along the rows; by hand: slope 0.2 per pixel at 2 px per mm is 0.4."""
    rows, columns = (grid.ravel() for grid in np.mgrid[5:12, 3:12])
    height = 0.2 * (4 - np.abs(columns - 7.0))
    flat = np.tile(np.array([0, 0, -1], np.float32), (len(rows), 1))
    tilted = shading.tilt_normals(flat, height.astype(np.float32), rows, columns, 2.0)
    at = {(r, c): n for r, c, n in zip(rows, columns, tilted, strict=True)}
    expected = np.array([-0.4, 0, -1]) / np.hypot(0.4, 1)
    np.testing.assert_allclose(at[8, 5], expected, atol=1e-5)
    np.testing.assert_allclose(at[8, 9], expected * [-1, 1, 1], atol=1e-5)
    np.testing.assert_allclose(at[8, 7], [0, 0, -1], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(tilted, axis=1), 1, atol=1e-5)


def test_normals_do_not_tilt_at_the_outline():
    """Beyond the outline there is no height, which is no cliff."""
    rows, columns = (grid.ravel() for grid in np.mgrid[0:4, 0:4])
    flat = np.tile(np.array([0, 0, -1], np.float32), (len(rows), 1))
    raised = np.full(len(rows), 3, np.float32)
    np.testing.assert_array_equal(shading.tilt_normals(flat, raised, rows, columns, 2.0), flat)


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


def test_rounded_finger_has_no_dark_outline():
    columns = np.arange(-30, 31, dtype=np.float32)
    rise = np.sqrt(np.maximum(20.0**2 - columns**2, 0))
    depth = np.tile(400 - rise, (60, 1)).astype(np.float32)
    mask = np.tile((np.abs(columns) < 20).astype(np.float32), (60, 1))
    free, _ = shading.depth_cues(depth, mask, LIGHT, px_per_mm=1.0)
    assert free[mask > 0].min() > 0.95


def test_half_resolution_cues_are_not_shifted():
    """A scene that is its own mirror picture gives cues that are."""
    columns = np.arange(64) - 31.5
    step = np.where(np.abs(columns) < 9, 380, 400).astype(np.float32)
    for size in (64, 62):
        cut = (64 - size) // 2
        depth = np.zeros((64, 64), np.float32)
        depth[:, cut : 64 - cut] = step[cut : 64 - cut]
        mask = (depth > 0).astype(np.float32)
        for turn in (lambda image: image, np.transpose):
            free, lit = shading.soft_depth_cues(turn(depth), turn(mask), LIGHT, 1.0)
            assert free.min() < 0.9
            np.testing.assert_allclose(turn(free), turn(free)[:, ::-1], atol=1e-5)
            np.testing.assert_allclose(turn(lit), turn(lit)[:, ::-1], atol=1e-5)


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


def test_maps_go_on_to_and_fro_beyond_their_lower_edge():
    """Rows count up to 40; the last twelve are read backwards, then forwards again."""
    rows = np.arange(41, dtype=np.float32)[:, None, None]
    maps = np.broadcast_to(rows, (2, 41, 8, 6)).copy()
    texels = np.array([[3, 30], [3, 40], [3, 45], [3, 52], [3, 60], [3, 64]], np.float32)
    found = shading.look_up(maps, texels, np.ones((6, 1), np.float32))[:, 0]
    np.testing.assert_allclose(found, [30, 40, 35, 28, 36, 40], atol=1e-4)


def test_lights_vary():
    lights = [shading.random_light(np.random.default_rng(seed)) for seed in range(100)]
    contrast = np.array([light.lamp.mean() / light.sky.mean() for light in lights])
    assert contrast.min() < 0.5 and contrast.max() > 2
    assert np.array([light.direction for light in lights]).std(axis=0).min() > 0.3


def test_everyday_light_is_neither_dim_nor_harsh():
    def skies(everyday):
        lights = [
            shading.random_light(np.random.default_rng(seed), everyday) for seed in range(300)
        ]
        return np.array([(light.sky.mean(), light.lamp.mean()) for light in lights])

    usual, all_kinds = skies(True), skies(False)
    assert usual[:, 0].min() > 1.5 * all_kinds[:, 0].min()
    assert usual[:, 1].max() < all_kinds[:, 1].max()
