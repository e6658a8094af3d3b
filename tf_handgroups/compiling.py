"""Losses, metrics and optimizer of a recipe."""

import keras

from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.errors import InputError
from tf_handgroups.losses.heatmap_cross_entropy import HeatmapCrossEntropy
from tf_handgroups.losses.joint_l1 import JointL1
from tf_handgroups.metrics import PCK, EndPointError
from tf_handgroups.models.hand_pose_model import HEATMAP_STRIDE, HandPoseModel
from tf_handgroups.optimizers.selector_rate import SelectorAdamW, SelectorLamb
from tf_handgroups.recipes.recipe import Recipe

OPTIMIZERS = {"adamw": SelectorAdamW, "lamb": SelectorLamb}


def learning_rate_schedule(recipe: Recipe) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns the linear warm-up and cosine of a recipe, a function of the step.

    Args:
        recipe: The recipe.

    Example:

    >>> schedule = learning_rate_schedule(Recipe("mine", steps=400, warmup_steps=100))
    >>> [round(float(schedule(step)), 6) for step in (0, 100, 250, 400)]
    [0.0, 0.001, 0.0005, 0.0]
    """
    warmup_steps = min(recipe.warmup_steps, max(1, recipe.steps // 4))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
        decay_steps=max(1, recipe.steps - warmup_steps),
    )


def compile_model(model: HandPoseModel, recipe: Recipe) -> None:
    """Compiles a model with the losses, metrics and optimizer of a recipe.

    Under `mixed_float16` Keras wraps the optimizer, so that the loss is scaled.

    Args:
        model: The model.
        recipe: The recipe.

    Raises:
        InputError: If the recipe names an unknown optimizer, its `ema_momentum` is out of
            range, or XLA is asked for what it cannot compile.

    Example:

    >>> from tf_handgroups.recipes import quicktest
    >>> recipe = quicktest()
    >>> model = HandPoseModel(**recipe.model_arguments)
    >>> compile_model(model, recipe)
    >>> type(model.optimizer).__name__
    'SelectorAdamW'
    """
    for layer in model._flatten_layers():  # Also those inside other layers.
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = recipe.sync_batch_norm
    cells = recipe.input_size // HEATMAP_STRIDE

    def maps_loss() -> HeatmapCrossEntropy:
        return HeatmapCrossEntropy(
            cells, HEATMAP_STRIDE, recipe.heatmap_sigma_px, model.architecture.grid_offset_px
        )

    if recipe.optimizer not in OPTIMIZERS:
        raise InputError(
            f"compile_model: unknown optimizer. Received: optimizer={recipe.optimizer!r}. "
            f"Known optimizers: {', '.join(OPTIMIZERS)}."
        )
    if not 0 <= recipe.ema_momentum < 1:
        raise InputError(
            "compile_model: expected ema_momentum from 0 (no average) to below 1. "
            f"Received: ema_momentum={recipe.ema_momentum!r}. Use for example 0.999."
        )
    if recipe.jit_compile and recipe.precision != "float32" and recipe.architecture == "mobile":
        # The gradient of bilinear resizing comes as float32 whatever it belongs to.
        raise InputError(
            "compile_model: XLA cannot compile the mobile network in mixed precision. Received: "
            f"precision={recipe.precision!r} with jit_compile=True. Set one of them back."
        )
    optimizer = OPTIMIZERS[recipe.optimizer](
        learning_rate_schedule(recipe),
        selector_factor=recipe.selector_rate,
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema_momentum > 0,
        ema_momentum=recipe.ema_momentum or 0.99,
    )
    # Decay pulls towards zero: right for kernels, meaningless for these.
    optimizer.exclude_from_weight_decay(
        var_names=["bias", "gamma", "beta", "logits", "inverse_temperature"]
    )
    loss = {
        "uv_px": JointL1(scale=recipe.input_size),
        "z_rel": JointL1(),
        "backbone_maps": maps_loss(),
        "group_maps": maps_loss(),
    }
    loss_weights = {
        "uv_px": recipe.uv_weight,
        "z_rel": recipe.depth_weight,
        "backbone_maps": recipe.maps_weight,
        "group_maps": recipe.maps_weight,
    }
    weighted_metrics: dict[str, list] = {
        "uv_px": [
            EndPointError(name="end_point_error"),
            PCK(0.2, reference_px=recipe.input_size / CROP_MARGIN, name="pck"),
        ],
    }
    # Sorted: the order of a set differs from process to process, and with it that of a state.
    for name in sorted({"presence", "handedness"} & set(model.output)):
        loss[name] = keras.losses.BinaryCrossentropy(from_logits=True)
        loss_weights[name] = recipe.image_weight
        weighted_metrics[name] = [keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")]
    model.compile(
        optimizer=optimizer,
        loss=loss,
        loss_weights=loss_weights,
        weighted_metrics=weighted_metrics,
        jit_compile=recipe.jit_compile,
    )
