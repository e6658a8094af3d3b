"""The page of `benchmarks.peers`: what was compared and how, in tables."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.markdown_table import markdown_table
from benchmarks.peers_networks import SIDE_FOUND
from benchmarks.peers_windows import BEST_CASES, THEIR_REGION, TWO_PASSES, UPRIGHT_BOX, box_way
from tf_handgroups.joints import JOINT_NAMES

REAL, SAMPLES = "real3d_dev", "mmpose_samples"

_HEAD = f"""# Beside MediaPipe

Made by `make peers`; `benchmarks/peers.py` says what it needs. The hand landmark models of
MediaPipe are those of the wheel `mediapipe==0.10.14`, read as data. All networks ran in one
process, by turns, through the same LiteRT, on the same hands. Bold is the best of a column.

- **Hands.** `{REAL}`: photographs with 3D joints, all left hands, one camera, one scene. Joint
  places of our synthetic hand were checked by eye against them: for our model they are a
  development set. `{SAMPLES}`: hands of five data sets, 2D; few, so small differences mean
  nothing. MediaPipe's training data is not known. Annotators place some joints differently
  (wrist, thumb CMC, MCPs), and every error against labels holds that difference.
- **Windows.** A square about the tight box of the hand, 1.5 times its longer side where nothing
  else is said, upright whatever the rotation of the picture: no rotation hint. Each network
  gets it resampled as its makers do, ours to 128 pixels, MediaPipe's to 224.
- **Rotation.** The picture is turned clockwise by the angle, and with it box and labels.
- **{UPRIGHT_BOX}**, **{THEIR_REGION}**: best cases. The *true* joints turn the window until
  the direction from wrist to knuckles points up. `{UPRIGHT_BOX}` is the tight box in that
  direction x 1.5, `{THEIR_REGION}` the region in which its pipeline looks for a hand that it
  follows from the picture before. The window turns with the picture, so one rotation is enough.
- **{TWO_PASSES}**: the window is turned by what the network itself said in a first pass.
- **Side.** Our network wants to know the side, to mirror left hands. It is told what the labels
  say; in the rows *side found*, and where there is no label, it looks both ways, at twice the
  cost. MediaPipe's need no side.
- **PA-MPJPE** in mm, after the best scale, rotation and shift per hand, of what each network
  says without a camera: ours 2D and relative depth by weak perspective, MediaPipe's *world
  landmarks*.
- **2D error** and **PCK@x**: distance of visible joints over the longer side of the tight box;
  share of joints within x of it.
