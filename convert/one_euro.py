"""The One-Euro filter: calms joints that rest, follows joints that move.

A low-pass filter whose cutoff frequency rises with the speed of what it filters: at low
speed jitter is seen and lag is not, at high speed it is the other way round (Casiez et al.,
2012). Every coordinate has its own filter. The speed of `uv_px` is measured in hand sizes,
so that the same numbers fit a hand near the camera and one far away.
"""

import dataclasses
import math

import numpy as np

from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS


@dataclasses.dataclass(frozen=True)
class OneEuroSettings:
    """How strongly a `OneEuroFilter` smooths; the contract of a model carries these numbers.

    The unit of speed is one longer side of the hand's tight box per second for `uv_px`, and
    one reference bone per second for `z_rel`.

    Args:
        min_cutoff_hz: Cutoff at rest; lower calms more and lags more.
        beta: By how many hertz the cutoff rises per unit of speed; higher lags less.
        derivative_cutoff_hz: Cutoff of the filter of the speed itself.

    Raises:
        InputError: If a cutoff is not positive, `beta` is negative or a number is not finite.

    Example:

    >>> OneEuroSettings(beta=0.0).beta
    0.0
    """

    min_cutoff_hz: float = 1.5
    beta: float = 8.0
    derivative_cutoff_hz: float = 1.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            least = "at least 0" if field.name == "beta" else "greater than 0"
            if number and math.isfinite(value):
                if value > 0 or (value == 0 and field.name == "beta"):
                    continue
            raise InputError(
                f"OneEuroSettings: expected {field.name} as a finite number, {least}. "
                f"Received: {field.name}={value!r}."
            )


class OneEuroFilter:
    """Smooths the joints of one hand from frame to frame.

    The first frame passes unchanged. Then, for each coordinate x with t in seconds,

        alpha(cutoff) = 1 / (1 + 1 / (2 pi cutoff dt)),   dt = t - t_previous
        dx     = (x - x_hat_previous) / dt / scale
        dx_hat = a_d dx + (1 - a_d) dx_hat_previous,      a_d = alpha(derivative_cutoff_hz)
        cutoff = min_cutoff_hz + beta |dx_hat|
        x_hat  = a x + (1 - a) x_hat_previous,            a = alpha(cutoff)

    where `scale` is the longer side of this frame's tight box (`box_around`, in pixels) for
    `uv_px`, and 1 for `z_rel`. `OneEuroSettings` has the other numbers.

    Args:
        settings: How strongly it smooths.

    Call arguments:
        time_s: Time of the frame in seconds, later than that of the frame before.
        uv_px: `(21, 2)` joints in image pixels, unsmoothed.
        z_rel: `(21,)` depths in reference-bone lengths, unsmoothed.

    Returns:
        Smoothed `uv_px` and `z_rel`, float64.

    Raises:
        InputError: If the time does not increase, a value is not finite or a shape does not
            fit; the filter is then as it was before the call.

    Example:

    >>> smooth = OneEuroFilter(OneEuroSettings(min_cutoff_hz=1.0, beta=0.0))
    >>> hand = np.linspace([0.0, 0.0], [100.0, 50.0], 21)
    >>> _ = smooth(0.0, hand, np.zeros(21))
    >>> uv_px, _ = smooth(1 / 30, hand + [4.0, 0.0], np.zeros(21))
    >>> uv_px[0].round(3).tolist()  # of a jump by 4 pixels, the sixth part comes through
    [0.693, 0.0]

    Reference:
    - [Casiez, Roussel and Vogel, 2012](https://doi.org/10.1145/2207676.2208639)
    """

    def __init__(self, settings: OneEuroSettings | None = None):
        self.settings = OneEuroSettings() if settings is None else settings
        self.reset()

    def reset(self) -> None:
        """Forgets the hand: the next frame passes unchanged, at any time."""
        self._time_s: float | None = None
        self._values = np.zeros((NUM_JOINTS, 3))
        self._speeds = np.zeros((NUM_JOINTS, 3))

    def __call__(
        self, time_s: float, uv_px: np.ndarray, z_rel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        values, scale = _checked(time_s, uv_px, z_rel)
        if self._time_s is None:
            speeds = np.zeros_like(values)
            smoothed = values
        else:
            step_s = time_s - self._time_s
            if not step_s > 0:
                raise InputError(
                    "OneEuroFilter: expected a time later than that of the frame before, "
                    f"{self._time_s!r} s. Received: time_s={time_s!r}. Leave out frames that come "
                    "twice, and call reset() before another video."
                )
            share = _alpha(self.settings.derivative_cutoff_hz, step_s)
            speeds = (values - self._values) / step_s / scale
            speeds = share * speeds + (1 - share) * self._speeds
            cutoff = self.settings.min_cutoff_hz + self.settings.beta * np.abs(speeds)
            share = _alpha(cutoff, step_s)
            smoothed = share * values + (1 - share) * self._values
        self._time_s, self._values, self._speeds = time_s, smoothed, speeds
        return smoothed[:, :2].copy(), smoothed[:, 2].copy()


def _alpha(cutoff_hz, step_s: float):
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * step_s))


def _checked(time_s: float, uv_px, z_rel) -> tuple[np.ndarray, np.ndarray]:
    """Returns all coordinates `(21, 3)` and the unit of each column."""
    uv, z = np.asarray(uv_px, np.float64), np.asarray(z_rel, np.float64)
    if uv.shape != (NUM_JOINTS, 2) or z.shape != (NUM_JOINTS,):
        raise InputError(
            f"OneEuroFilter: expected uv_px ({NUM_JOINTS}, 2) and z_rel ({NUM_JOINTS},). "
            f"Received: uv_px.shape={uv.shape}, z_rel.shape={z.shape}. Use one filter per hand."
        )
    values = np.column_stack([uv, z])
    if not (math.isfinite(time_s) and np.isfinite(values).all()):
        raise InputError(
            "OneEuroFilter: expected finite numbers. "
            f"Received: time_s={time_s!r}, {np.count_nonzero(~np.isfinite(values))} coordinates "
            "that are NaN or infinite. End the track where a hand is lost."
        )
    side_px = float(np.max(box_around(uv)[2:]))
    return values, np.array([side_px, side_px, 1.0])
