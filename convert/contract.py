"""`<model>.contract.json`: everything a runner must know about a `.tflite` file.

Phone, browser and desktop read the same file, so no constant is typed twice. A runner
refuses a model whose schema or hash does not match.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.convert.decode import COORDINATES, check_decoding
from tf_handgroups.convert.export import (
    INPUT_NAME,
    OUTPUT_SHAPES,
    REQUIRED_OUTPUTS,
    SIGNATURE,
    known_outputs,
    output_order,
)
from tf_handgroups.convert.recovery_rule import RECOVERY, check_recovery
from tf_handgroups.convert.tracking_rule import TrackingRule, parse_tracking
from tf_handgroups.crop import CROP_RULE
from tf_handgroups.errors import InputError
from tf_handgroups.joints import JOINT_NAMES, NUM_JOINTS, PARENTS, REFERENCE_BONE, ROOT_JOINT

SCHEMA = "tf_handgroups.contract/1"

_OUTPUT_MEANING = {
    "uv_px": (
        "crop pixels",
        "u right, v down, integer = pixel centre; maps to the image with the inverse crop matrix",
    ),
    "z_rel": (
        "reference-bone lengths",
        "(z - z of the root joint) / length of the reference bone, z pointing away from the camera",
    ),
    "presence": ("logit", "sigmoid is the probability that the crop shows a hand"),
    "handedness": ("logit", "sigmoid is the probability that the hand looks like a right hand"),
    "heatmaps": (
        "logit",
        "softmax over the cells of a channel is where its joint is, see decoding",
    ),
    "depth_maps": (
        "reference-bone lengths",
        "z_rel of a channel's joint at every cell, see decoding",
    ),
}

_MIRRORING = (
    "The network expects right hands. Left hands: flip the crop left to right before "
    "the network, u = size - 1 - u after it, and the camera-space x changes its sign. "
)
_HANDEDNESS_RULE = {
    "canonical": "right",
    "positive_logit": "right",
    "mirrored_before": "left",
    "rule": _MIRRORING + "If the "
    "handedness is unknown: run the crop as it is and flipped, and keep the look with the "
    "larger handedness logit; if that is the flipped one, the hand is a left one.",
}
_GIVEN_HANDEDNESS_RULE = {
    "canonical": "right",
    "mirrored_before": "left",
    "rule": _MIRRORING + "The network cannot tell left from right: the handedness must be known.",
}

# Field -> type of its value.
_FIELDS = {
    "schema": str,
    "model": dict,
    "input": dict,
    "crop": dict,
    "joints": dict,
    "outputs": dict,
    "quantization": dict,
    "grouping": list,
    "handedness": dict,
    "parity": dict,
    "training_data": str,
    "licence": str,
}
_NESTED_FIELDS = {
    "model": {"file": str, "sha256": str, "bytes": int, "signature": str},
    "input": {"name": str, "shape": list, "dtype": str, "range": list, "colour_order": str},
    "crop": {"shape": str, "size_px": int, "margin": float, "border": str},
    "joints": {"order": str, "names": list, "root": int, "reference_bone": list},
    "quantization": {"recipe": str},
    "handedness": {"canonical": str, "rule": str},
}


def sha256_of(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file as hexadecimal digits.

    Example:

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "empty"
    >>> _ = file.write_bytes(b"")
    >>> sha256_of(file)[:12]
    'e3b0c44298fc'
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contract_path(model_path: str | os.PathLike) -> pathlib.Path:
    """Returns where the contract of a model lies.

    Example:

    >>> contract_path("out/hand_float16.tflite").as_posix()
    'out/hand_float16.contract.json'
    """
    return pathlib.Path(model_path).with_suffix(".contract.json")


@dataclasses.dataclass(frozen=True)
class Contract:
    """The checked content of a contract file.

    Args:
        values: The JSON object; fields as `make_contract` writes them.
    """

    values: Mapping[str, Any]

    @property
    def model_file(self) -> str:
        """Name of the `.tflite` file, without folder."""
        return self.values["model"]["file"]

    @property
    def sha256(self) -> str:
        """SHA-256 of the `.tflite` file."""
        return self.values["model"]["sha256"]

    @property
    def input_size(self) -> int:
        """Side of the square crop in pixels."""
        return self.values["crop"]["size_px"]

    @property
    def recipe(self) -> str:
        """Name of the quantization recipe."""
        return self.values["quantization"]["recipe"]

    @property
    def decoding(self) -> Mapping[str, Any]:
        """How outputs become coordinates; files of earlier versions return coordinates."""
        return self.values.get("decoding", COORDINATES)

    @property
    def tracking(self) -> TrackingRule:
        """How to follow a hand.

        Raises:
            InputError: If the file is of an earlier version, which does not say it.
        """
        if "tracking" not in self.values:
            raise InputError(
                f"{self.model_file}: expected a contract with the section tracking. Received: "
                f"fields={sorted(self.values)}. An earlier version wrote it: single pictures work, "
                "to follow hands make the bundle again with tf-handgroups bundle."
            )
        return parse_tracking(self.values["tracking"], self.values["outputs"], self.model_file)


def make_contract(
    model_path: str | os.PathLike,
    metadata: Mapping[str, Any],
    recipe: str,
    parity: Mapping[str, Any],
    interface: Mapping[str, Any] | None = None,
    decoding: Mapping[str, Any] = COORDINATES,
    calibration: Mapping[str, Any] | None = None,
) -> Contract:
    """Describes a converted model.

    Args:
        model_path: The `.tflite` file.
        metadata: Of the hardened model: `grouping` (21 ints), `input_size` (pixels),
            `training_data`, `licence` and optionally `recipe` (of the training),
            `crop` (default `CROP_RULE`) and `outputs` (names; default all of
            `OUTPUT_SHAPES`).
        recipe: Name of the quantization recipe.
        parity: Numbers of the comparison with the Keras model, plain JSON values.
        interface: As of `model_interface`; `None` for float32 in and out.
        decoding: How outputs become coordinates, see `decode`.
        calibration: Where the crops came from that gave the integer ranges, plain JSON
            values; `None` for recipes without.

    Returns:
        The contract, ready for `write_contract`.

    Raises:
        InputError: If the metadata lack a field or hold a wrong one.
    """
    for name in ("grouping", "input_size", "training_data", "licence"):
        if name not in metadata:
            raise InputError(
                f"make_contract: expected the metadata of a hardened model with {name}. "
                f"Received: metadata={sorted(metadata)}. Harden the model with this version."
            )
    path = pathlib.Path(model_path)
    size = int(metadata["input_size"])
    outputs = known_outputs(metadata.get("outputs", OUTPUT_SHAPES))
    tensors = {name: {"shape": [1, *OUTPUT_SHAPES[name]], "dtype": "float32"} for name in outputs}
    image: dict[str, Any] = {"shape": [1, size, size, 3], "dtype": "float32"}
    if interface is not None:
        image = interface["inputs"][INPUT_NAME]
        tensors = {name: interface["outputs"][name] for name in output_order(interface["outputs"])}
    values = {
        "schema": SCHEMA,
        "model": {
            "file": path.name,
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
            "signature": SIGNATURE,
        },
        "input": {
            "name": INPUT_NAME,
            **image,
            "range": [0, 255] if image["dtype"] == "uint8" else [0.0, 1.0],
            "colour_order": "RGB",
        },
        "crop": dict(metadata.get("crop") or CROP_RULE) | {"size_px": size},
        "joints": {
            "order": "canonical",
            "names": list(JOINT_NAMES),
            "parents": list(PARENTS),
            "root": ROOT_JOINT,
            "reference_bone": list(REFERENCE_BONE),
        },
        "outputs": {
            name: {
                **tensor,
                "units": _OUTPUT_MEANING[name][0],
                "meaning": _OUTPUT_MEANING[name][1],
            }
            for name, tensor in tensors.items()
        },
        "decoding": dict(decoding),
        "quantization": {"recipe": recipe}
        | ({} if calibration is None else {"calibration": dict(calibration)}),
        "grouping": [int(group) for group in metadata["grouping"]],
        "handedness": dict(_HANDEDNESS_RULE if "handedness" in outputs else _GIVEN_HANDEDNESS_RULE),
        "parity": dict(parity),
        "training_recipe": str(metadata.get("recipe", "not stated")),
        "training_data": str(metadata["training_data"]),
        "licence": str(metadata["licence"]),
    }
    return parse_contract(completed_contract(Contract(values)).values, f"{path}: metadata")


def completed_contract(contract: Contract) -> Contract:
    """Adds the sections that contracts of earlier versions lack.

    Args:
        contract: Of any version that can be read.

    Returns:
        The same, with `recovery` and `tracking` in their places; nothing else changes.
    """
    added = {
        "recovery": dict(RECOVERY),
        "tracking": TrackingRule.default(contract.values["outputs"]).to_json(),
    }
    values: dict[str, Any] = {}
    for name, value in contract.values.items():
        values[name] = value
        if name == "handedness":
            values |= {key: contract.values.get(key, section) for key, section in added.items()}
    return Contract(values)


def parse_contract(values: Any, where: str) -> Contract:
    """Checks the fields of a contract.

    Args:
        values: What the JSON file holds.
        where: Name of the file for messages.

    Raises:
        InputError: If the schema is unknown, or a field is missing or of a wrong type
            or size; the message names the field.

    Example:

    >>> parse_contract({"schema": "other/7"}, "hand.contract.json")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: hand.contract.json: expected schema \
