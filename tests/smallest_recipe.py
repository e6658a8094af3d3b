"""The smallest recipe that trains: two steps of two samples."""

from tf_handgroups.recipes import Recipe

SMALLEST = Recipe(
    name="smallest",
    input_size=64,
    encoder="tiny",
    pretrained=False,
    decoder_channels=(8, 8, 8),
    num_groups=2,
    group_channels=4,
    steps=2,
    steps_per_epoch=1,
    batch_size=2,
    warmup_steps=1,
    commit_at=0.5,
)
