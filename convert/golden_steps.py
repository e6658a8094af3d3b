"""Golden vectors of everything that a runner does around the network.

Phone and browser must cut crops, mirror left hands, decode maps, return to the picture,
recover 3D and follow hands just as Python does. `golden_steps.json` in a bundle holds cases
of each of these steps, with inputs from a seed, and what the functions behind `predict`
make of them. The arrays are in `golden_steps.bin`; `bundle.json` says where.
"""

import json
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf_handgroups.camera import recover_absolute
from tf_handgroups.convert.decode import decode
from tf_handgroups.convert.golden_cases import golden_cases
from tf_handgroups.convert.golden_file import read_arrays, write_arrays
from tf_handgroups.convert.one_euro import OneEuroFilter, OneEuroSettings
from tf_handgroups.convert.predict import HandPrediction, Predictor
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.crop import crop_image, crop_matrix
from tf_handgroups.datasets.sample import box_around
from tf_handgroups.errors import GateError, InputError

SCHEMA = "tf_handgroups.golden_steps/1"
CASES_FILE = "golden_steps.json"
ARRAYS_FILE = "golden_steps.bin"

# By how much a runner may differ. Inputs are exact, so only the rounding of its arithmetic
# counts; a crop is cut from 8-bit pixels in float32.
TOLERANCE = {
    "crop": 1e-4,
    "matrix": 1e-6,
    "uv_px": 1e-3,
    "z_rel": 1e-4,
    "presence": 1e-4,
    "xyz_relative": 1e-4,
    "xyz_camera_mm": 5e-3,  # 1e-4 bones of 45 mm and more
    "box_px": 1e-3,
}

_ADVICE = "Make the bundle again with this version."


def write_golden_steps(folder: str | os.PathLike, rule: TrackingRule) -> dict[str, Any]:
    """Writes `golden_steps.json` and `golden_steps.bin`; the same rule gives the same bytes.

    Args:
        folder: The bundle folder.
        rule: Of the bundle's default variant; the filter's cases use its numbers.

    Returns:
        The entry `golden_steps` of `bundle.json`: as of `write_arrays`, and the name of the
        JSON file as `cases`.
    """
    folder = pathlib.Path(folder)
    arrays: dict[str, np.ndarray] = {}
    names: dict[int, str] = {}

    def stored(values: Mapping[str, Any], case: str) -> dict[str, Any]:
        """Puts arrays into the file, a shared one once, and refers to them by name."""
        described = dict(values)
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                if id(value) not in names:
                    names[id(value)] = f"{case}/{name}"
                    arrays[names[id(value)]] = value
                described[name] = {"array": names[id(value)]}
        return described

    cases = []
    for case in golden_cases(rule.filter):
        key = case.name.replace(" ", "_")
        cases.append(
            {
                "step": case.step,
                "name": case.name,
                "inputs": stored(case.inputs, f"{key}/inputs"),
                "expected": stored(run_step(case.step, case.inputs), f"{key}/expected"),
            }
        )
    steps = {"schema": SCHEMA, "tolerance": TOLERANCE, "cases": cases}
    text = json.dumps(steps, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / CASES_FILE).write_text(text, encoding="utf-8")
    return write_arrays(arrays, folder / ARRAYS_FILE) | {"cases": CASES_FILE}


