from tf_handgroups.recipes.mobile import mobile


def test_is_what_its_description_says():
    recipe = mobile()
    assert (recipe.name, recipe.input_size, recipe.encoder) == ("mobile", 128, "efficientnet_lite0")
    assert recipe.pretrained and recipe.num_groups == 3 and recipe.grouping is None


def test_hands_are_learned_at_every_angle():
    assert mobile().augmentation.rotation_deg == 180.0


def test_schedule_is_consistent():
    recipe = mobile()
    assert recipe.warmup_steps < recipe.steps and recipe.steps % recipe.steps_per_epoch == 0
    assert recipe.temperature_end < recipe.temperature_start and 0 < recipe.commit_at <= 1
