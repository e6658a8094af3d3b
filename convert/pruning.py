"""What hardening changed, measured: equality, size and speed against the unpruned network."""

import dataclasses
import time
from typing import Any

import keras
import numpy as np

from tf_handgroups.convert.parity import compare_outputs
from tf_handgroups.convert.run import KerasRunner
from tf_handgroups.hardening import harden
from tf_handgroups.models.hand_pose_model import HandPoseModel


@dataclasses.dataclass(frozen=True)
class Pruning:
    """What hardening changed.

    Args:
        difference_px: Largest 2D difference to the unpruned network under the same
            hard grouping, crop pixels.
        difference_bones: Largest depth difference, reference-bone lengths.
        num_crops: Number of crops compared.
        layers: Number of layers before and after.
        weights: Number of weights before and after.
        time_ratio: Median of (time after / time before), one crop in Keras, the two
            networks taking turns in one process.
        time_ratio_spread: 10th and 90th percentile of that ratio.
    """

    difference_px: float
    difference_bones: float
    num_crops: int
    layers: tuple[int, int]
    weights: tuple[int, int]
    time_ratio: float
    time_ratio_spread: tuple[float, float]

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        before, after = self.weights
        low, high = self.time_ratio_spread
        return (
            f"Hardened: largest difference {self.difference_px:.1g} px and "
            f"{self.difference_bones:.1g} bones on {self.num_crops} crops; "
            f"{after / before:.3f} of the weights; {self.time_ratio:.2f} of the time "
            f"({low:.2f} to {high:.2f})"
        )


def harden_and_measure(
    model: HandPoseModel, crops: np.ndarray, timed_runs: int = 30
) -> tuple[keras.Model, Pruning]:
    """Hardens a model and measures what that changed.

    Args:
        model: The trained network.
        crops: `(N, S, S, 3)` in [0, 1] on which the outputs are compared.
        timed_runs: Timed runs of each network.

    Returns:
        The hardened model and the measurement.

    Example:

    >>> model = HandPoseModel(64, "tiny", group_channels=8)
    >>> crops = np.zeros((1, 64, 64, 3), np.float32)
    >>> _, pruning = harden_and_measure(model, crops, timed_runs=3)
    >>> pruning.difference_px < 1e-3, pruning.layers[1] < pruning.layers[0]
    (True, True)
    """
    hardened = harden(model)
    # The trained model may compute in bfloat16, the hardened one never does; like is
    # compared with like.
    unpruned = HandPoseModel.from_config(model.config)
    unpruned.set_weights(model.get_weights())
    runners = [KerasRunner(unpruned), KerasRunner(hardened)]
    parity = compare_outputs(runners[0](crops), runners[1](crops))
    times = np.zeros((timed_runs, 2))
    for index in range(-3, timed_runs):
        for column, runner in enumerate(runners):
            start = time.perf_counter()
            runner(crops[:1])
            if index >= 0:
                times[index, column] = time.perf_counter() - start
    ratios = times[:, 1] / times[:, 0]
    low, high = np.percentile(ratios, [10, 90])
    return hardened, Pruning(
        difference_px=parity.value("uv_px.max"),
        difference_bones=parity.value("z_rel.max"),
        num_crops=len(crops),
        layers=(len(model.layers), len(hardened.layers)),
        weights=(model.count_params(), hardened.count_params()),
        time_ratio=float(np.median(ratios)),
        time_ratio_spread=(float(low), float(high)),
    )
