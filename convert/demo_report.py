"""The demo's report: one HTML file that needs nothing else, for desk and phone."""

import dataclasses
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_handgroups.convert.next_steps import next_steps
from tf_handgroups.convert.pruning import Pruning
from tf_handgroups.evaluation_report import Evaluation
from tf_handgroups.html_page import figure, jpeg, page, paragraph, table, text
from tf_handgroups.plots import pck_plot, training_curves
from tf_handgroups.recipes import Recipe
from tf_handgroups.training_report import groups_section, recipe_line, titled

_GATE_NOTE = (
    "`convert` would not write such a file unless told to with `--accept-loss`, as here. The "
    "gates are made for finished networks; the rows below the gate show what it costs in accuracy."
)


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A held-out hand, truth left of prediction.

    Args:
        pixels: `(height, width, 3)` uint8 RGB.
        error_box: Mean 2D error in box sides.
        better_than: Share of the held-out hands with a larger error.
        is_worst: Whether it is shown as one of the worst.
    """

    pixels: np.ndarray
    error_box: float
    better_than: float
    is_worst: bool


@dataclasses.dataclass(frozen=True, eq=False)
class DemoFacts:
    """Everything the report shows, as measured in this run.

    Args:
        out: The demo's folder as the user named it, for commands.
        seed: Of the demo.
        recipe: Of the training.
        num_train: Training renders.
        num_validation: Validation renders.
        image_size: Side of the renders in pixels.
        sheet: Contact sheet of training renders.
        history: A list per logged quantity, one value per epoch.
        probabilities: `(21, groups)` of the selector.
        grouping: 21 group indices.
        pruning: What hardening changed.
        conversion: What `convert_model` returned.
        evaluations: By variant, `float32` first.
        pictures: Held-out hands.
        seconds: By stage, without the report's own.
    """

    out: str
    seed: int
    recipe: Recipe
    num_train: int
    num_validation: int
    image_size: int
    sheet: np.ndarray
    history: Mapping[str, Sequence[float]]
    probabilities: np.ndarray
    grouping: Sequence[int]
    pruning: Pruning
    conversion: Mapping[str, Any]
    evaluations: Mapping[str, Evaluation]
    pictures: Sequence[Picture]
    seconds: Mapping[str, float]


def demo_report(facts: DemoFacts) -> str:
    """Returns the report as HTML with all pictures embedded, without scripts.

    Args:
        facts: What was measured.
    """
    sections = {
        "Rendered hands to learn from": _renders(facts),
        "Training": _training(facts),
        "Which joints share a group": groups_section(
            facts.recipe, facts.probabilities, facts.grouping
        ),
        "Hardening: the same answers from a plainer network": _hardening(facts),
        "Conversion: float32 and int8": _conversion(facts),
        "Predictions": _pictures(facts),
        "How often how precise": _precision(facts),
        "Where the time went": _times(facts),
        "The same with your own hands": _next_steps(facts),
    }
    body = [_summary(facts)]
    body += [f"<section><h2>{text(title)}</h2>{part}</section>" for title, part in sections.items()]
    return page("tf_handgroups demo", "".join(body))


def _summary(facts: DemoFacts) -> str:
    int8 = facts.evaluations["int8_mixed"].report
    variants = facts.conversion["variants"]
    kilobytes = variants["int8_mixed"]["bytes"] / 1000
    tiles = [
        (_percent(int8["errors_2d"]["epe_box"], 1), "of the hand's box: mean 2D error"),
        (_percent(int8["errors_2d"]["pck_0.2_box"], 1), "of the joints within a fifth of the box"),
        (f"{int8['errors_3d']['procrustes']['mpjpe_mm']:.1f} mm", "mean 3D error after alignment"),
        (f"{kilobytes:,.0f} kB", "the int8 model file"),
        (_clock(sum(facts.seconds.values())), "minutes for everything below"),
    ]
    cells = "".join(f'<div class="tile"><b>{a}</b><span>{text(b)}</span></div>' for a, b in tiles)
    return (
        "<h1>A hand-pose network, from nothing to a LiteRT file</h1>"
        + paragraph(
            "This report was made by `tf-handgroups demo`. It rendered hands with exact "
            "labels, trained a network that finds 21 joints in 2D and 3D and decides by "
            "itself which joints share a group of features, reduced it to what is needed "
            "(hardening), converted it to LiteRT, and measured the result on "
            f"{int8['data']['num_hands']} rendered hands that training never saw. The numbers "
            "are those of the int8 model of this run."
        )
        + f'<div class="tiles">{cells}</div>'
        + paragraph(
            "A demonstration, not a product: minutes of training on few rendered hands do not "
            "suffice for photographs. The last section shows how to go on.",
            "soft",
        )
    )


def _renders(facts: DemoFacts) -> str:
    return paragraph(
        f"{facts.num_train} pictures of {facts.image_size} x {facts.image_size} pixels were "
        f"rendered for training, others for validation and the final measurement (seed "
        f"{facts.seed}). Pose, skin, light, background, camera and held objects are random; "
        "the positions of all joints are known exactly."
    ) + figure(
        jpeg(facts.sheet),
        "The first training pictures with their labels. One colour per finger: thumb orange, "
        "then index to little finger. Dim joints lie outside the picture. A few pictures "
        "hold no hand, so that the network learns to say so.",
        wide=True,
    )


def _training(facts: DemoFacts) -> str:
    recipe = facts.recipe
    return paragraph(recipe_line(recipe)) + figure(
        training_curves(titled(facts.history)),
        f"One point per {recipe.steps_per_epoch} steps. Blue: training pictures, turned, shifted "
        "and recoloured at random, with noise on the grouping, which is why they look worse "
        f"than they are. Orange: {facts.num_validation} validation pictures as they are.",
        wide=True,
        chart=True,
    )


def _hardening(facts: DemoFacts) -> str:
    pruning = facts.pruning
    rows = [
        [what, f"{before:,}", f"{after:,}"]
        for what, (before, after) in (("layers", pruning.layers), ("weights", pruning.weights))
    ]
    rows += [
        ["time for one crop in Keras", "1", f"{pruning.time_ratio:.2f}"],
        ["largest 2D difference, crop pixels", "", f"{pruning.difference_px:.1g}"],
        ["largest depth difference, bone lengths", "", f"{pruning.difference_bones:.1g}"],
    ]
    return paragraph(
        "Once every joint has its group, the random selection and all heads that nobody reads "
        "can go, and normalisation is folded into the convolutions. The answers must stay "
        f"the same to rounding; compared on {pruning.num_crops} validation crops:"
    ) + table(["", "trained", "hardened"], rows)


def _conversion(facts: DemoFacts) -> str:
    variants = facts.conversion["variants"]
    reports = {name: facts.evaluations[name].report for name in variants}
    mean_hand = reports["float32"]["mean_hand"]["mpjpe_mm"]

    def row(title, cell):
        return [title, *(cell(variants[name], reports[name]) for name in variants)]

    rows = [
        row("file size, kB", lambda v, _: f"{v['bytes'] / 1000:,.0f}"),
        row(
            "time for one crop on this computer, ms", lambda v, _: _two(v["benchmark"]["median_ms"])
        ),
        row("the same, relative to float32", lambda v, _: _two(v["benchmark"]["ratio"])),
        row(
            "mean difference to Keras, crop pixels",
            lambda v, _: f"{v['parity']['uv_px']['mean']:.2g}",
        ),
        row("largest difference, crop pixels", lambda v, _: f"{v['parity']['uv_px']['max']:.2g}"),
        row("gate", lambda v, _: _verdict(v["gate"])),
        row(
            "2D error, share of the hand's box", lambda _, r: _percent(r["errors_2d"]["epe_box"], 2)
        ),
        row("2D error, picture pixels", lambda _, r: _two(r["errors_2d"]["epe_px"])),
        row("joints within 0.2 boxes", lambda _, r: _percent(r["errors_2d"]["pck_0.2_box"], 1)),
        row(
            "3D error after alignment, mm",
            lambda _, r: _two(r["errors_3d"]["procrustes"]["mpjpe_mm"]),
        ),
        ["the same for an average hand, mm", *[_two(mean_hand)] * len(variants)],
    ]
    failed = "; ".join(
        f"{name}: {', '.join(variant['gate']['failures'])}"
        for name, variant in variants.items()
        if not variant["gate"]["passed"]
    )
    return (
        paragraph(
            "The hardened network becomes two LiteRT files: float32, and int8_mixed, whose "
            "convolutions compute with 8-bit integers while the last step, which turns "
            "heatmaps into coordinates, stays float. Every file is run and compared with the "
            f"Keras network on {facts.conversion['crops']['validation']} crops of "
            f"{facts.conversion['input_size']} x {facts.conversion['input_size']} pixels. A gate "
            "says how large the difference may be. Then the accuracy of both is measured."
        )
        + table(["", *variants], rows, html_cells=True)
        + (paragraph(f"Outside its gate, {failed}. {_GATE_NOTE}", "bad") if failed else "")
        + paragraph(
            "One thread of this computer; on a phone the ratio differs. Alignment means: after "
            "the best shift, rotation and scale of each hand (PA-MPJPE). The average hand is "
            "the same pose for every picture: what one gets without looking.",
            "soft",
        )
    )


def _pictures(facts: DemoFacts) -> str:
    def card(picture: Picture) -> str:
        error = f"Error {_percent(picture.error_box, 1)} of the box"
        rank = (
            "" if picture.is_worst else f", smaller than for {picture.better_than:.0%} of the hands"
        )
        return figure(jpeg(picture.pixels), f"{error}{rank}.")

    groups = {False: "", True: ""}
    for picture in facts.pictures:
        groups[picture.is_worst] += card(picture)
    count = facts.evaluations["int8_mixed"].report["data"]["num_hands"]
    return (
        paragraph(
            "In each pair: left the true joints, right the prediction of the int8 model. "
            f"The {count} held-out hands were sorted by their error; these stand at even "
            "steps between the best and the worst:"
        )
        + f'<div class="grid">{groups[False]}</div>'
        + paragraph("And the worst of all:")
        + f'<div class="grid">{groups[True]}</div>'
    )


def _precision(facts: DemoFacts) -> str:
    box = {name: result.curves_box["2D"] for name, result in facts.evaluations.items()}
    aligned = {name: result.curves_mm["procrustes"] for name, result in facts.evaluations.items()}
    aligned["average hand"] = facts.evaluations["float32"].curves_mm["mean hand (procrustes)"]
    return figure(
        pck_plot(box, "2D error (share of the hand's box)"),
        "2D. Read: at 0.2 the curve shows how many joints are closer to the truth than a fifth of "
        "the hand's box. Curves further up and left are better; AUC is the area below. Where the "
        "lines lie on each other, int8 costs nothing.",
        chart=True,
    ) + figure(
        pck_plot(aligned, "3D error after alignment (mm)"),
        "3D, after alignment. The average hand knows nothing about the picture: a network is "
        "worth something as far as it is above this curve.",
        chart=True,
    )


def _times(facts: DemoFacts) -> str:
    return table(["stage", "min:s"], [[name, _clock(s)] for name, s in facts.seconds.items()])


def _next_steps(facts: DemoFacts) -> str:
    steps = "".join(
        f"<li>{text(why)}<pre>{html.escape(command)}</pre></li>"
        for why, command in next_steps(facts.out)
    )
    return f"<ol>{steps}</ol>"


def _verdict(gate: Mapping[str, Any]) -> str:
    css, word = ("good", "passed") if gate["passed"] else ("bad", "failed")
    return f'<span class="{css}">{word}</span>'


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f}%"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
