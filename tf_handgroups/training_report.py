"""`report.html` of a training run: what was trained, how it went, what came out."""

import dataclasses
import datetime
import html
import os
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.callbacks.temperature_schedule import TemperatureSchedule
from tf_handgroups.compiling import learning_rate_schedule
from tf_handgroups.errors import InputError
from tf_handgroups.evaluation import evaluate
from tf_handgroups.evaluation_report import Evaluation, cases_image
from tf_handgroups.hardening import grouping_of
from tf_handgroups.html_page import figure, jpeg, page, paragraph, table, text
from tf_handgroups.joints import JOINT_NAMES
from tf_handgroups.measured_logs import measured
from tf_handgroups.model_file import load_model
from tf_handgroups.models.hand_pose_model import HandPoseModel
from tf_handgroups.plots import joint_groups_plot, line_panels, selector_plot, training_curves
from tf_handgroups.recipes import Recipe, get_recipe
from tf_handgroups.run_folder import (
    MODEL_FILE,
    RECIPE_FILE,
    REPORT_FILE,
    SELECTOR_FILE,
    read_history,
)
from tf_handgroups.run_record import RunRecord
from tf_handgroups.sample_prediction import SamplePrediction
from tf_handgroups.selector_history import read_selector

# So many validation samples at most are measured again, at even steps.
MAX_SAMPLES = 500
NUM_CASES = 6

# History column -> title of its panel.
CURVES = {
    "loss": "loss",
    "uv_px_end_point_error": "2D error (pixels of the crop)",
    "uv_px_pck": "share of joints within 0.2 boxes",
    "pa_mpjpe_mm": "3D error, aligned (mm)",
    "z_rel_loss": "depth error (bone lengths)",
    "presence_accuracy": "hand or no hand: share right",
}


def write_training_report(folder: str | os.PathLike, validation_data: list) -> pathlib.Path:
    """Writes `report.html` into a run folder, also of a run that is not finished.

    Needs the recipe, `run.json`, the history, `selector.csv` and the model, so at least
    one finished epoch. An older report is replaced.

    Args:
        folder: Of the run.
        validation_data: Data sets the model is measured on once more, hand by hand.

    Returns:
        Path of the report; it needs no other file.

    Raises:
        InputError: If something is missing or damaged.
    """
    folder = pathlib.Path(folder)
    path = folder / REPORT_FILE
    for needed in (RECIPE_FILE, SELECTOR_FILE, MODEL_FILE):
        if not (folder / needed).is_file():
            raise InputError(
                f"{folder}: expected a run with {needed}. Received: none. "
                "Train for at least one epoch."
            )
    with replacing_file(path, overwrite=True) as temporary:
        temporary.write_text(_report(folder, validation_data), encoding="utf-8")
    return path


def _report(folder: pathlib.Path, validation_data: list) -> str:
    recipe = get_recipe(os.fspath(folder / RECIPE_FILE))
    record = RunRecord(folder).content
    model = load_model(folder / MODEL_FILE)
    if not isinstance(model, HandPoseModel):
        raise InputError(f"{folder / MODEL_FILE}: expected the trained model. Received: another.")
    try:
        samples = _spread(validation_data, MAX_SAMPLES)
        result = evaluate(SamplePrediction(model), samples, num_worst=len(samples))
    except InputError as error:
        result = str(error)
    steps, probabilities = read_selector(folder / SELECTOR_FILE)
    history = read_history(folder)
    sections = {
        "What was trained, on what": _what(recipe, record),
        "How training went": _curves(recipe, history),
        "Which joints share a group": groups_section(recipe, probabilities[-1], grouping_of(model))
        + figure(
            selector_plot(steps, probabilities),
            "How it came to that: one panel per group, the darker the more probable.",
            wide=True,
            chart=True,
        ),
        "Hands it finds easy, hands it finds hard": _hands(result),
        "How to go on": _next_steps(folder, validation_data),
    }
    body = [_summary(recipe, record, result, folder)]
    body += [f"<section><h2>{text(title)}</h2>{part}</section>" for title, part in sections.items()]
    return page(f"Training run {folder.resolve().name}", "".join(body))


def recipe_line(recipe: Recipe) -> str:
    """Returns the main facts about a recipe in a sentence.

    Example:

    >>> recipe_line(Recipe("mine", steps=10, pretrained=False))[:58]
    'Recipe `mine`: 10 steps of 32 crops of 128 x 128 pixels, e'
    """
    if recipe.architecture == "paper":
        network = "the network of the paper starting from random weights"
    else:
        name = {"efficientnet_lite0": "EfficientNet-Lite0"}.get(recipe.encoder, recipe.encoder)
        known = "pretrained on ImageNet" if recipe.pretrained else "starting from random weights"
        network = f"encoder {name} {known}"
    return (
        f"Recipe `{recipe.name}`: {recipe.steps} steps of {recipe.batch_size} crops of "
        f"{recipe.input_size} x {recipe.input_size} pixels, {network}, computed in "
        f"{recipe.precision.removeprefix('mixed_')}."
    )


