"""Training: recipe and data in, a run folder with a `.keras` model out."""

import dataclasses
import os
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_handgroups.callbacks.averaged_validation import AveragedValidation
from tf_handgroups.callbacks.early_stop import EarlyStop
from tf_handgroups.callbacks.keep_state import KeepState
from tf_handgroups.callbacks.progress_lines import ProgressLines
from tf_handgroups.callbacks.save_model import SaveModel
from tf_handgroups.callbacks.selector_log import SelectorLog
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.callbacks.stop_on_non_finite_loss import StopOnNonFiniteLoss
from tf_handgroups.callbacks.stop_signal import StopSignal
from tf_handgroups.callbacks.temperature_schedule import TemperatureSchedule
from tf_handgroups.callbacks.tensorboard_log import TensorBoardLog, choose_samples
from tf_handgroups.compiling import compile_model, learning_rate_schedule
from tf_handgroups.errors import InputError
from tf_handgroups.event_log import EventLog
from tf_handgroups.model_file import load_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.multiworker_fit import mend_fit
from tf_handgroups.pipeline import PipelineOptions, build_pipeline, num_batches
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.run_folder import (
    MODEL_FILE,
    SELECTOR_FILE,
    STATES_FOLDER,
    TENSORBOARD_FOLDER,
    RunFolder,
)
from tf_handgroups.run_record import describe
from tf_handgroups.strategies import (
    any_process,
    explaining_lost_workers,
    is_chief,
    make_strategy,
    same_in_all_processes,
)
from tf_handgroups.train_state import restore
from tf_handgroups.training_report import write_training_report


