"""What is compared: variants of a recipe, and which is held against which."""

import dataclasses
import json
import pathlib
import typing
from typing import Any

from tf_handgroups.errors import InputError
from tf_handgroups.recipes.recipe import Recipe, override


@dataclasses.dataclass(frozen=True)
class Variant:
    """One change to the recipe.

    Args:
        name: Short; also the name of its folder.
        title: What it is, for people.
        set: Changes of the recipe, `field=value`.
        seeds: How many seeds at most; `None` for all that are asked for.
    """

    name: str
    title: str
    set: tuple[str, ...] = ()
    seeds: int | None = None

    def recipe(self, base: Recipe) -> Recipe:
        """Returns the changed recipe.

        Example:

        >>> Variant("two", "two groups", ("num_groups=2",)).recipe(Recipe("mine")).num_groups
        2
        """
        return override(base, list(self.set))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A question with two variants that answer it.

    Args:
        family: Comparisons of one family are corrected together for being several.
        variant: Name of the variant that is claimed to be better.
        reference: Name of the one it is held against.
        question: What the difference answers.
    """

    family: str
    variant: str
    reference: str
    question: str


@dataclasses.dataclass(frozen=True)
class Grid:
    """A set of variants and comparisons.

    Args:
        name: Of the grid.
        budget: Name of the variant whose number of weights all others are given, by the
            width of their branches.
        variants: What is trained.
        comparisons: What is compared.

    Raises:
        InputError: If names are missing, doubled or unfit for folders.

    Example:

    >>> Grid("mine", "one", (Variant("one", "one group"),), ()).variant("one").title
    'one group'
    """

    name: str
    budget: str
    variants: tuple[Variant, ...]
    comparisons: tuple[Comparison, ...]

    def __post_init__(self):
        names = [variant.name for variant in self.variants]
        unfit = [name for name in names if not name.replace("-", "").replace("_", "").isalnum()]
        if unfit or len(set(names)) != len(names):
            raise InputError(
                "grid: expected variants with different names of letters, digits and dashes. "
                f"Received: names={names}."
            )
        used = [self.budget]
        for comparison in self.comparisons:
            used += [comparison.variant, comparison.reference]
        unknown = sorted(set(used) - set(names))
        if unknown:
            raise InputError(
                f"grid: expected names of its variants in budget and comparisons. Received: "
                f"unknown {', '.join(unknown)}. Known variants: {', '.join(names)}."
            )

    def variant(self, name: str) -> Variant:
        """Returns a variant by name."""
        return {variant.name: variant for variant in self.variants}[name]


# The order is that of the tables; the first ones answer the main questions.
_VARIANTS = (
    Variant("one-group", "one shared branch", ("num_groups=1", "grouping=one_group")),
    Variant("learned-3", "three learned groups, relaxed Bernoulli", ("num_groups=3",)),
    Variant("random-3", "three groups, drawn by seed", ("num_groups=3", "grouping=random")),
    Variant("no-fusion-3", "three learned groups, no fusion", ("num_groups=3", "fusion=False")),
    Variant("learned-2", "two learned groups", ("num_groups=2",), 3),
    Variant("learned-5", "five learned groups", ("num_groups=5",), 3),
    Variant("finger-5", "a group per finger", ("num_groups=5", "grouping=per_finger"), 3),
    Variant(
        "onehot-3",
        "three learned groups, relaxed one-hot",
        ("num_groups=3", "distribution=relaxed_onehot"),
        3,
    ),
    Variant(
        "features-3", "three learned groups, features gated", ("num_groups=3", "gating=features"), 3
    ),
    Variant(
        "uncommitted-3",
        "three learned groups, noise until the end",
        ("num_groups=3", "commit_at=1.0"),
        3,
    ),
)

_COMPARISONS = (
    Comparison(
        "grouping", "learned-3", "one-group", "Do three groups beat one branch of equal size?"
    ),
    Comparison(
        "grouping", "learned-3", "random-3", "Does learning the groups beat drawing them?"
    ),
    Comparison("grouping", "random-3", "one-group", "Do even random groups beat one branch?"),
    Comparison("grouping", "learned-3", "no-fusion-3", "Does fusion help?"),
    Comparison("choices", "learned-2", "learned-3", "Two groups instead of three?"),
    Comparison("choices", "learned-5", "learned-3", "Five groups instead of three?"),
    Comparison("choices", "learned-5", "finger-5", "Do learned groups beat the fingers?"),
    Comparison(
        "choices", "onehot-3", "learned-3", "Relaxed one-hot instead of Bernoulli gates?"
    ),
    Comparison("choices", "features-3", "learned-3", "Gating features instead of predictions?"),
    Comparison("choices", "uncommitted-3", "learned-3", "Noise until the end instead of fixing?"),
)  # fmt: skip


def _main_part(name: str, count: int) -> Grid:
    variants = _VARIANTS[:count]
    names = {variant.name for variant in variants}
    comparisons = [one for one in _COMPARISONS if {one.variant, one.reference} <= names]
    return Grid(name, "learned-3", variants, tuple(comparisons))


GRIDS = {
    "main": _main_part("main", 4),
    "full": _main_part("full", len(_VARIANTS)),
}


def get_grid(name: str) -> Grid:
    """Returns a grid by name, or from a JSON file.

    Args:
        name: A name of `GRIDS`, or the path of a `.json` file with what
            `dataclasses.asdict` gives; `seeds`, `set` and `name` of the grid may be left out.

    Raises:
        InputError: If the name is unknown, or the file is missing or holds no grid.

    Example:

    >>> [variant.name for variant in get_grid("main").variants]
    ['one-group', 'learned-3', 'random-3', 'no-fusion-3']
    """
    if name in GRIDS:
        return GRIDS[name]
    if not name.endswith(".json"):
        raise InputError(
            f"unknown grid. Received: grid={name!r}. Known grids: {', '.join(GRIDS)}; "
            "or the path of a .json file."
        )
    try:
        values = json.loads(pathlib.Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: expected a grid in JSON. Received: {error}.") from error
    grid = _record(Grid, {"name": pathlib.Path(name).stem} | _object(values, name), name)
    return grid


def _object(values: Any, where: str) -> dict:
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected an object. Received: {values!r}.")
    return values


def _record(record_type: type, values: Any, where: str):
    """Makes a record of what was in a file."""
    values = _object(values, where)
    fields = {field.name: field for field in dataclasses.fields(record_type)}
    needed = {name for name, field in fields.items() if field.default is dataclasses.MISSING}
    if not needed <= set(values) <= set(fields):
        raise InputError(
            f"{where}: expected the fields {', '.join(fields)} of which only "
            f"{', '.join(sorted(set(fields) - needed)) or 'none'} may be missing. "
            f"Received: {', '.join(values) or 'none'}."
        )
    parts = {"variants": Variant, "comparisons": Comparison}
    hints = typing.get_type_hints(record_type)
    made = {}
    for name, value in values.items():
        kinds = typing.get_args(hints[name]) or (hints[name],)
        if typing.get_origin(hints[name]) is tuple:
            kinds = (list,)
        if type(value) not in kinds:
            raise InputError(f"{where}: {name}: expected another type. Received: {value!r}.")
        if name in parts:
            value = [_record(parts[name], part, f"{where}: {name}") for part in value]
        made[name] = tuple(value) if isinstance(value, list) else value
    return record_type(**made)