"""


def page(results: dict[str, Any]) -> str:
    """Returns the page, markdown.

    Args:
        results: As of `benchmarks.peers.compare`.
    """
    parts = [
        _HEAD,
        "\n![Errors against rotation, margin and joint](peers.png)\n",
        "\n## In short\n\n" + _summary(results),
        "\n## Errors at six rotations\n" + _rotations(results),
        "\n## Best cases\n" + _best_cases(results),
        "\n## Margins of the window\n" + _margins(results),
        "\n## The three ways to 3D\n\n" + _recoveries(results),
        "\n## Joint by joint\n\n" + _joints(results),
        "\n## A second pass\n\n" + _turning(results),
        "\n## Hand or no hand\n\n" + _presence(results),
        "\n## Left or right\n\n" + _handedness(results),
        "\n## Time and size\n\n" + _latency(results),
    ]
    counts = ", ".join(f"{count} of `{name}`" for name, count in results["data"].items())
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return "".join(parts) + f"\nHands: {counts}. {versions}.\n"


def chosen(rows: Sequence[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    """Returns the rows that have these values.

    Example:

    >>> chosen([{"a": 1, "b": 2}, {"a": 3}], a=1)
    [{'a': 1, 'b': 2}]
    """
    return [row for row in rows if all(row.get(key) == value for key, value in fields.items())]


def table(
    heads: Sequence[str],
    rows: Iterable[tuple[str, Sequence[float | None]]],
    formats: Sequence[str],
    best: Sequence[Callable | None] | None = None,
) -> str:
    """Lays out a table of numbers, the best of a column in bold.

    Args:
        heads: Of all columns.
        rows: Name and numbers; `None` becomes a dash.
        formats: Of the columns of numbers, such as `".2f"`.
        best: `min` or `max` of each column, `None` for no bold.

    Example:

    >>> print(table(["x", "mm"], [("a", [1.0]), ("b", [2.0])], [".1f"], [min]), end="")
    | x | mm |
    |---|---:|
    | a | **1.0** |
    | b | 2.0 |
    """
    rows = list(rows)
    texts = [
        [
            "-" if value is None else format(value, form)
            for value, form in zip(values, formats, strict=True)
        ]
        for _, values in rows
    ]
    for column, choose in enumerate(best or [None] * len(formats)):
        known = [row[1][column] for row in rows if row[1][column] is not None]
        if choose is None or len(known) < 2:
            continue
        top = format(choose(known), formats[column])
        for cells in texts:
            if cells[column] == top:
                cells[column] = f"**{top}**"
    return markdown_table(
        heads, [[name, *cells] for (name, _), cells in zip(rows, texts, strict=True)]
    )


def names_of(results: dict[str, Any]) -> list[str]:
    """Returns the networks in their order."""
    return list(dict.fromkeys(row["network"] for row in results["accuracy"]))


def told_or_theirs(results: dict[str, Any]) -> list[str]:
    """Returns the networks without those rows of ours that are told no side."""
    return [name for name in names_of(results) if not name.endswith(SIDE_FOUND)]


def value_of(row: dict[str, Any], measure: str) -> float | None:
    """Returns a measure of a row of accuracy; of 3D the one the network is known by."""
    value = row.get(measure)
    return next(iter(value.values())) if isinstance(value, dict) else value


def over_rotations(
    results: dict[str, Any], measure: str, network: str, way: str, data: str
) -> list[float | None]:
    """Returns a measure at all rotations, and last its mean."""
    rows = chosen(results["accuracy"], network=network, way=way, data=data)
    values = [value_of(row, measure) for row in rows]
    known = [value for value in values if value is not None]
    return [*values, float(np.mean(known)) if known and len(known) == len(values) else None]


def _summary(results: dict[str, Any]) -> str:
    sizes = {row["network"]: row["bytes"] / 1e6 for row in results["files"]}
    times = {
        row["network"]: row["ratio"][0] for row in chosen(results["latency"]["rows"], threads=1)
    }
    rows = []
    for name in names_of(results):
        pa = over_rotations(results, "pa_mpjpe_mm", name, box_way(), REAL)
        flat = over_rotations(results, "epe_box", name, box_way(), REAL)
        share = over_rotations(results, "pck_0.2", name, box_way(), REAL)
        other = over_rotations(results, "epe_box", name, box_way(), SAMPLES)
        best = over_rotations(results, "pa_mpjpe_mm", name, THEIR_REGION, REAL)
        file = name.removesuffix(SIDE_FOUND)
        time = times[file] * (1 if file == name else 2)
        numbers = [pa[0], pa[-1], best[-1], flat[0], flat[-1], share[-1], other[0], other[-1]]
        rows.append((name, [*numbers, time, sizes[file]]))
    heads = ["", "PA upright", "PA mean", f"PA in {THEIR_REGION}", "2D upright", "2D mean"]
    heads += ["PCK@0.2 mean", f"2D {SAMPLES}, upright", "mean", "time", "MB"]
    choose = [min, min, min, min, min, max, min, min, min, min]
    return (
        table(heads, rows, [".2f"] * 3 + [".4f"] * 2 + [".3f"] + [".4f"] * 2 + [".2f"] * 2, choose)
        + "\nMean: over the rotations, no hint. Time: one thread, over MediaPipe full, see below.\n"
    )


def _rotations(results: dict[str, Any]) -> str:
    angles = [f"{degrees:g}°" for degrees in results["rotations"]]
    measures = [
        ("pa_mpjpe_mm", "PA-MPJPE, mm", ".2f", min, [REAL]),
        ("epe_box", "2D error", ".4f", min, [REAL, SAMPLES]),
        ("pck_0.05", "PCK@0.05", ".3f", max, [REAL, SAMPLES]),
        ("pck_0.2", "PCK@0.2", ".3f", max, [REAL, SAMPLES]),
    ]
    text = ""
    for measure, title, form, choose, names in measures:
        for data in names:
            text += f"\n### {title}, {data}\n"
            count = len(angles) + 1
            for way in (box_way(), TWO_PASSES):
                rows = [
                    (name, over_rotations(results, measure, name, way, data))
                    for name in names_of(results)
                ]
                heads = [way, *angles, "mean"]
                text += "\n" + table(heads, rows, [form] * count, [choose] * count)
    return text


def _best_cases(results: dict[str, Any]) -> str:
    text = ""
    for way in BEST_CASES:
        rows = [
            (
                name,
                [
                    over_rotations(results, measure, name, way, data)[0]
                    for measure, data in _BEST_COLUMNS
                ],
            )
            for name in told_or_theirs(results)
        ]
        heads = [way, f"PA-MPJPE, {REAL}", *(f"2D error, {data}" for data in (REAL, SAMPLES))]
        heads += [f"PCK@{share}, {data}" for data in (REAL, SAMPLES) for share in ("0.05", "0.2")]
        formats = [".2f", ".4f", ".4f", *[".3f"] * 4]
        text += "\n" + table(heads, rows, formats, [min] * 3 + [max] * 4)
    return text + (
        f"\nOf {SAMPLES} only the hands in which the joints that turn the window are labelled: "
        "these are other hands than above.\n"
    )


_BEST_COLUMNS = (
    ("pa_mpjpe_mm", REAL),
    ("epe_box", REAL),
    ("epe_box", SAMPLES),
    *((f"pck_{share}", data) for data in (REAL, SAMPLES) for share in ("0.05", "0.2")),
)


def _margins(results: dict[str, Any]) -> str:
    heads = ["", *(f"x{margin:g}" for margin in results["margins"])]
    text = ""
    for measure, title, form, data in (
        ("pa_mpjpe_mm", "PA-MPJPE, mm", ".2f", REAL),
        ("epe_box", "2D error", ".4f", REAL),
        ("epe_box", "2D error", ".4f", SAMPLES),
    ):
        for place, when in ((0, "upright"), (-1, "mean over the rotations")):
            rows = [
                (
                    name,
                    [
                        over_rotations(results, measure, name, box_way(margin), data)[place]
                        for margin in results["margins"]
                    ],
                )
                for name in told_or_theirs(results)
            ]
            heads[0] = f"{title}, {data}, {when}"
            count = len(results["margins"])
            text += "\n" + table(heads, rows, [form] * count, [min] * count)
    return text


def _recoveries(results: dict[str, Any]) -> str:
    rows = []
    for name in told_or_theirs(results):
        at = chosen(results["accuracy"], network=name, way=box_way(), data=REAL)
        best = chosen(results["accuracy"], network=name, way=UPRIGHT_BOX, data=REAL)
        for kind in at[0]["pa_mpjpe_mm"]:
            values = [row["pa_mpjpe_mm"][kind] for row in at]
            cells = [values[0], float(np.mean(values)), best[0]["pa_mpjpe_mm"][kind]]
            rows.append((f"{name}: {kind}", cells))
        values = [row["with_camera_mm"] for row in at]
        cells = [values[0], float(np.mean(values)), best[0]["with_camera_mm"]]
        rows.append((f"{name}: 2D, depth and camera", cells))
    heads = [f"PA-MPJPE, mm, {REAL}", "upright", "mean over the rotations", UPRIGHT_BOX]
    return (
        table(heads, rows, [".2f"] * 3, [min] * 3)
        + "\n*Image landmarks* are MediaPipe's 2D joints with their own depth. With the camera: 2D "
        "joints and depth relative to the middle MCP go through the intrinsics, as "
        "[MODEL_CARD](../MODEL_CARD.md) has it.\n"
    )


def _joints(results: dict[str, Any]) -> str:
    names = told_or_theirs(results)
    columns, heads = [], []
    for way, when in ((box_way(), "upright"), (THEIR_REGION, THEIR_REGION)):
        for name in names:
            at = chosen(results["accuracy"], network=name, way=way, data=REAL, rotation_deg=0.0)
            columns.append(next(iter(at[0]["joints_mm"].values())))
            heads.append(f"{name}, {when}")
    rows = [
        (joint, [column[index] for column in columns]) for index, joint in enumerate(JOINT_NAMES)
    ]
    rows.append(("mean", [float(np.mean(column)) for column in columns]))
    return f"PA-MPJPE, mm, {REAL}, without rotation: mean distance of each joint.\n\n" + table(
        ["", *heads], rows, [".1f"] * len(columns)
    )


def _turning(results: dict[str, Any]) -> str:
    text = (
        "The second pass sees the same window, turned until the joints of the first point up. "
        "Means over the rotations; *runs*: how often the network runs for a hand, which is the "
        "cost. A second pass only where the first saw a hand turned by more than an angle costs "
        f"less. `{UPRIGHT_BOX}`, turned by the truth, is what following a hand through a video "
        "comes near, where the rotation is known from the picture before, in one pass. What "
        "follows from this: [rotation_hint.md](rotation_hint.md).\n"
    )
    for name in names_of(results):
        rows = []
        mine = chosen(results["turning"], network=name)
        for way in dict.fromkeys(row["way"] for row in mine):
            real, other = (chosen(mine, data=data, way=way)[0] for data in (REAL, SAMPLES))
            values = [real["num_runs"], real["pa_mpjpe_mm"], real["worst_pa_mpjpe_mm"]]
            values += [real["epe_box"], real["worst_epe_box"]]
            rows.append((way, [*values, other["epe_box"], other["worst_epe_box"]]))
        heads = [name, "runs", "PA mean", "PA worst rotation", "2D mean", "2D worst rotation"]
        heads += [f"2D mean, {SAMPLES}", "worst rotation"]
        text += "\n" + table(heads, rows, [".2f"] * 3 + [".4f"] * 4)
    rows = [
        (
            name,
            [row["median_deg"] for row in chosen(results["turn_errors"], network=name, data=REAL)]
            + [max(row["p90_deg"] for row in chosen(results["turn_errors"], network=name))],
        )
        for name in names_of(results)
    ]
    angles = [f"{degrees:g}°" for degrees in results["rotations"]]
    heads = [f"rotation of the first pass, median error, {REAL}", *angles]
    heads += ["worst 90th percentile"]
    return text + "\n" + table(heads, rows, [".0f"] * (len(angles) + 1))


def _presence(results: dict[str, Any]) -> str:
    angles = results["rotations"]
    rows = []
    kinds = list(results["presence"][0]["others"]) if results["presence"] else []
    for name in dict.fromkeys(row["network"] for row in results["presence"]):
        mine = chosen(results["presence"], network=name)
        values = [row["hands_found"] for row in mine]
        for kind in kinds:
            others = [row["others"][kind] for row in mine]
            values += [others[0]["taken_for_hands"], float(np.mean([one["auc"] for one in others]))]
        rows.append((name, values))
    heads = ["", *(f"found, {degrees:g}°" for degrees in angles)]
    count = [results["presence"][0]["others"][kind]["num_pictures"] for kind in kinds]
    for kind, number in zip(kinds, count, strict=True):
        heads += [f"{number} {kind}: taken for hands", "AUC, mean"]
    choose = [max] * len(angles) + [min, max] * len(kinds)
    return (
        "Share of the hands of both sets with a probability above 0.5, and of pictures without a "
        "hand. The area under the ROC curve (AUC) does not depend on the threshold. Renders and "
        "background photographs are like those on which our models are trained, which flatters "
        "them.\n\n" + table(heads, rows, [".3f"] * len(choose), choose)
    )


def _handedness(results: dict[str, Any]) -> str:
    angles = results["rotations"]
    rows = []
    for name in dict.fromkeys(row["network"] for row in results["handedness"]):
        for data in dict.fromkeys(row["data"] for row in results["handedness"]):
            for side in ("left", "right"):
                mine = chosen(results["handedness"], network=name, data=data, side=side)
                if mine:
                    values = [row["correct"] for row in mine]
                    title = f"{name}: {mine[0]['num_hands']} {side}, {data}"
                    rows.append((title, [*values, float(np.mean(values))]))
    heads = ["", *(f"{degrees:g}°" for degrees in angles), "mean"]
    return (
        "Share of hands whose side is found. Every hand is shown as it is and mirrored, so both "
        "sides occur equally often.\n\n" + table(heads, rows, [".3f"] * (len(angles) + 1))
    )


def _latency(results: dict[str, Any]) -> str:
    rows = []
    for row in results["latency"]["rows"]:
        file = chosen(results["files"], network=row["network"])[0]
        size = [file["bytes"] / 1e6, file["mmac"]]
        name = f"{row['network']}, {row['threads']} thread" + "s" * (row["threads"] > 1)
        rows.append((name, [*row["ratio"], row["ms"][0], *size]))
    heads = ["", "ratio, median", "10 %", "90 %", "ms, median", "MB", "MMAC"]
    return (
        f"One crop, {results['latency']['rounds']} rounds in which every network runs once; the "
        f"ratio is to {results['latency']['reference']} in the same round. Without the work of "
        "cutting the crop.\n\n"
        + table(heads, rows, [".2f"] * 5 + [".0f"])
        + f"\n{results['latency']['other_programs']}"
        + "\nRatios within a round hold better than milliseconds on a busy machine.\n"
    )