def train(
    recipe: Recipe,
    train_data: list,
    validation_data: list,
    out: str | os.PathLike,
    *,
    strategy: str | tf.distribute.Strategy = "auto",
    resume: bool = False,
    initial_model: str | os.PathLike | None = None,
    licence: str = "not stated",
    state_minutes: float = 10.0,
    data_service: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    write: Callable[[str], Any] = print,
) -> HandPoseModel:
    """Trains a model and leaves everything in a run folder.

    The folder receives `recipe.json`, `run.json`, `history.csv`, `selector.csv`,
    `tensorboard/`, `model.keras` (after every epoch; with `patience` that of the best
    epoch), when it is finished `report.html`, and until then `states/` for `resume`. A run
    that was interrupted and resumed gives the weights of an uninterrupted one.

    Args:
        recipe: What to train.
        train_data: Data sets to learn from.
        validation_data: Data sets to validate on after every epoch.
        out: Run folder. With several workers all of them must see it.
        strategy: A strategy or its name, see `make_strategy`.
        resume: Whether to continue an interrupted run in `out`.
        initial_model: A `.keras` file of the same architecture whose weights to start
            from, for example one trained at a lower resolution.
        licence: Under which the model may be used; travels with it into the contract.
        state_minutes: Time between two states; besides, one is kept after every epoch.
        data_service: Address of the dispatcher of a farm that prepares the training
            batches, see `tf_handgroups.data_service`.
        callbacks: Further ones; they see a step before its state is kept.
        write: Function that takes progress lines.

    Returns:
        The trained model, with the weights of its last step.

    Raises:
        InputError: If `out` holds a run and `resume` is false, or there is none to
            resume, or `initial_model` does not fit, or the farm does not answer.
        FloatingPointError: If the loss becomes NaN or infinite; the batch is kept.
        OSError: If a state cannot be written; the last one stays.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the state has been kept.
        ConnectionError: If another worker ended or cannot be reached.
    """
    made = make_strategy(strategy) if isinstance(strategy, str) else strategy
    chief = is_chief(made)
    run = RunFolder(out)
    if resume:
        run.check_resumable(recipe)
    else:
        run.check_new()
    _check_batch(recipe, made)
    state = run.latest_state(write) if resume else None
    first_step = state.step if state is not None else 0
    keras.utils.set_random_seed(recipe.seed)
    with explaining_lost_workers(made):
        _check_agreement(recipe, made, [*train_data, *validation_data], first_step)
        model = _model(recipe, made, train_data, initial_model, licence)
        if state is not None:
            with made.scope():
                restore(model, state)
    options = PipelineOptions(
        crop_size=recipe.input_size,
        batch_size=recipe.batch_size,
        training=True,
        augmentation=recipe.augmentation,
        seed=recipe.seed,
    )
    plain = dataclasses.replace(options, training=False)
    validation_batches = build_pipeline(validation_data, plain)
    plan = [
        (
            stretch,
            build_pipeline(
                train_data,
                dataclasses.replace(options, first_batch=stretch.step, data_service=data_service),
            ),
        )
        for stretch in stretches(first_step, recipe.steps, recipe.steps_per_epoch)
    ]
    shown = choose_samples(validation_data) if chief else []
    # Only now is everything known to be usable.
    if chief:
        run.begin(recipe, resume, first_step // recipe.steps_per_epoch)
        run.record.begin(recipe, train_data, validation_data, made, first_step)
    clock = StepClock(first_step)
    events = EventLog(run.path / TENSORBOARD_FOLDER, first_step)
    with StopSignal(write) as stop, events:
        own = _callbacks(
            recipe, run, clock, made, state, stop, state_minutes, train_data, options, write,
            events, shown,
        )  # fmt: skip
        called = [*own[:-1], *callbacks, own[-1]]
        why = "finished"
        try:
            for stretch, batches in plan:
                if not (model.stop_training or any(map(_is_done, called))):
                    with explaining_lost_workers(made):
                        model.fit(
                            batches,
                            validation_data=validation_batches,
                            validation_steps=num_batches(sum(map(len, validation_data)), plain),
                            steps_per_epoch=stretch.steps,
                            initial_epoch=stretch.first_epoch,
                            epochs=stretch.end_epoch,
                            shuffle=False,  # The pipeline shuffles.
                            verbose=0,
                            callbacks=called,
                        )
        except BaseException as error:
            why = f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(": ")
            raise
        finally:
            run.close()
            if chief:
                run.record.end(clock.step, why, finished=why == "finished")
    if chief:
        run.remove_states()
        write_training_report(run.path, validation_data)
    with explaining_lost_workers(made):
        # Together: TensorFlow takes a worker that ends before the chief for a crashed one.
        any_process(made, False)
    return model


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Epochs of equal length, which one `fit` trains.

    Args:
        step: Number of steps before it.
        first_epoch: Number of its first epoch, from 0.
        end_epoch: Number of the epoch after it.
        steps: Steps in each of its epochs.
    """

    step: int
    first_epoch: int
    end_epoch: int
    steps: int


def stretches(first_step: int, steps: int, steps_per_epoch: int) -> list[Stretch]:
    """Divides what is left of a run: the rest of an epoch, whole epochs, a shorter last one.

    Args:
        first_step: Steps done before.
        steps: Steps of the whole run.
        steps_per_epoch: Steps of a whole epoch.

    Example:

    >>> [(one.step, one.first_epoch, one.steps) for one in stretches(3, 14, 4)]
    [(3, 0, 1), (4, 1, 4), (12, 3, 2)]
    """
    plan = []
    while first_step < steps:
        epoch, done = divmod(first_step, steps_per_epoch)
        left = min(steps_per_epoch - done, steps - first_step)
        epochs = (steps - first_step) // steps_per_epoch if left == steps_per_epoch else 1
        plan.append(Stretch(first_step, epoch, epoch + epochs, left))
        first_step += left * epochs
    return plan


def _is_done(callback: keras.callbacks.Callback) -> bool:
    return isinstance(callback, EarlyStop) and callback.done


def _check_batch(recipe: Recipe, strategy: tf.distribute.Strategy) -> None:
    replicas = strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise InputError(
            f"train: expected a global batch size that {replicas} replicas can share. Received: "
            f"batch_size={recipe.batch_size}. Use a multiple of {replicas}."
        )


def _check_agreement(
    recipe: Recipe, strategy: tf.distribute.Strategy, datasets: list, first_step: int
) -> None:
    """Raises `InputError` in all workers unless they are about to do the same.

    Besides, none goes on before all have looked into the run folder: the first one to go
    on would put files there.
    """
    what = [dataclasses.asdict(recipe), [*map(describe, datasets)], first_step]
    if not same_in_all_processes(strategy, zlib.crc32(repr(what).encode())):
        raise InputError(
            "train: expected the same command in all workers. Received: another recipe or data "
            f"in some, or another state in --out (here that of step {first_step}). Give all of "
            "them the same arguments, and an --out that all of them see."
        )


def _model(recipe, strategy, train_data, initial_model, licence) -> HandPoseModel:
    provenance = {
        "recipe": recipe.name,
        "training_data": "; ".join(describe(dataset) for dataset in train_data),
        "licence": licence,
    }
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        with strategy.scope():
            model = HandPoseModel(**recipe.model_arguments, provenance=provenance)
            if initial_model is not None:
                _start_from(model, initial_model)
            compile_model(model, recipe)
            mend_fit(model, strategy)
    finally:
        keras.config.set_dtype_policy(policy)
    return model


def _callbacks(
    recipe,
    run,
    clock,
    strategy,
    state,
    stop,
    state_minutes,
    train_data,
    options,
    write,
    events,
    shown,
) -> list[keras.callbacks.Callback]:
    """In the order in which they have to see a step and an epoch."""
    chief = is_chief(strategy)
    save = SaveModel(run.path / MODEL_FILE, writes=chief)

    def keep_batch(step: int) -> str:
        if not chief:
            return f"{run.path}, by the first worker"
        return run.keep_bad_batch(train_data, dataclasses.replace(options, first_batch=step - 1))

    schedule = TemperatureSchedule(
        clock, recipe.steps, recipe.temperature_start, recipe.temperature_end, recipe.commit_at
    )
    schedules = {
        "learning_rate": learning_rate_schedule(recipe),
        "temperature": schedule.temperature_at,
    }
    selector = run.path / SELECTOR_FILE
    draw = [
        SelectorLog(selector, clock),
        TensorBoardLog(events, clock, recipe.batch_size, schedules, shown, selector),
    ]
    watch = [ProgressLines(clock, recipe.steps, recipe.batch_size, write=write), run.history()]
    before = run.past_losses(clock.step // recipe.steps_per_epoch)

    def on_stop() -> None:
        # With early stopping the file is the best epoch's.
        if not (recipe.patience and any_process(strategy, save.path.is_file())):
            save.save()

    return [
        clock,
        schedule,
        StopOnNonFiniteLoss(clock, keep_batch),
        *(draw if chief else []),
        AveragedValidation(),
        *(watch if chief else []),
        EarlyStop(recipe.patience, save, before) if recipe.patience else save,
        KeepState(
            run.path / STATES_FOLDER,
            clock,
            recipe,
            strategy,
            state_minutes,
            stopped=lambda: stop.received,
            on_stop=on_stop,
            unfinished=state,
        ),
    ]


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
