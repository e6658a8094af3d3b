from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.recipes.mobile import mobile
from tf_handgroups.recipes.quicktest import quicktest


def test_needs_no_pretrained_weights():
    assert (quicktest().encoder, quicktest().pretrained) == ("tiny", False)


def test_is_much_less_work_than_mobile():
    def work(recipe):
        return recipe.steps * recipe.batch_size * recipe.input_size**2

    assert work(quicktest()) < work(mobile()) / 30


def test_builds_a_small_network():
    model = HandPoseModel(**quicktest().model_arguments)
    assert model.input_shape == (None, 64, 64, 3) and model.count_params() < 1_000_000


def test_schedule_is_consistent():
    recipe = quicktest()
    assert recipe.warmup_steps < recipe.steps and recipe.steps % recipe.steps_per_epoch == 0