'tf_handgroups.contract/1'. Received: schema='other/7'. Convert the model with this version.
    """
    if not isinstance(values, Mapping):
        raise InputError(
            f"{where}: expected a JSON object. Received: type={type(values).__name__}. "
            "Use the file that tf-handgroups convert wrote."
        )
    if values.get("schema") != SCHEMA:
        raise InputError(
            f"{where}: expected schema {SCHEMA!r}. Received: schema={values.get('schema')!r}. "
            "Convert the model with this version."
        )
    for name, kind in _FIELDS.items():
        _check_field(values, name, name, kind, where)
    for outer, fields in _NESTED_FIELDS.items():
        for name, kind in fields.items():
            _check_field(values[outer], name, f"{outer}.{name}", kind, where)
    for field, items in (("grouping", values["grouping"]), ("joints.names", _names(values))):
        if len(items) != NUM_JOINTS:
            raise InputError(
                f"{where}: expected field {field} with {NUM_JOINTS} entries. "
                f"Received: entries={len(items)}."
            )
    if "handedness" in values["outputs"]:
        _check_field(
            values["handedness"], "positive_logit", "handedness.positive_logit", str, where
        )
    size = values["crop"]["size_px"]
    if values["input"]["shape"] != [1, size, size, 3]:
        raise InputError(
            f"{where}: expected field input.shape to be [1, {size}, {size}, 3] as crop.size_px "
            f"says. Received: input.shape={values['input']['shape']}."
        )
    decoding = values.get("decoding", COORDINATES)
    check_decoding(decoding, values["outputs"], where)
    required = REQUIRED_OUTPUTS if decoding == COORDINATES else ()
    for name in known_outputs([*required, *values["outputs"]]):
        shape = OUTPUT_SHAPES[name]
        _check_field(values["outputs"], name, f"outputs.{name}", dict, where)
        if values["outputs"][name].get("shape") != [1, *shape]:
            raise InputError(
                f"{where}: expected field outputs.{name}.shape to be {[1, *shape]}. "
                f"Received: shape={values['outputs'][name].get('shape')}."
            )
        _check_field(values["outputs"][name], "dtype", f"outputs.{name}.dtype", str, where)
    # Files of earlier versions have neither.
    if "recovery" in values:
        check_recovery(values["recovery"], where)
    if "tracking" in values:
        parse_tracking(values["tracking"], values["outputs"], where)
    return Contract(values)


def _names(values: Mapping[str, Any]) -> list[str]:
    return values["joints"]["names"]


def _check_field(values: Mapping[str, Any], name: str, path: str, kind: type, where: str) -> None:
    if name not in values:
        raise InputError(
            f"{where}: field {path} is missing. Received: fields={sorted(values)}. "
            "Use the file that tf-handgroups convert wrote."
        )
    value = values[name]
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or isinstance(value, bool):
        raise InputError(
            f"{where}: expected field {path} to be of type {kind.__name__}. "
            f"Received: {path}={value!r}."
        )


def write_contract(contract: Contract, path: str | os.PathLike, overwrite: bool = False) -> None:
    """Writes a contract file; the same contract gives the same bytes.

    Raises:
        InputError: If the file exists and `overwrite` is false.
    """
    text = json.dumps(contract.values, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing_file(path, overwrite) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_contract(path: str | os.PathLike) -> Contract:
    """Reads and checks a contract file.

    Raises:
        InputError: If the file is missing, no JSON, or does not pass `parse_contract`.
    """
    path = pathlib.Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: expected the contract of the model beside it. Received: no such file. "
            "Copy it together with the .tflite file, or convert the model again. If you know "
            "where the file comes from, --trust takes it with the contract inside it."
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a JSON file. Received: {error}.") from error
    return parse_contract(values, str(path))
