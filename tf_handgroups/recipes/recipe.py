"""`Recipe`: everything that defines a training run, in one frozen record."""

import ast
import dataclasses
import types
import typing

from tf_handgroups.augment import Augmentation
from tf_handgroups.errors import InputError


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A training run; every field can be changed with `--set field=value`.

    Args:
        name: Of the recipe.
        input_size: Side of the crop in pixels.
        architecture: See `HandPoseModel`.
        encoder: See `HandPoseModel`.
        pretrained: See `HandPoseModel`.
        decoder_channels: See `HandPoseModel`.
        num_groups: Number of joint groups.
        group_channels: Width of each group's branch.
        fusion: See `HandPoseModel`.
        gating: See `HandPoseModel`.
        distribution: Of the selector, see `JointGroupSelector`.
        grouping: `None` to learn it, or a fixed one (name or 21 indices).
        initial_logit: Of the selector.
        exclusivity_weight: Of the selector.
        balance_weight: Of the selector.
        straight_through: Of the selector.
        temperature_start: Of the selector, see `TemperatureSchedule`.
        temperature_end: Of the selector.
        commit_at: Fraction of the steps after which the grouping is fixed.
        steps: Training steps.
        steps_per_epoch: Steps between two validations and checkpoints.
        batch_size: Global batch size.
        learning_rate: Peak of the cosine schedule.
        selector_rate: Learning rate of the selector over that of the network.
        warmup_steps: Linear warm-up.
        optimizer: `adamw`, or `lamb` for very large batches.
        weight_decay: Of the optimizer.
        clip_norm: Global gradient norm.
        ema_momentum: Of the running average of the weights, which then is what is
            validated and saved, for example 0.999; 0 for none.
        patience: Epochs without a better `val_loss` after which training stops; 0 never
            stops early.
        precision: Keras dtype policy: `float32`, `mixed_bfloat16` or `mixed_float16`.
        jit_compile: Whether XLA compiles the training step.
        sync_batch_norm: Whether batch norms use the statistics of the global batch
            instead of each replica's own part.
        uv_weight: Weight of the coordinate loss (L1 over the crop size).
        depth_weight: Weight of the depth loss (L1 in bone units).
        maps_weight: Weight of each heatmap cross-entropy.
        image_weight: Weight of presence and of handedness.
        heatmap_sigma_px: Of the heatmap targets, in crop pixels.
        augmentation: Ranges; set single ones with `--set augmentation.rotation_deg=45`.
        seed: Of weights, data order, augmentation and selector.
    """

    name: str
    input_size: int = 128
    architecture: str = "mobile"
    encoder: str = "efficientnet_lite0"
    pretrained: bool = True
    decoder_channels: tuple[int, ...] = (96, 64, 48)
    num_groups: int = 3
    group_channels: int = 32
    fusion: bool = True
    gating: str = "predictions"
    distribution: str = "relaxed_bernoulli"
    grouping: str | tuple[int, ...] | None = None
    initial_logit: float = 0.0
    exclusivity_weight: float = 1.0
    balance_weight: float = 0.1
    straight_through: bool = False
    temperature_start: float = 1.0
    temperature_end: float = 0.1
    commit_at: float = 0.7
    steps: int = 6000
    steps_per_epoch: int = 500
    batch_size: int = 32
    learning_rate: float = 1e-3
    selector_rate: float = 10.0
    warmup_steps: int = 200
    optimizer: str = "adamw"
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    ema_momentum: float = 0.0
    patience: int = 0
    precision: str = "float32"
    jit_compile: bool = False
    sync_batch_norm: bool = False
    uv_weight: float = 10.0
    depth_weight: float = 1.0
    maps_weight: float = 0.3
    image_weight: float = 0.3
    heatmap_sigma_px: float = 4.0
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    seed: int = 0

    @property
    def model_arguments(self) -> dict:
        """The arguments of `HandPoseModel`."""
        names = (
            "input_size architecture encoder pretrained decoder_channels num_groups "
            "group_channels fusion gating distribution grouping initial_logit exclusivity_weight "
            "balance_weight straight_through seed"
        )
        return {name: getattr(self, name) for name in names.split()}


def override(recipe: Recipe, assignments: list[str]) -> Recipe:
    """Returns a recipe with some fields changed.

    Args:
        recipe: The recipe to start from.
        assignments: Strings `field=value`, or `augmentation.field=value`; values in
            Python notation, plain words need no quotes.

    Raises:
        InputError: If an assignment has no `=`, the field is unknown, or the value has
            another type than the field.

    Example:

    >>> override(Recipe("mine"), ["steps=10", "augmentation.rotation_deg=30"]).steps
    10
    """
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(
                f"--set: expected field=value. Received: {assignment!r}. Example: --set steps=1000."
            )
        first, dot, second = path.strip().partition(".")
        if dot:
            if first != "augmentation":
                raise InputError(
                    f"--set: unknown field. Received: {path!r}. Only `augmentation` has parts."
                )
            part = _replace(recipe.augmentation, second, text, "augmentation.")
            recipe = dataclasses.replace(recipe, augmentation=part)
        else:
            recipe = _replace(recipe, first, text, "")
    return recipe


def recipe_from_dict(values: dict) -> Recipe:
    """Makes a recipe from the content of a `recipe.json`.

    Args:
        values: Every field by name; `dataclasses.asdict` of a recipe.

    Raises:
        InputError: If a field is missing, unknown or of another type.

    Example:

    >>> recipe = Recipe("mine", steps=10)
    >>> recipe_from_dict(dataclasses.asdict(recipe)) == recipe
    True
    """
    if not isinstance(values, dict):
        raise InputError(f"recipe: expected an object. Received: {type(values).__name__}.")
    values = dict(values)
    augmentation = _checked(Augmentation, values.pop("augmentation", None), "augmentation.")
    return Recipe(**_checked(Recipe, values, ""), augmentation=Augmentation(**augmentation))


def _checked(record_type: type, values, prefix: str) -> dict:
    """The values of all fields that are not records themselves, of the right types."""
    hints = typing.get_type_hints(record_type)
    names = [name for name, hint in hints.items() if not dataclasses.is_dataclass(hint)]
    received = set(values) if isinstance(values, dict) else set()
    if received != set(names):
        missing, unknown = sorted(set(names) - received), sorted(received - set(names))
        raise InputError(
            f"recipe: expected the fields of this version. Received: {prefix or 'the recipe'} "
            f"without {missing or 'nothing'}, with unknown {unknown or 'nothing'}. "
            "Take a recipe.json that this version wrote."
        )
    return {name: _typed(hints[name], values[name], f"recipe: {prefix}{name}") for name in names}


def _typed(annotation, value, where: str):
    kinds = _kinds(annotation)
    if float in kinds and type(value) is int:
        value = float(value)
    if tuple in kinds and isinstance(value, list):
        value = tuple(value)
    if type(value) not in kinds:
        names = " or ".join("None" if kind is types.NoneType else kind.__name__ for kind in kinds)
        raise InputError(f"{where}: expected {names}. Received: {value!r}.")
    return value


def _replace(record, field: str, text: str, prefix: str):
    names = [item.name for item in dataclasses.fields(record)]
    settable = [name for name in names if not dataclasses.is_dataclass(getattr(record, name))]
    if field not in settable:
        raise InputError(
            f"--set: unknown field. Received: {prefix}{field!r}. "
            f"Known fields: {', '.join(prefix + name for name in settable)}."
        )
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        value = text.strip()
    where = f"--set {prefix}{field}"
    value = _typed(typing.get_type_hints(type(record))[field], value, where)
    return dataclasses.replace(record, **{field: value})


def _kinds(annotation) -> tuple[type, ...]:
    """Returns the types that an annotation such as `tuple[int, ...] | None` allows."""
    parts = (annotation,)
    if isinstance(annotation, types.UnionType):
        parts = typing.get_args(annotation)
    return tuple(typing.get_origin(part) or part for part in parts)
