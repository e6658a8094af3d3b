"""How much a converted model may differ from its Keras model, by quantization recipe."""

import dataclasses
from collections.abc import Mapping

# What is compared -> unit of the difference. `uv_px` and `xyz_mm` differences are Euclidean
# per joint. The last three are errors against labels, of which the growth counts.
UNITS = {
    "uv_px": "crop px",
    "z_rel": "bone lengths",
    "presence": "logit",
    "handedness": "logit",
    "xyz_mm": "mm",
    "epe_px": "%",
    "mpjpe_mm": "%",
    "pa_mpjpe_mm": "%",
}


@dataclasses.dataclass(frozen=True)
class Gate:
    """Largest differences at which a variant may be delivered.

    Args:
        limits: `"<output>.<statistic>"` -> limit in the unit of `UNITS`. A limit on an
            output that a network or a data set does not have is skipped.
        justification: Why these numbers.

    Example:

    >>> Gate({"uv_px.mean": 0.5}, "Invisible.").limits["uv_px.mean"]
    0.5
    """

    limits: Mapping[str, float]
    justification: str


# For scale: on a crop of 128 pixels a good hand network errs by about 3.5 pixels
# (0.04 of a box that fills 2/3 of the crop) and by about 0.3 bone lengths in depth.
_INT8_LIMITS = {
    "uv_px.mean": 0.5,
    "uv_px.p99": 3.0,
    "uv_px.worst_joint": 1.5,
    "z_rel.mean": 0.05,
    "z_rel.worst_joint": 0.15,
    "presence.mean": 0.5,
    "handedness.mean": 0.5,
}
_INT8_REASONS = (
    "A seventh of a good network's own 2D error, a sixth of its depth error, and half a logit "
    "(at most 0.12 in probability). Sound int8 conversions measured 0.2-0.4 px on average, "
    "0.6-2.3 px at the 99th percentile and 0.02 bones; a quantized soft-argmax measured 5 px and "
    "43 px, depth in the 8-bit steps of pixels 0.06 bones or more. The maximum is reported, not "
    "gated: on an ambiguous crop two peaks may trade places. No single joint may be three times "
    "worse than the average may be: one damaged joint of 21 vanishes in the mean. "
)
_GROWTH_REASON = (
    "Against labels the 3D error may grow by {percent:g} %, and a growth counts as far as it "
    "is certain at 95 %: on few crops chance alone moves the mean by more, and must not refuse "
    "a sound file; what is damaged is far beyond the other limits, which need no labels."
)


def _growth(percent: float) -> dict[str, float]:
    return {"mpjpe_mm.at_least_percent": percent}


GATES = {
    "float32": Gate(
        {
            "uv_px.max": 0.02,
            "z_rel.max": 0.002,
            "presence.max": 0.005,
            "handedness.max": 0.005,
            **_growth(0.1),
        },
        "Only the order of additions differs: 5e-5 px and 1e-6 elsewhere are usual; four hundred "
        "times that still is invisible, while a wrong layer moves joints by pixels. "
        + _GROWTH_REASON.format(percent=0.1),
    ),
    "float16": Gate(
        {
            "uv_px.mean": 0.05,
            "uv_px.p99": 0.5,
            "z_rel.max": 0.05,
            "presence.max": 0.1,
            "handedness.max": 0.1,
            **_growth(0.5),
        },
        "Weights carry 11 bits: 0.004-0.02 px on average and 0.01-0.13 px at the 99th percentile "
        "were measured; half a pixel is a seventh of a good network's own error. The largest "
        "difference is not gated, for the reason given for int8. "
        + _GROWTH_REASON.format(percent=0.5),
    ),
    "dynamic_int8": Gate(
        {**_INT8_LIMITS, **_growth(3.0)}, _INT8_REASONS + _GROWTH_REASON.format(percent=3)
    ),
    "int8_mixed": Gate(
        {**_INT8_LIMITS, **_growth(1.0)}, _INT8_REASONS + _GROWTH_REASON.format(percent=1)
    ),
    "int16x8": Gate(
        {**_INT8_LIMITS, **_growth(1.0)}, _INT8_REASONS + _GROWTH_REASON.format(percent=1)
    ),
    "int8": Gate(
        {
            "uv_px.mean": 1.0,
            "uv_px.p99": 8.0,
            "uv_px.worst_joint": 3.0,
            "z_rel.mean": 0.1,
            "z_rel.worst_joint": 0.3,
            "presence.mean": 0.5,
            "handedness.mean": 0.5,
            **_growth(3.0),
        },
        "Twice that of int8_mixed, whose first blocks and tail stay in float. The shipped "
        "network measured 0.41 px and 2.3 px on photographs, 0.84 px and 6.5 px on renders of a "
        "kind that it was not trained on, while its error against the labels moved by less than "
        "0.4 % in either: eight bits shift the joints that it is unsure of anyway. Biases left "
        "uncorrected measured 1.34 px and 10.7 px. " + _GROWTH_REASON.format(percent=3),
    ),
}
