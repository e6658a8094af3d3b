"""What is kept of a look at scenes: errors as `evaluate` has them, presence, side, the worst."""

import dataclasses

import numpy as np
import pytest

from benchmarks import error_breakdown_hands as module
from benchmarks.error_breakdown_hands import FIRST_SEED, errors_of, look_at_scenes, scenes_of
from tests.breakdown_case import made_up, some_scenes, stand_in
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import evaluate
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.render import draw_occluder, render_sample, sample_of_scene
from tf_handgroups.synth.scene import draw_scene
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.write_shards import SEED_STRIDE

SETTINGS = SynthSettings(negatives=0.4, occluder=0.5)


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(seed, 64, SETTINGS) for seed in range(24)]


@pytest.fixture(scope="module")
def looked(scenes):
    return look_at_scenes(stand_in(), iter(scenes))


@pytest.fixture(scope="module")
def shown(scenes):
    return [scene for scene in scenes if scene.presence]


def predicted(scene, side):
    sample = sample_of_scene(scene)
    return stand_in().predict(read_image(sample.image), [sample.box_px], [side])[0]


def test_scenes_are_those_of_a_set_that_nobody_trains_on():
    settings = SynthSettings()
    scenes = list(scenes_of(3, FIRST_SEED, settings))
    assert [scene.seed for scene in scenes] == [FIRST_SEED + index for index in range(3)]
    assert scenes[0].settings == settings and scenes[0].image_size == 192
    assert FIRST_SEED == 80 * SEED_STRIDE


def test_errors_are_those_of_evaluate():
    samples = [render_sample(seed, 64, SynthSettings(negatives=0)) for seed in range(5)]
    hidden = np.arange(21) == 8
    samples[0] = dataclasses.replace(samples[0], visible=~hidden)
    hands = [
        stand_in().predict(read_image(one.image), [one.box_px], [one.handedness])[0]
        for one in samples
    ]
    for sample, hand in zip(samples, hands, strict=True):
        answer = {"uv_px": hand.uv_px, "z_rel": hand.z_rel}
        report = evaluate(lambda batch, answer=answer: [answer], [sample], "procrustes").report
        errors_box, pa_mm = errors_of(sample, hand)
        assert np.nanmean(errors_box) == pytest.approx(report["errors_2d"]["epe_box"], abs=1e-5)
        np.testing.assert_array_equal(np.isnan(errors_box), ~sample.visible)
        truth = report["errors_3d"]["procrustes"]["mpjpe_mm"]
        assert pa_mm == pytest.approx(truth, abs=1e-4) and pa_mm > 3


def test_every_hand_has_a_row_in_the_order_of_the_scenes(scenes, shown, looked):
    assert looked.facts.num_scenes == 24 and 8 < len(shown) < 22
    assert looked.facts.families == [scene.hand.family for scene in shown]
    assert looked.everyday.tolist() == [scene.everyday for scene in shown]
    occluded = [draw_occluder(scene) is not None for scene in shown]
    assert looked.occluded.tolist() == occluded and 0 < sum(occluded) < len(occluded)
    for row, scene in enumerate(shown):
        sample = sample_of_scene(scene)
        hand = predicted(scene, sample.handedness)
        assert looked.presences[row] == hand.presence
        errors_box, pa_mm = errors_of(sample, hand)
        np.testing.assert_array_equal(looked.errors_box[row], errors_box)
        assert looked.pa_mm[row] == pa_mm
    np.testing.assert_allclose(looked.hand_errors_box, np.nanmean(looked.errors_box, axis=1))


def test_side_is_found_without_being_told(shown, looked):
    right = [
        predicted(scene, None).handedness == ("left" if scene.mirrored else "right")
        for scene in shown
    ]
    assert looked.sides_found.tolist() == [float(one) for one in right]
    assert 0 < sum(right) < len(right)


def test_worst_hands_come_first_and_say_what_they_are(shown, looked, monkeypatch):
    errors = looked.hand_errors_box
    order = np.argsort(-errors)[: module.NUM_WORST]
    assert [case.error_box for case in looked.worst] == pytest.approx(errors[order])
    worst = shown[order[0]]
    caption = f"{worst.hand.family}, {worst.view.kind}, {worst.seed}"
    assert looked.worst[0].sample.sample_id == caption
    assert looked.worst[0].sample.image == sample_of_scene(worst).image
    monkeypatch.setattr(module, "NUM_WORST", 2)
    again = look_at_scenes(stand_in(), shown[:6])
    assert len(again.worst) == 2 and again.worst[0].error_box == max(again.hand_errors_box)


def test_pictures_without_a_hand_are_kept_by_presence(scenes, looked):
    absent = [scene for scene in scenes if not scene.presence]
    presences = [predicted(scene, None).presence for scene in absent]
    assert looked.presences_without_hand.tolist() == presences
    best = sorted(presences, reverse=True)[: module.NUM_SEEMING]
    assert [one.presence for one in looked.seeming] == best
    first = absent[int(np.argmax(presences))]
    assert looked.seeming[0].sample.image == sample_of_scene(first).image


def test_network_that_cannot_tell():
    scenes = [draw_scene(seed, 64, SETTINGS) for seed in range(5)]
    looked = look_at_scenes(stand_in(heads=False), scenes)
    assert np.isnan(looked.presences).all() and np.isnan(looked.sides_found).all()
    assert np.isfinite(looked.pa_mm).all() and looked.seeming == []


def test_progress_counts_scenes():
    told = []
    look_at_scenes(stand_in(), some_scenes(3), told.append)
    assert told == [1, 2, 3]


def test_a_hand_is_needed():
    never = SynthSettings(negatives=1)
    with pytest.raises(InputError, match="Received: 2 without"):
        look_at_scenes(stand_in(), [draw_scene(seed, 64, never) for seed in range(2)])


def test_made_up_answers_have_the_shape_of_real_ones(looked):
    made = made_up(some_scenes(3))
    assert isinstance(stand_in(), Predictor)
    for field in dataclasses.fields(made):
        value, real = getattr(made, field.name), getattr(looked, field.name)
        if isinstance(value, np.ndarray):
            assert value.dtype == real.dtype and value.shape[1:] == real.shape[1:], field.name