def run_step(step: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Does one step as `predict` does it.

    Args:
        step: Name of the step.
        inputs: As in `golden_steps.json`, arrays in place of their names.

    Returns:
        The results by name: arrays, numbers or texts.

    Raises:
        InputError: If the step is unknown.

    Example:

    >>> run_step("side", {"handedness_as_it_is": -1.0, "handedness_flipped": 2.0})
    {'side': 'left'}
    """
    if step not in _STEPS:
        raise InputError(
            f"run_step: expected a step among {', '.join(_STEPS)}. Received: step={step!r}. "
            "Use the version that made the bundle."
        )
    return _STEPS[step](**inputs)


def check_golden_steps(
    folder: str | os.PathLike, entry: Mapping[str, Any], rule: TrackingRule
) -> None:
    """Repeats every case of a bundle and compares the results.

    Args:
        folder: The bundle folder.
        entry: Its entry `golden_steps` in `bundle.json`.
        rule: Of the bundle's default variant.

    Raises:
        InputError: If a file cannot be used, a step has no case, or the filter's numbers are
            not those of the rule.
        GateError: If this version computes something else than the file says.
    """
    path = pathlib.Path(folder) / entry["cases"]
    arrays = read_arrays(folder, entry)
    try:
        steps = json.loads(path.read_text(encoding="utf-8"))
        schema, tolerance, cases = steps["schema"], steps["tolerance"], steps["cases"]
        found = [
            (
                case["name"],
                case["step"],
                _with_arrays(case["inputs"], arrays),
                _with_arrays(case["expected"], arrays),
            )
            for case in cases
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected golden steps as tf-handgroups bundle writes them. "
            f"Received: {type(error).__name__}: {error}. {_ADVICE}"
        ) from error
    missing = [step for step in _STEPS if step not in {step for _, step, _, _ in found}]
    if schema != SCHEMA or missing:
        raise InputError(
            f"{path}: expected schema {SCHEMA!r} with cases of every step. "
            f"Received: schema={schema!r}, steps without a case={missing}. {_ADVICE}"
        )
    for name, step, inputs, expected in found:
        if step == "filter" and OneEuroSettings(**inputs["settings"]) != rule.filter:
            raise InputError(
                f"{path}: expected the filter's numbers {rule.filter} of the contract. "
                f"Received: settings={inputs['settings']}. {_ADVICE}"
            )
        results = run_step(step, inputs)
        for result, value in expected.items():
            _compare(f"{path}: case {name!r}", result, results[result], value, tolerance)


def _compare(where: str, name: str, result: Any, expected: Any, tolerance: Mapping) -> None:
    if isinstance(expected, str):
        limit, difference = "exactly", f"{name}={result!r} instead of {expected!r}"
        equal = result == expected
    else:
        limit = f"within {tolerance[name]:g}"
        same_shape = np.shape(result) == np.shape(expected)
        largest = np.max(np.abs(np.subtract(result, expected))) if same_shape else np.inf
        difference, equal = f"largest difference={largest:.3g}", largest <= tolerance[name]
    if not equal:
        raise GateError(
            f"{where}: expected {name} {limit}. Received: {difference}. This version or "
            "processor computes something else; make the bundle again if it is this version."
        )


def _with_arrays(values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        name: arrays[value["array"]] if isinstance(value, Mapping) and "array" in value else value
        for name, value in values.items()
    }


def _crop(image: np.ndarray, box_px, mirror: bool, size: int) -> dict[str, Any]:
    matrix = crop_matrix(box_px, size, mirror=mirror)
    return {"matrix": matrix, "crop": crop_image(image, matrix, size)}


def _decode(heatmaps: np.ndarray, depth_maps: np.ndarray, decoding: Mapping) -> dict[str, Any]:
    outputs = {decoding["heatmaps"]: heatmaps[None], decoding["depth_maps"]: depth_maps[None]}
    return {name: values[0] for name, values in decode(outputs, decoding).items()}


class _GivenOutputs:
    """Stands in for a network: what it returns is known, for each look at the hand."""

    sha256, name = None, "golden"

    def __init__(self, size: int, as_it_is: Mapping[str, Any], flipped: Mapping[str, Any]):
        self.input_size = size
        self._looks = as_it_is, flipped

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        # The picture is bright on the left: so is a crop, unless it was flipped.
        looks = [self._looks[int(crop[:, 0].mean() < crop[:, -1].mean())] for crop in crops]
        return {name: np.stack([np.float32(look[name]) for look in looks]) for name in looks[0]}


def _predicted(size: int, box_px, side: str | None, as_it_is, flipped) -> HandPrediction:
    picture = np.zeros((480, 640, 3), np.uint8)
    x, _, width, _ = box_px
    picture[:, : max(1, round(x + width / 2))] = 255
    predictor = Predictor(_GivenOutputs(size, as_it_is, flipped))
    return predictor.predict(picture, [box_px], [side])[0]


def _hand(
    uv_px: np.ndarray,
    z_rel: np.ndarray,
    presence: float,
    handedness: float,
    box_px,
    side: str,
    size: int,
    intrinsics_px: np.ndarray,
    bone_mm: float,
) -> dict[str, Any]:
    logits = {"presence": [presence], "handedness": [handedness]}
    outputs = {"uv_px": uv_px, "z_rel": z_rel, **logits}
    hand = _predicted(size, box_px, side, outputs, outputs)
    return {
        "uv_px": hand.uv_px,
        "z_rel": hand.z_rel,
        "presence": hand.presence,
        "xyz_relative": hand.xyz_relative,
        "xyz_camera_mm": recover_absolute(hand.uv_px, hand.z_rel, intrinsics_px, bone_mm),
    }


def _side(handedness_as_it_is: float, handedness_flipped: float) -> dict[str, Any]:
    pose = {"uv_px": np.zeros((21, 2)), "z_rel": np.zeros(21), "presence": [0.0]}
    looks = [{**pose, "handedness": [logit]} for logit in (handedness_as_it_is, handedness_flipped)]
    return {"side": _predicted(32, (300, 200, 40, 40), None, *looks).handedness}


def _box(uv_px: np.ndarray) -> dict[str, Any]:
    return {"box_px": box_around(uv_px).astype(np.float64).tolist()}


def _filter(
    time_s: np.ndarray, uv_px: np.ndarray, z_rel: np.ndarray, settings: Mapping[str, float]
) -> dict[str, Any]:
    smooth = OneEuroFilter(OneEuroSettings(**settings))
    frames = [smooth(float(time), uv, z) for time, uv, z in zip(time_s, uv_px, z_rel, strict=True)]
    return {"uv_px": np.stack([uv for uv, _ in frames]), "z_rel": np.stack([z for _, z in frames])}


_STEPS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "crop": _crop,
    "decode": _decode,
    "hand": _hand,
    "side": _side,
    "box": _box,
    "filter": _filter,
}
