"""Training: recipe and data in, a run folder with a `.keras` model out."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.callbacks.progress_lines import ProgressLines
from tf_handgroups.callbacks.temperature_schedule import TemperatureSchedule
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.errors import InputError
from tf_handgroups.losses.heatmap_cross_entropy import HeatmapCrossEntropy
from tf_handgroups.losses.joint_l1 import JointL1
from tf_handgroups.metrics import PCK, EndPointError
from tf_handgroups.model_file import load_model, save_model
from tf_handgroups.models.hand_pose_model import HEATMAP_STRIDE, HandPoseModel
from tf_handgroups.optimizers.selector_adamw import SelectorAdamW
from tf_handgroups.pipeline import PipelineOptions, build_pipeline
from tf_handgroups.recipes.recipe import Recipe

STRATEGIES = ("auto", "single", "mirrored")
MODEL_FILE = "model.keras"
RECIPE_FILE = "recipe.json"
HISTORY_FILE = "history.csv"


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns a distribution strategy by name.

    Args:
        name: `"single"`; `"mirrored"` over all visible GPUs (or logical CPUs); `"auto"`:
            mirrored if there are several GPUs.

    Raises:
        InputError: If the name is unknown.

    Example:

    >>> make_strategy("single").num_replicas_in_sync
    1
    """
    if name not in STRATEGIES:
        raise InputError(
            f"--strategy: unknown strategy. Received: {name!r}. Known: {', '.join(STRATEGIES)}."
        )
    gpus = tf.config.list_logical_devices("GPU")
    if name == "auto":
        name = "mirrored" if len(gpus) > 1 else "single"
    if name == "single":
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def compile_model(model: HandPoseModel, recipe: Recipe) -> None:
    """Compiles a model with the losses, metrics and optimizer of a recipe.

    Example:

    >>> from tf_handgroups.recipes import quicktest
    >>> recipe = quicktest()
    >>> model = HandPoseModel(**recipe.model_arguments)
    >>> compile_model(model, recipe)
    >>> type(model.optimizer).__name__
    'SelectorAdamW'
    """
    cells = recipe.input_size // HEATMAP_STRIDE

    def maps_loss() -> HeatmapCrossEntropy:
        return HeatmapCrossEntropy(
            cells, HEATMAP_STRIDE, recipe.heatmap_sigma_px, model.architecture.grid_offset_px
        )

    warmup_steps = min(recipe.warmup_steps, max(1, recipe.steps // 4))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
        decay_steps=max(1, recipe.steps - warmup_steps),
    )
    optimizer = SelectorAdamW(
        schedule,
        selector_factor=recipe.selector_rate,
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm,
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
    for name in {"presence", "handedness"} & set(model.output):
        loss[name] = keras.losses.BinaryCrossentropy(from_logits=True)
        loss_weights[name] = recipe.image_weight
        weighted_metrics[name] = [keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")]
    model.compile(
        optimizer=optimizer,
        loss=loss,
        loss_weights=loss_weights,
        weighted_metrics=weighted_metrics,
    )


def train(
    recipe: Recipe,
    train_data: list,
    validation_data: list,
    out: str | os.PathLike,
    *,
    strategy: str = "auto",
    resume: bool = False,
    initial_model: str | os.PathLike | None = None,
    licence: str = "not stated",
    write: Callable[[str], Any] = print,
) -> HandPoseModel:
    """Trains a model and leaves everything in a run folder.

    The folder receives `recipe.json`, `history.csv`, `model.keras` (after every epoch)
    and, while training, `backup/` for `resume`.

    Args:
        recipe: What to train.
        train_data: Data sets to learn from.
        validation_data: Data sets to validate on after every epoch.
        out: Run folder.
        strategy: See `make_strategy`.
        resume: Whether to continue an interrupted run in `out`.
        initial_model: A `.keras` file of the same architecture whose weights to start
            from, for example one trained at a lower resolution.
        licence: Under which the model may be used; travels with it into the contract.
        write: Function that takes progress lines.

    Returns:
        The trained model.

    Raises:
        InputError: If `out` holds a run and `resume` is false, or there is none to
            resume, or `initial_model` does not fit.
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    run = pathlib.Path(out)
    steps_per_epoch = min(recipe.steps_per_epoch, recipe.steps)
    epochs = math.ceil(recipe.steps / steps_per_epoch)
    first_epoch = _first_epoch(run, recipe, epochs) if resume else 0
    if not resume and run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise InputError(
            f"{run}: expected a new or empty run folder. Received: an existing one. "
            "Choose another --out, or continue it with --resume."
        )
    keras.utils.set_random_seed(recipe.seed)
    provenance = {
        "recipe": recipe.name,
        "training_data": "; ".join(describe(dataset) for dataset in train_data),
        "licence": licence,
    }
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        with make_strategy(strategy).scope():
            model = HandPoseModel(**recipe.model_arguments, provenance=provenance)
            if initial_model is not None:
                _start_from(model, initial_model)
            compile_model(model, recipe)
    finally:
        keras.config.set_dtype_policy(policy)
    training = PipelineOptions(
        crop_size=recipe.input_size,
        batch_size=recipe.batch_size,
        training=True,
        augmentation=recipe.augmentation,
        seed=recipe.seed,
        first_batch=first_epoch * steps_per_epoch,
    )
    validation = dataclasses.replace(training, training=False, first_batch=0)
    train_batches = build_pipeline(train_data, training)
    validation_batches = build_pipeline(validation_data, validation)
    # Only now is everything known to be usable.
    if not resume:
        with replacing_file(run / RECIPE_FILE) as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(recipe), indent=2) + "\n")
    history = keras.callbacks.CSVLogger(os.fspath(run / HISTORY_FILE), append=resume)
    try:
        model.fit(
            train_batches,
            validation_data=validation_batches,
            validation_steps=math.ceil(sum(map(len, validation_data)) / recipe.batch_size),
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            shuffle=False,  # The pipeline shuffles.
            verbose=0,
            callbacks=[
                TemperatureSchedule(
                    recipe.steps, recipe.temperature_start, recipe.temperature_end, recipe.commit_at
                ),
                ProgressLines(recipe.steps, recipe.batch_size, write=write),
                StopOnNonFiniteLoss(),
                history,
                SaveModel(run / MODEL_FILE),
                keras.callbacks.BackupAndRestore(os.fspath(run / "backup")),
            ],
        )
    finally:
        # Keras leaves it open when training stops with an error.
        if history.csv_file is not None:
            history.csv_file.close()
    return model


def describe(dataset) -> str:
    """Returns a line about a data set: its kind, size and, if rendered, its seed.

    Example:

    >>> class Hands(list):
    ...     kind = "handjson"
    >>> describe(Hands([1, 2]))
    'handjson: 2 samples'
    """
    info = getattr(dataset, "info", {})
    details = [f"{name} {info[name]}" for name in ("seed", "version") if name in info]
    details += [f"{name} {value}" for name, value in getattr(dataset, "options", {}).items()]
    if getattr(dataset, "weight", 1.0) != 1.0:
        details.append(f"weight {dataset.weight:g}")
    return ", ".join([f"{dataset.kind}: {len(dataset)} samples", *details])


class SaveModel(keras.callbacks.Callback):
    """Saves the model after every epoch; a crash never leaves half a file.

    Args:
        path: Where the `.keras` file shall be.
    """

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        save_model(self.model, self.path, overwrite=True)


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Raises `FloatingPointError` when the loss is NaN or infinite."""

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"training: the loss became {loss} at batch {batch} of the epoch. Lower the "
                "learning rate or check the data with `tf-handgroups evaluate`; "
                "`--resume` continues from the last epoch."
            )


def _first_epoch(run: pathlib.Path, recipe: Recipe, epochs: int) -> int:
    """Returns the epoch at which an interrupted run goes on."""
    if not (run / RECIPE_FILE).is_file():
        raise InputError(
            f"{run}: expected an interrupted run with {RECIPE_FILE}. Received: none. "
            "Start without --resume."
        )
    saved = json.loads((run / RECIPE_FILE).read_text())
    if saved != json.loads(json.dumps(dataclasses.asdict(recipe))):
        raise InputError(
            f"{run}: the run was started with another recipe than now asked for. "
            "Resume with the same --recipe and --set."
        )
    backup = run / "backup" / "training_metadata.json"
    if backup.is_file():
        return json.loads(backup.read_text())["epoch"]
    history = run / HISTORY_FILE
    rows = len(history.read_text().splitlines()) - 1 if history.is_file() else 0
    if (run / MODEL_FILE).is_file() and rows >= epochs:
        raise InputError(
            f"{run}: expected an interrupted run. Received: a finished one, {rows} epochs. "
            "Train on in another --out with --initial-model."
        )
    return 0


def _start_from(model: HandPoseModel, path: str | os.PathLike) -> None:
    source = load_model(path)
    if not isinstance(source, HandPoseModel):
        raise InputError(f"{path}: is hardened and cannot be trained on. Give the trained model.")
    try:
        model.set_weights(source.get_weights())
    except ValueError as error:
        raise InputError(
            f"{path}: its weights do not fit the recipe's network ({error}). "
            "Use the same encoder, groups and channels."
        ) from error
    model.selector.committed.assign(0.0)