def titled(history: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Chooses the main quantities of a history and gives them readable names.

    What was measured on nothing, such as 3D errors without 3D labels, is left out.

    Args:
        history: A list per logged quantity, one value per epoch.

    Returns:
        For `training_curves`.

    Example:

    >>> titled({"loss": [2.0, 1.0], "val_pa_mpjpe_mm": [0.0, 0.0]})
    {'loss': [2.0, 1.0]}
    """
    rows = [
        measured(dict(zip(history, row, strict=True)))
        for row in zip(*history.values(), strict=True)
    ]
    return {
        prefix + title: [row[prefix + column] for row in rows]
        for column, title in CURVES.items()
        for prefix in ("", "val_")
        if rows and all(prefix + column in row for row in rows)
    }


def groups_section(recipe: Recipe, probabilities: np.ndarray, grouping: Sequence[int]) -> str:
    """Returns the section about the groups as HTML.

    Args:
        recipe: Of the training.
        probabilities: `(21, groups)` of the selector.
        grouping: 21 group indices.
    """
    num_groups = probabilities.shape[1]
    rows = []
    for group in range(num_groups):
        names = [n for n, own in zip(JOINT_NAMES, grouping, strict=True) if own == group]
        joints = ", ".join(name.replace("_", " ") for name in names)
        rows.append([str(group), str(len(names)), joints or "none: this group lost its head"])
    if recipe.grouping is not None:
        return (
            paragraph("The grouping was given, not learned.")
            + figure(joint_groups_plot(probabilities), "The grouping.", wide=True, chart=True)
            + table(["group", "joints", "which"], rows)
        )
    end = (
        f"for the last {1 - recipe.commit_at:.0%} of the steps each joint belongs to "
        "exactly one group: the most probable."
        if recipe.commit_at < 1
        else "in use each joint belongs to exactly one group: the most probable."
    )
    return (
        paragraph(
            "The network has several small feature branches, the groups. Training decides "
            "which branch speaks for which joint: it first mixes the branches with random "
            "weights whose probabilities are learned, then becomes more and more decided, and "
            + end
        )
        + figure(
            joint_groups_plot(probabilities),
            "Left: the grouping, each joint in the colour of its group. Right: how decided the "
            "learned probabilities are; a bar of one colour means entirely. Here the most probable "
            f"group of a joint has {probabilities.max(axis=1).mean():.0%} on average; knowing "
            f"nothing would be {1 / num_groups:.0%}.",
            wide=True,
            chart=True,
        )
        + table(["group", "joints", "which"], rows)
    )


def _spread(datasets: list, count: int) -> list:
    size = sum(map(len, datasets))
    chosen = set(np.linspace(0, size - 1, min(count, size)).round().astype(int).tolist())
    samples, start = [], 0
    for dataset in datasets:
        samples += [dataset[i] for i in range(len(dataset)) if start + i in chosen]
        start += len(dataset)
    return samples


def _summary(
    recipe: Recipe, record: dict[str, Any], result: Evaluation | str, folder: pathlib.Path
) -> str:
    sessions = record["sessions"]
    done = max((one["last_step"] or one["first_step"] for one in sessions), default=0)
    tiles = [
        (f"{done:,}", f"of {recipe.steps:,} steps"),
        (_duration(sessions), f"in {len(sessions)} session{'s' * (len(sessions) != 1)}"),
    ]
    if isinstance(result, Evaluation):
        box, within = (result.report["errors_2d"][name] for name in ("epe_box", "pck_0.2_box"))
        aligned = result.report.get("errors_3d", {}).get("procrustes")
        if box is not None:
            tiles.append((f"{box:.1%}", "of the hand's box: mean 2D error"))
            tiles.append((f"{within:.1%}", "of the joints within a fifth of the box"))
        if aligned is not None:
            tiles.append((f"{aligned['mpjpe_mm']:.1f} mm", "mean 3D error after alignment"))
    cells = "".join(f'<div class="tile"><b>{a}</b><span>{text(b)}</span></div>' for a, b in tiles)
    measured_on = (
        f"Errors are those of `{MODEL_FILE}` on {result.report['data']['num_hands']} validation "
        f"hands (at most {MAX_SAMPLES} samples at even steps)."
        if isinstance(result, Evaluation)
        else f"The model could not be measured on the validation data: {result}"
    )
    early = (
        "Training stopped early, because validation no longer improved for "
        f"{recipe.patience} epochs. "
        if record["finished"] and done < recipe.steps
        else ""
    )
    best = "the best epoch's" if recipe.patience else "that of the last epoch"
    return (
        f"<h1>Training run {html.escape(folder.resolve().name)}</h1>"
        + paragraph(recipe_line(recipe))
        + f'<div class="tiles">{cells}</div>'
        + paragraph(f"{early}The saved model is {best}. {measured_on}", "soft")
    )


def _what(recipe: Recipe, record: dict[str, Any]) -> str:
    rows = [
        ["training data", "; ".join(record["training_data"])],
        ["validation data", "; ".join(record["validation_data"])],
        ["seed", str(record["seed"])],
    ]
    sessions = [
        [
            _moment(one["started"]),
            _moment(one["ended"]) if one["ended"] else "-",
            f"{one['first_step']:,} - {one['last_step'] or 0:,}" if one["ended"] else
            f"{one['first_step']:,} -",
            one["end"],
            f"{one['strategy'].strip('_')}, {one['replicas']} x {'/'.join(one['devices'])}",
            ", ".join(f"{name} {version}" for name, version in one["versions"].items()),
            (one["git_revision"] or "-")[:10],
        ]
        for one in record["sessions"]
    ]  # fmt: skip
    head = ["started (UTC)", "ended", "steps", "why it ended", "devices", "versions", "git"]
    values = [[name, str(value)] for name, value in dataclasses.asdict(recipe).items()]
    return (
        table(["", ""], rows)
        + "<p></p>"
        + table(head, sessions)
        + f"<details><summary>The whole recipe</summary>{table(['field', 'value'], values)}"
        "</details>"
    )


def _curves(recipe: Recipe, history: Mapping[str, Sequence[float]]) -> str:
    steps = np.linspace(0, recipe.steps, 301)
    rate = learning_rate_schedule(recipe)
    temperature = TemperatureSchedule(
        StepClock(), recipe.steps, recipe.temperature_start, recipe.temperature_end,
        recipe.commit_at,
    )  # fmt: skip
    schedules = {
        "learning rate": (steps, np.array([float(rate(step)) for step in steps])),
        "temperature of the selector": (
            steps,
            np.array([temperature.temperature_at(step) for step in steps]),
        ),
    }
    curves = titled(history)
    drawn = (
        figure(
            training_curves(curves),
            f"One point per {recipe.steps_per_epoch} steps. Blue: training pictures, turned, "
            "shifted and recoloured at random, with noise on the grouping, which is why they look "
            "worse than they are. Orange: validation pictures as they are.",
            wide=True,
            chart=True,
        )
        if curves
        else paragraph("No epoch was finished.")
    )
    return drawn + figure(
        line_panels(schedules, "step"), "What the recipe planned for every step.", chart=True
    )


def _hands(result: Evaluation | str) -> str:
    if isinstance(result, str):
        return paragraph(result, "bad")
    worst_first = result.worst
    if not worst_first:
        return paragraph("No validation hand has visible joints.")
    best, worst = worst_first[::-1][:NUM_CASES], worst_first[:NUM_CASES]
    return (
        paragraph(
            "In each pair: left the true joints, right the prediction. Errors are means over the "
            "visible joints of a hand, as a share of its box."
        )
        + figure(jpeg(cases_image(best)), "The smallest errors, best first.", wide=True)
        + figure(jpeg(cases_image(worst)), "The largest errors, worst first.", wide=True)
    )


def _next_steps(folder: pathlib.Path, validation_data: list) -> str:
    model = shlex.quote(os.fspath(folder / MODEL_FILE))
    dataset = validation_data[0]
    where = f"{getattr(dataset, 'kind', 'KIND')}:{getattr(dataset, 'path', 'PATH')}"
    steps = [
        (
            "Measure the model on labelled hands, with curves and tables for every protocol.",
            f"tf-handgroups evaluate --model {model} --data {shlex.quote(where)} --out evaluation",
        ),
        (
            "Harden and convert it to LiteRT; at least 400 hands calibrate and check the files.",
            f"tf-handgroups convert --model {model} --data {shlex.quote(where)} --out converted",
        ),
        (
            "Find the joints in pictures.",
            f"tf-handgroups predict --model {model} --out predictions PICTURES",
        ),
        (
            "Look at the curves of every step, and compare runs.",
            f"tensorboard --logdir {shlex.quote(os.fspath(folder.parent))}",
        ),
    ]
    rows = "".join(
        f"<li>{text(why)}<pre>{html.escape(command)}</pre></li>" for why, command in steps
    )
    return f"<ol>{rows}</ol>"


def _moment(written: str) -> str:
    return _time(written).strftime("%Y-%m-%d %H:%M")


def _time(written: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(written)


def _duration(sessions: Sequence[Mapping[str, Any]]) -> str:
    """Hours and minutes of all sessions whose end is known."""
    seconds = sum(
        (_time(one["ended"]) - _time(one["started"])).total_seconds()
        for one in sessions
        if one["ended"]
    )
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
