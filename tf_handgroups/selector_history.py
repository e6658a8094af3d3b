"""`selector.csv`: how much each joint belonged to each group, a row per epoch."""

import csv
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from tf_handgroups.joints import JOINT_NAMES

# A joint counts as decided when one group has this much of it.
DECIDED = 0.9


def append_selector(
    path: str | os.PathLike, epoch: int, step: int, probabilities: np.ndarray
) -> None:
    """Appends a row; the first one brings the header.

    Args:
        path: The file.
        epoch: Number of the epoch, from 0.
        step: Steps done.
        probabilities: `(21, groups)`, rows sum to 1.
    """
    names = [f"{joint}/{group}" for joint in JOINT_NAMES for group in range(len(probabilities[0]))]
    is_new = not pathlib.Path(path).exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        if is_new:
            table.writerow(["epoch", "step", *names])
        table.writerow([epoch, step, *(f"{value:.4f}" for value in probabilities.ravel())])


def read_selector(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Reads the file.

    Args:
        path: The file.

    Returns:
        Steps `(epochs,)` and probabilities `(epochs, 21, groups)`.

    Example:

    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "selector.csv"
    >>> append_selector(path, 0, 150, np.full((21, 2), 0.5))
    >>> steps, probabilities = read_selector(path)
    >>> steps.tolist(), probabilities.shape
    ([150], (1, 21, 2))
    """
    values = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    return values[:, 1].astype(int), values[:, 2:].reshape(len(values), len(JOINT_NAMES), -1)


def selector_scalars(probabilities: np.ndarray, grouping: Sequence[int]) -> dict[str, float]:
    """Returns numbers that tell how far the selector is.

    Args:
        probabilities: `(21, groups)`, rows sum to 1.
        grouping: 21 group indices, the most probable ones.

    Returns:
        `entropy_nats`, the mean over the joints; `decided_joints`, the share of joints
        that belong to one group with at least `DECIDED`; and for each group
        `group_N_joints`, its size.

    Example:

    >>> grouping = [0] * 20 + [1]
    >>> selector_scalars(np.eye(2)[grouping], grouping)
    {'entropy_nats': 0.0, 'decided_joints': 1.0, 'group_0_joints': 20.0, 'group_1_joints': 1.0}
    """
    logarithms = np.log(np.maximum(probabilities, 1e-12))
    sizes = np.bincount(grouping, minlength=probabilities.shape[1])
    return {
        "entropy_nats": abs(float(-(probabilities * logarithms).sum(axis=1).mean())),
        "decided_joints": float((probabilities.max(axis=1) >= DECIDED).mean()),
        **{f"group_{group}_joints": float(size) for group, size in enumerate(sizes)},
    }
