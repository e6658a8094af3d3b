"""What is worn on hand and arm."""

import dataclasses

import numpy as np
import pytest

from tf_handgroups.synth.hand_layout import MAP_SIZE, unrolled
from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.wear import (
    DRESSINGS,
    GLOVES,
    WRISTBANDS,
    Wear,
    cover_arm,
    paint_wear,
    put_on,
    random_wear,
)

LAYOUT = unrolled("webxr")
WRIST = LAYOUT.joints[0]


def blank():
    maps = np.full((2, *MAP_SIZE[::-1], 6), 0.6, np.float32)
    maps[..., 3] = 1
    return maps


def painted(wear, seed=0):
    maps = blank()
    paint_wear(np.random.default_rng(seed), maps, "webxr", wear)
    return maps


def at(maps, place):
    x, y = np.round(place).astype(int)
    return maps[:, y, x]


def lifted(wear):
    vertices = load_template("webxr").vertices_mm
    moved = put_on(np.random.default_rng(0), vertices, "webxr", wear)
    return np.linalg.norm(moved - vertices, axis=1)


def test_sleeve_covers_only_the_arm():
    material = np.full((4, 6), 0.6, np.float32)
    rows = WRIST[1] + np.array([0, 30, 42, 140])
    texels = np.stack([np.full(4, WRIST[0]), rows], axis=1).astype(np.float32)
    cover_arm(np.random.default_rng(0), material, texels, "webxr", Wear(sleeve_mm=40.0))
    np.testing.assert_allclose(material[:, 3], [0.6, 0.6, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(material[:2], np.float32(0.6))
    assert (material[2:, :3] != np.float32(0.6)).any()
    arm = LAYOUT.texels[:, 1] > WRIST[1] + 50
    moved = lifted(Wear(sleeve_mm=40.0))
    assert moved[arm].min() > 1 and not moved[LAYOUT.texels[:, 1] < WRIST[1]].any()


def test_bare_hand_stays_as_it_is():
    np.testing.assert_array_equal(painted(Wear()), blank())
    assert not lifted(Wear()).any()


@pytest.mark.parametrize("glove", GLOVES)
@pytest.mark.parametrize("fingerless", [False, True])
def test_glove_covers_the_hand_up_to_its_edge(glove, fingerless):
    maps = painted(Wear(glove=glove, glove_mm=20, fingerless=fingerless))
    hand = 0.5 * (WRIST + LAYOUT.joints[9])
    assert (at(maps, hand)[:, 3] == 0).all()
    assert (at(maps, np.add(WRIST, [0, 25]))[:, 3] == 1).all()
    for tip in (4, 8, 12, 16, 20):
        assert (at(maps, LAYOUT.joints[tip])[:, 3] == (1 if fingerless else 0)).all()


@pytest.mark.parametrize("band", WRISTBANDS)
def test_wristband_goes_round_the_wrist(band):
    maps = painted(Wear(wristband=band, wristband_mm=25))
    assert (at(maps, np.add(WRIST, [0, 25]))[:, 3] == 0).all()
    assert (at(maps, np.add(WRIST, [0, 4]))[:, 3] == 1).all()
    assert (maps[:, : int(WRIST[1])] == blank()[:, : int(WRIST[1])]).all()
    moved = lifted(Wear(wristband=band, wristband_mm=25))
    assert moved.max() > 1 and not moved[LAYOUT.texels[:, 1] < WRIST[1]].any()


def test_watch_has_its_dial_on_the_back():
    back, palm = painted(Wear(wristband="watch", wristband_mm=25))
    assert (back[..., 3] == 0).sum() > (palm[..., 3] == 0).sum() + 100


@pytest.mark.parametrize("finger", [1, 2, 3, 4])
def test_ring_shines_on_its_finger_only(finger):
    maps = painted(Wear(ring_finger=finger))
    joints = LAYOUT.joints
    for other in range(1, 5):
        place = 0.4 * joints[1 + 4 * other] + 0.6 * joints[2 + 4 * other]
        assert (at(maps, place)[:, 3] == (other != finger)).all()
        assert (at(maps, place)[:, 4] > 0.9).all() == (other == finger)
    assert 0.3 < lifted(Wear(ring_finger=finger)).max() < 1.0


@pytest.mark.parametrize("dressing", DRESSINGS)
def test_dressing_covers_some_skin_on_both_sides(dressing):
    for side in painted(Wear(dressing=dressing)):
        assert 50 < (side[..., 3] == 0).sum() < 0.5 * side[..., 3].size


def test_settings_decide_what_is_worn_and_nothing_else():
    none = SynthSettings(sleeve=0, glove=0, ring=0, watch=0)
    everything = SynthSettings(sleeve=1, glove=0, ring=1, watch=1)
    for seed in range(60):
        bare, dressed, gloved = (
            random_wear(np.random.default_rng(seed), settings)
            for settings in (none, everything, SynthSettings(glove=1))
        )
        assert bare.sleeve_mm is bare.ring_finger is bare.glove is bare.wristband is None
        assert dressed.sleeve_mm is not None and dressed.ring_finger is not None
        assert dressed.wristband is not None and dressed.glove is None
        assert gloved.glove in GLOVES and gloved.ring_finger is None
        one, two = (dataclasses.asdict(wear) for wear in (bare, dressed))
        for name in ("sleeve_slant", "glove_mm", "fingerless", "wristband_mm", "dressing"):
            assert one[name] == two[name]


def test_what_is_painted_is_reproducible():
    wear = Wear(sleeve_mm=30, ring_finger=3, wristband="beads", dressing="plaster")
    np.testing.assert_array_equal(painted(wear, 5), painted(wear, 5))
    assert (painted(wear, 5) != painted(wear, 6)).any()
