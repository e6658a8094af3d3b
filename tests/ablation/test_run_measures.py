import json

import keras
import numpy as np
import pytest

from tests.hands import make_like_trained, make_sample, tiny_model
from tf_handgroups.ablation.run_measures import (
    FORMS,
    NUM_DRAWS,
    measure_run,
    measures_path,
    read_grouping,
    read_measures,
)
from tf_handgroups.crop import crop_image, crop_matrix, invert, transform_points
from tf_handgroups.errors import InputError
from tf_handgroups.hardening import grouping_of, harden
from tf_handgroups.image_file import read_image
from tf_handgroups.model_file import save_model

HANDS = [[make_sample(seed=seed) for seed in range(3)], [make_sample(seed=3)]]


@pytest.fixture(scope="module")
def model():
    return make_like_trained(tiny_model())


@pytest.fixture(scope="module")
def run(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    save_model(model, folder / "model.keras")
    measure_run(folder, "validation", HANDS, all_forms=True)
    return folder


def mean_error_px(model, weights):
    """In pixels of the images, all joints being visible."""
    errors = []
    for sample in [sample for part in HANDS for sample in part]:
        matrix = crop_matrix(sample.box_px, 64, mirror=sample.handedness == "left")
        crop = crop_image(read_image(sample.image), matrix, 64)
        uv_px = model.mixture(np.asarray(crop, "float32")[None], weights)["uv_px"]
        uv_px = transform_points(invert(matrix), keras.ops.convert_to_numpy(uv_px)[0])
        errors.append(np.linalg.norm(uv_px - sample.uv_px, axis=-1))
    return np.mean(errors)


def test_every_form_is_measured_as_it_says(model, run):
    measures = read_measures(run, "validation")
    assert {one.form for one in measures} == set(FORMS)
    errors = {one.form: one.value for one in measures if one.measure == "2d/epe_px"}
    selector = model.selector
    hard = mean_error_px(model, selector.hard_weights())
    expected = mean_error_px(model, selector.membership())
    draws = [mean_error_px(model, selector.sample_weights(draw)) for draw in range(NUM_DRAWS)]
    assert errors["hardened"] == pytest.approx(hard, abs=1e-3)
    assert errors["trained"] == pytest.approx(hard, abs=1e-3)
    assert errors["expected"] == pytest.approx(expected, abs=1e-3)
    assert errors["sampled"] == pytest.approx(np.mean(draws), abs=1e-3)
    assert len({round(value, 2) for value in (hard, expected, np.mean(draws))}) == 3


def test_sizes_and_groups_are_kept(model, run):
    weights = {
        one.form: one.value for one in read_measures(run, "validation") if "weights" in one.measure
    }
    assert weights["trained"] == sum(np.prod(weight.shape) for weight in model.trainable_weights)
    hardened = sum(np.prod(weight.shape) for weight in harden(model).trainable_weights)
    assert weights["hardened"] == hardened < weights["trained"]
    assert tuple(read_grouping(run)) == grouping_of(model)
    measured = {one.measure: one for one in read_measures(run, "validation")}
    assert measured["2d/epe_px"].num_hands == 4 and measured["model/weights"].num_hands == 0
    assert {"procrustes/mpjpe_mm", "learnable-groups/mpjpe_mm"} < set(measured)


def test_a_fixed_grouping_and_a_test_set_need_fewer_forms(tmp_path):
    save_model(make_like_trained(tiny_model(grouping="random")), tmp_path / "model.keras")
    measure_run(tmp_path, "validation", HANDS, all_forms=True)
    measure_run(tmp_path, "photos", HANDS[1:], all_forms=False)
    forms = {one.form for one in read_measures(tmp_path, "validation")}
    assert forms == {"hardened", "trained"}
    photos = read_measures(tmp_path, "photos")
    assert {one.form for one in photos if one.num_hands} == {"hardened"}


def test_rejects_a_hardened_model(model, tmp_path):
    save_model(harden(model), tmp_path / "model.keras")
    with pytest.raises(InputError, match="expected the trained model"):
        measure_run(tmp_path, "validation", HANDS, all_forms=True)
    assert not measures_path(tmp_path, "validation").exists()


@pytest.mark.parametrize(
    "content", [None, "form,measure\na,b\n", "form,measure,value,num_hands\na,b,c,1\n"]
)
def test_rejects_damaged_measures(content, tmp_path):
    if content is not None:
        measures_path(tmp_path, "photos").write_text(content)
    with pytest.raises(InputError, match="Received: a missing or damaged file"):
        read_measures(tmp_path, "photos")


def test_groups_are_plain_json(run):
    assert json.loads((run / "grouping.json").read_text()) == read_grouping(run)
