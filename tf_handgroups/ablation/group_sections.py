"""The sections of the report about the groups: which, how stable, how decided, how costly."""

import math
from collections.abc import Sequence

import numpy as np

from tf_handgroups.ablation.ablation_figures import entropy_figure, hands_figure, shared_figure
from tf_handgroups.ablation.grouping_agreement import adjusted_rand_index, pairwise_agreement
from tf_handgroups.ablation.paired_statistics import Interval, mean_interval
from tf_handgroups.ablation.report_section import Picture, Section, Table
from tf_handgroups.ablation.results import MAIN_MEASURES, Results
from tf_handgroups.ablation.run_measures import FORMS, read_grouping
from tf_handgroups.ablation.run_plan import PlannedRun
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.callbacks.temperature_schedule import TemperatureSchedule
from tf_handgroups.grouping import named_grouping
from tf_handgroups.recipes.recipe import Recipe
from tf_handgroups.run_folder import SELECTOR_FILE
from tf_handgroups.selector_history import read_selector, selector_scalars

MAX_HANDS = 6


def runs_by_variant(runs: Sequence[PlannedRun]) -> dict[str, list[PlannedRun]]:
    """Returns the runs of each variant, in the order of the grid.

    Example:

    >>> runs_by_variant([])
    {}
    """
    found: dict[str, list[PlannedRun]] = {}
    for run in runs:
        found.setdefault(run.variant.name, []).append(run)
    return found


def is_learned(recipe: Recipe) -> bool:
    """Returns whether a recipe learns which joints share a group.

    Example:

    >>> is_learned(Recipe("mine")), is_learned(Recipe("mine", grouping="random"))
    (True, False)
    """
    return recipe.grouping is None and recipe.num_groups > 1


def groups_section(runs: Sequence[PlannedRun]) -> Section:
    """Returns which joints ended up together, and how stable that is over the seeds.

    Args:
        runs: Measured runs.
    """
    rows, pictures = [], []
    fingers = named_grouping("per_finger", 5)
    for name, of_variant in runs_by_variant(runs).items():
        recipe = of_variant[0].recipe
        if not is_learned(recipe) and recipe.grouping != "random":
            continue
        groupings = {run.recipe.seed: read_grouping(run.folder) for run in of_variant}
        agreement = pairwise_agreement(list(groupings.values()))
        with_fingers = [adjusted_rand_index(one, fingers) for one in groupings.values()]
        used = [len(set(one)) for one in groupings.values()]
        rows.append(
            (
                name,
                "learned" if is_learned(recipe) else "drawn",
                str(len(groupings)),
                _span(agreement) if agreement else "one run",
                _span(with_fingers),
                f"{min(used)} - {max(used)} of {recipe.num_groups}",
                " ".join(map(_digits, groupings.values())),
            )
        )
        if is_learned(recipe):
            shown = dict(list(groupings.items())[:MAX_HANDS])
            pictures.append(
                Picture(
                    f"groups-{name}",
                    hands_figure(shown, recipe.num_groups),
                    f"{name}: which joints ended up together, seed by seed. Equal colours are "
                    "matched to the first seed.",
                )
            )
            pictures.append(
                Picture(
                    f"shared-{name}",
                    shared_figure(list(groupings.values())),
                    f"{name}: in which share of the runs two joints are in one group.",
                )
            )
    head = (
        "variant", "groups", "runs", "ARI between runs", "ARI with fingers", "groups used",
        "groupings: wrist, thumb, index, middle, ring, little",
    )  # fmt: skip
    return Section(
        "Which joints end up together, and how stable that is",
        (
            "The adjusted Rand index (ARI) is 1 for the same groups and 0 on average for groups "
            "that have nothing to do with each other: mean, and smallest to largest, of all pairs "
            "of runs. Groups that were drawn show what chance gives.",
        ),
        Table(head, tuple(rows)) if rows else None,
        tuple(pictures),
    )


