"""What the networks of `benchmarks.peers` say about labelled hands, and how wrong it is.

2D errors are of visible joints, over the longer side of the tight box of the labelled
joints, pooled, as `evaluate` measures them. PA-MPJPE is after the best scale, rotation and
shift per hand, of 3D joints made without the camera: what an app has. `with_camera_mm` is
`evaluate`'s protocol `procrustes`, which takes 2D joints, relative depth and the intrinsics.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.peers_networks import Answer, Network
from benchmarks.peers_windows import (
    BEST_CASES,
    TWO_PASSES,
    best_case,
    box_way,
    turned_upright,
    window_of_box,
)
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.evaluation import evaluate
from tf_handgroups.image_file import read_image
from tf_handgroups.metrics.joint_measures import JointMeasures
from tf_handgroups.protocols import PROTOCOLS
from tf_handgroups.rotated_dataset import rotate_sample

PCK_BOX_SHARES = (0.05, 0.2)


@dataclasses.dataclass(frozen=True, eq=False)
class Looked:
    """What all networks said about the hands of a data set turned by an angle.

    Args:
        data: Name of the data set.
        rotation_deg: By how much its pictures are turned, clockwise on the screen.
        samples: Its hands, turned, without their pictures.
        answers: For each network one mapping per hand, from the way of looking. A way
            that needs joints which are not labelled is missing.
    """

    data: str
    rotation_deg: float
    samples: list[HandSample]
    answers: dict[str, list[dict[str, Answer]]]


def look_at_all(
    networks: Sequence[Network],
    data: Mapping[str, Sequence[HandSample]],
    rotations: Sequence[float],
    margins: Sequence[float],
    on_progress: Callable[[str, float], None] = lambda name, degrees: None,
) -> list[Looked]:
    """Shows every hand to every network in every way, the networks taking turns.

    In the best cases the window turns with the picture and shows the same, so these are
    looked at once, at the first of the rotations.

    Args:
        networks: Whom to ask.
        data: Hands by the name of their data set.
        rotations: By how many degrees to turn the pictures.
        margins: Of the windows about the boxes; that of our crops is always among them.
        on_progress: Called with what comes next.
    """
    found = []
    for name, hands in data.items():
        for degrees in rotations:
            on_progress(name, degrees)
            looked = Looked(name, degrees, [], {network.name: [] for network in networks})
            for hand in hands:
                sample = rotate_sample(hand, degrees)
                image = read_image(sample.image)
                for network in networks:
                    answers = ways(network, image, sample, margins, degrees == rotations[0])
                    looked.answers[network.name].append(answers)
                looked.samples.append(dataclasses.replace(sample, image=b""))
            found.append(looked)
    return found


def ways(
    network: Network,
    image: np.ndarray,
    sample: HandSample,
    margins: Sequence[float],
    with_best_cases: bool,
) -> dict[str, Answer]:
    """Returns what a network says about a hand, by the way of looking.

    The second of two passes sees the window of the first, turned until the joints of the
    first point up, with the side that the first was told or found.
    """
    side = None if network.finds_side else sample.handedness
    found = {
        box_way(margin): network(image, window_of_box(sample.box_px, margin), side)
        for margin in sorted({CROP_MARGIN, *margins})
    }
    first = found[box_way()]
    found_side = side
    if side is None and first.right is not None:
        found_side = "right" if first.right > 0.5 else "left"
    turned = turned_upright(window_of_box(sample.box_px), first.uv_px)
    second = network(image, turned, found_side)
    found[TWO_PASSES] = dataclasses.replace(second, num_runs=first.num_runs + second.num_runs)
    for way in BEST_CASES if with_best_cases else ():
        window = best_case(way, sample)
        if window is not None:
            found[way] = network(image, window, side)
    return found


def accuracy_rows(looked: Sequence[Looked]) -> list[dict[str, Any]]:
    """Returns the errors of every network, way, data set and rotation."""
    rows = []
    for one in looked:
        for network, answers in one.answers.items():
            for way in dict.fromkeys(way for answer in answers for way in answer):
                pairs = [
                    (sample, answer[way])
                    for sample, answer in zip(one.samples, answers, strict=True)
                    if way in answer
                ]
                place = {"data": one.data, "rotation_deg": one.rotation_deg}
                rows.append({"network": network, "way": way, **place, **score(pairs)})
    return rows


def score(pairs: Sequence[tuple[HandSample, Answer]]) -> dict[str, Any]:
    """Returns the errors of answers about labelled hands.

    Args:
        pairs: At least one; 3D errors are left out unless all hands have all 3D joints.
    """
    samples, answers = map(list, zip(*pairs, strict=True))
    upcoming = iter(answers)

    def replay(batch):
        return [{"uv_px": a.uv_px, "z_rel": a.z_rel} for _, a in zip(batch, upcoming, strict=False)]

    truth = [sample.xyz_camera_mm for sample in samples]
    has_3d = all(xyz is not None and np.isfinite(xyz).all() for xyz in truth)
    result = evaluate(replay, samples, "procrustes" if has_3d else "all", num_worst=0)
    thresholds, shares = result.curves_box["2D"]
    row: dict[str, Any] = {
        "num_hands": len(samples),
        "num_runs": float(np.mean([answer.num_runs for answer in answers])),
        "epe_box": result.report["errors_2d"]["epe_box"],
        **{f"pck_{x:g}": float(np.interp(x, thresholds, shares)) for x in PCK_BOX_SHARES},
    }
    if has_3d:
        row["with_camera_mm"] = result.report["errors_3d"]["procrustes"]["mpjpe_mm"]
        row["pa_mpjpe_mm"], row["joints_mm"] = {}, {}
        for kind in answers[0].xyz:
            predicted = np.stack([answer.xyz[kind] for answer in answers])
            errors = PROTOCOLS["procrustes"].errors_mm(predicted, np.stack(truth))
            measures = JointMeasures(errors)
            row["pa_mpjpe_mm"][kind] = measures.mean
            row["joints_mm"][kind] = measures.joint_means.tolist()
    return row
