"""What a second look at a turned window buys, from the answers of `benchmarks.peers`.

The first pass says where the hand points; the second sees the same window, turned until
the hand points up. A second pass only for hands that the first sees turned by more than a
limit costs less. The best case, turned by the truth, is what a tracker that knows the
rotation from the picture before comes near, in one pass.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.peers_accuracy import Looked, score
from benchmarks.peers_networks import Answer
from benchmarks.peers_windows import (
    TWO_PASSES,
    UPRIGHT_BOX,
    box_way,
    degrees_around_zero,
    turn_error_deg,
)
from tf_handgroups.teacher.hand_region import rotation_of_joints

# Second passes for hands turned by more than this; None: for none, 0: for all.
LIMITS_DEG = (None, 0, 30, 45, 60, 90)


def turned_by_deg(answer: Answer) -> float:
    """Returns by how much a hand seems turned from pointing up, 0 to 180 degrees."""
    return abs(degrees_around_zero(rotation_of_joints(answer.uv_px)))


def passes(answers: dict[str, Answer], limit_deg: float | None) -> Answer:
    """Returns the answer of one or two passes, by what the first one saw."""
    first = answers[box_way()]
    if limit_deg is None or turned_by_deg(first) < limit_deg:
        return first
    return answers[TWO_PASSES]


def turning_rows(looked: Sequence[Looked]) -> list[dict[str, Any]]:
    """Returns errors and cost of each limit, and of the best case, means over all rotations.

    One row per network, data set and limit. `num_runs` is how often the network runs for
    a hand; turns are compared with the labels.
    """
    rows = []
    for data in dict.fromkeys(one.data for one in looked):
        rotations = [one for one in looked if one.data == data]
        for network in rotations[0].answers:
            for limit in LIMITS_DEG:
                scores = [
                    score(
                        [
                            (sample, passes(answer, limit))
                            for sample, answer in zip(
                                one.samples, one.answers[network], strict=True
                            )
                        ]
                    )
                    for one in rotations
                ]
                name = {None: "one pass", 0: TWO_PASSES}.get(limit, f"second above {limit} deg")
                rows.append({"network": network, "data": data, "way": name, **_means(scores)})
            scores = [
                score(
                    [
                        (sample, answer[UPRIGHT_BOX])
                        for sample, answer in zip(one.samples, one.answers[network], strict=True)
                        if UPRIGHT_BOX in answer
                    ]
                )
                # The same at all rotations; looked at once.
                for one in rotations[:1]
            ]
            rows.append({"network": network, "data": data, "way": UPRIGHT_BOX, **_means(scores)})
    return rows


def turn_error_rows(looked: Sequence[Looked]) -> list[dict[str, Any]]:
    """Returns by how much the first pass errs about the rotation, in degrees."""
    rows = []
    for one in looked:
        for network, answers in one.answers.items():
            errors = [
                turn_error_deg(sample, answer[box_way()].uv_px)
                for sample, answer in zip(one.samples, answers, strict=True)
            ]
            known = [error for error in errors if error is not None]
            if known:
                median, ninth = np.percentile(known, [50, 90])
                rows.append(
                    {
                        "network": network,
                        "data": one.data,
                        "rotation_deg": one.rotation_deg,
                        "num_hands": len(known),
                        "median_deg": float(median),
                        "p90_deg": float(ninth),
                    }
                )
    return rows


def _means(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the rotations, and the worst of them."""
    row: dict[str, Any] = {
        "num_runs": float(np.mean([one["num_runs"] for one in scores])),
        "epe_box": float(np.mean([one["epe_box"] for one in scores])),
        "worst_epe_box": max(one["epe_box"] for one in scores),
    }
    if all("pa_mpjpe_mm" in one for one in scores):
        kind = next(iter(scores[0]["pa_mpjpe_mm"]))
        errors = [one["pa_mpjpe_mm"][kind] for one in scores]
        row["pa_mpjpe_mm"], row["worst_pa_mpjpe_mm"] = float(np.mean(errors)), max(errors)
    return row