def selector_section(runs: Sequence[PlannedRun]) -> Section:
    """Returns how the selector's entropy fell with its temperature.

    Args:
        runs: Finished runs.
    """
    rows, curves, uniform = [], {}, {}
    for name, of_variant in runs_by_variant(runs).items():
        recipe = of_variant[0].recipe
        if not is_learned(recipe):
            continue
        logs = [_selector_log(run) for run in of_variant]
        first, last = ([entropies[index] for _, entropies, _ in logs] for index in (0, -1))
        fixed = f"{recipe.commit_at:.0%} of the steps" if recipe.commit_at < 1 else "never"
        rows.append(
            (
                name,
                f"{math.log(recipe.num_groups):.3f}",
                with_interval(mean_interval(first), 3),
                with_interval(mean_interval(last), 3),
                with_interval(mean_interval([100 * decided for *_, decided in logs]), 0),
                fixed,
            )
        )
        curves[name] = [(temperatures, entropies) for temperatures, entropies, _ in logs]
        uniform[name] = math.log(recipe.num_groups)
    pictures = ()
    if curves:
        pictures = (
            Picture(
                "entropy",
                entropy_figure(curves, uniform),
                "Mean entropy of the joints' group probabilities at the end of each epoch against "
                "the temperature there, a line per seed; time runs to the right. Dashed: knowing "
                "nothing.",
            ),
        )
    head = (
        "variant", "uniform (nats)", "after the first epoch", "at the end",
        "decided joints (%)", "grouping fixed after",
    )  # fmt: skip
    return Section(
        "How the selector decides",
        ("Decided is a joint that one group has with a probability of 0.9 or more.",),
        Table(head, tuple(rows)) if rows else None,
        pictures,
    )


def hardening_section(runs: Sequence[PlannedRun], results: Results, data: str) -> Section:
    """Returns what the hardened network loses against softer uses of the same weights.

    Args:
        runs: Measured runs.
        results: Their measures.
        data: Name of the data on which all forms were measured.
    """
    rows = []
    for name, of_variant in runs_by_variant(runs).items():
        if not is_learned(of_variant[0].recipe):
            continue
        for measure in MAIN_MEASURES:
            hardened = results.values(name, data, measure.name)
            if not hardened:
                continue
            cells = [with_interval(mean_interval(list(hardened.values())), measure.digits,
                                   measure.scale)]  # fmt: skip
            for form in list(FORMS)[1:]:
                other = results.values(name, data, measure.name, form)
                differences = [value - hardened[seed] for seed, value in other.items()]
                if not differences:
                    cells.append("-")
                elif form == "trained":
                    largest = max(map(abs, differences)) * measure.scale
                    cells.append(f"{largest:.0e}" if largest else "0")
                else:
                    cells.append(
                        with_interval(
                            mean_interval(differences), measure.digits, measure.scale, sign=True
                        )
                    )
            rows.append((name, measure.title, *cells))
    head = (
        "variant", "measure", "hardened", "trained: largest difference", "expected - hardened",
        "sampled - hardened",
    )  # fmt: skip
    meanings = "; ".join(f"`{form}`: {meaning}" for form, meaning in FORMS.items())
    return Section(
        "What hardening costs",
        (
            f"The same weights in four forms, on {data} data. {meanings}. Differences are taken "
            "seed by seed.",
        ),
        Table(head, tuple(rows)) if rows else None,
    )


def with_interval(interval: Interval, digits: int, scale: float = 1.0, sign: bool = False) -> str:
    """Returns a mean with half the width of its interval.

    Example:

    >>> with_interval(Interval(0.5, 0.4, 0.6, 3), 1, scale=100)
    '50.0 ± 10.0'
    """
    mean = f"{interval.mean * scale:{'+' if sign else ''}.{digits}f}"
    if interval.count < 2:
        return f"{mean} (one seed)"
    return f"{mean} ± {interval.half_width * scale:.{digits}f}"


def _selector_log(run: PlannedRun) -> tuple[np.ndarray, np.ndarray, float]:
    """Temperatures and entropies at the ends of the epochs, and the share decided at last."""
    recipe = run.recipe
    steps, probabilities = read_selector(run.folder / SELECTOR_FILE)
    schedule = TemperatureSchedule(
        StepClock(), recipe.steps, recipe.temperature_start, recipe.temperature_end,
        recipe.commit_at,
    )  # fmt: skip
    scalars = [selector_scalars(values, values.argmax(axis=1).tolist()) for values in probabilities]
    return (
        np.array([schedule.temperature_at(step) for step in steps]),
        np.array([one["entropy_nats"] for one in scalars]),
        scalars[-1]["decided_joints"],
    )


def _span(values: Sequence[float]) -> str:
    return f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _digits(grouping: Sequence[int]) -> str:
    """The groups of the wrist and of each finger from its base to its tip."""
    parts = [grouping[:1], *(grouping[start : start + 4] for start in range(1, 21, 4))]
    return "".join(f"{'.' if index else ''}{''.join(map(str, part))}"
                   for index, part in enumerate(parts))  # fmt: skip
