"""Derives `hand_mesh.npz` from the WebXR generic right hand (MIT).

Usage: `python -m tf_handgroups.assets.derive_hand_mesh right.glb hand_mesh.npz`.
The input is `dist/profiles/generic-hand/right.glb` of the npm package
`@webxr-input-profiles/assets`. Only NumPy and the standard library are needed.
"""

import json
import os
import struct
import sys

import numpy as np

from tf_handgroups.assets.mesh_tools import (
    FOREARM_BONE,
    NUM_BONES,
    PALM_BONE,
    blend_forearm,
    boundary_loop,
    drop_small_weights,
    hand_arrays,
    place_tips,
    ring_faces,
    subdivide_loop,
    thicken_arm,
)
from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError

_DTYPES = {5126: np.float32, 5123: np.uint16, 5121: np.uint8}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_FINGERS = ("index", "middle", "ring", "pinky")
_WEBXR_ORDER = (
    "wrist",
    *(f"thumb-{part}" for part in ("metacarpal", "phalanx-proximal", "phalanx-distal", "tip")),
    *(
        f"{finger}-finger-{part}"
        for finger in _FINGERS
        for part in ("phalanx-proximal", "phalanx-intermediate", "phalanx-distal", "tip")
    ),
)

# The WebXR wrist lies in the forearm's end; photographs are annotated at the heel
# of the palm. WebXR tips lie at the centre of the last pad; photographs are
# annotated just below the skin of the finger's end.
# Canonical joint: shift to the little finger, to the wrist, out of the palm.
_SHIFTS_MM = {
    0: (0.0, -13.0, 4.0),
    1: (2.5, 3.0, 0.0),
    5: (0.0, -2.5, 0.0),
    9: (0.5, 1.5, 0.5),
    13: (0.0, 2.5, -2.0),
}
# The mesh is cut here (towards the elbow) and goes on as a forearm.
_CUT_Y_MM = 64.0
_FOREARM_RINGS = 14
_FOREARM_LENGTH_MM = 300.0
_FOREARM_AXES_MM = (38.0, 45.0)
# The source's wrist is about 145 mm round; we make it about 170 mm, an estimate.
_ARM_FACTORS = (1.15, 1.1)
# Rows: WebXR mesh axes in the hand frame: x to the little finger, y to the wrist,
# z out of the palm (a right hand seen from its back, fingers up).
_MESH_TO_HAND = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float64)


def read_glb(path: str | os.PathLike) -> tuple[dict, bytes]:
    """Returns the JSON document and the binary chunk of a `.glb` file.

    Raises:
        InputError: If the file is missing or not a binary glTF 2.0 file.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    if data[:4] != b"glTF" or len(data) < 28:
        raise InputError(
            f"{path}: expected a binary glTF file. Received: first bytes={data[:4]!r}. "
            "Use dist/profiles/generic-hand/right.glb of @webxr-input-profiles/assets."
        )
    json_length = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + json_length]), data[28 + json_length :]


def _accessor(document: dict, binary: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    width = _WIDTHS[accessor["type"]]
    dtype = _DTYPES[accessor["componentType"]]
    flat = np.frombuffer(binary, dtype, accessor["count"] * width, start)
    return flat.reshape(accessor["count"], width)


def _bone_of_joint(name: str) -> int:
    """Maps a WebXR joint name to one of palm 0, thumb 1-3, index 4-6 .. little 13-15."""
    if name == "wrist" or name.endswith("finger-metacarpal"):
        return PALM_BONE
    canonical = _WEBXR_ORDER.index(name)
    finger, part = divmod(canonical - 1, 4)
    return 1 + 3 * finger + min(part, 2)


def _load_parts(path):
    """Returns welded vertices (mm), faces, bone weights and the 21 joint frames."""
    document, binary = read_glb(path)
    primitive = document["meshes"][0]["primitives"][0]
    attributes = primitive["attributes"]
    positions = _accessor(document, binary, attributes["POSITION"]).astype(np.float64) * 1000
    joints = _accessor(document, binary, attributes["JOINTS_0"]).astype(int)
    weights4 = _accessor(document, binary, attributes["WEIGHTS_0"]).astype(np.float64)
    faces = _accessor(document, binary, primitive["indices"]).reshape(-1, 3).astype(int)
    skin = document["skins"][0]
    names = [document["nodes"][node]["name"] for node in skin["joints"]]
    inverse_bind = _accessor(document, binary, skin["inverseBindMatrices"])
    frames = np.linalg.inv(inverse_bind.astype(np.float64).reshape(-1, 4, 4).transpose(0, 2, 1))
    bone_of = np.array([_bone_of_joint(name) for name in names])
    weights = np.zeros((len(positions), NUM_BONES))
    for column in range(4):
        np.add.at(
            weights, (np.arange(len(positions)), bone_of[joints[:, column]]), weights4[:, column]
        )
    _, first, inverse = np.unique(
        np.round(positions, 3), axis=0, return_index=True, return_inverse=True
    )
    order = [names.index(name) for name in _WEBXR_ORDER]
    rotations = _MESH_TO_HAND @ frames[order][:, :3, :3]
    origins = frames[order][:, :3, 3] * 1000 @ _MESH_TO_HAND.T
    vertices = positions[first] @ _MESH_TO_HAND.T
    return vertices, inverse.ravel()[faces], weights[first], rotations, origins


def _add_forearm(vertices, faces, weights):
    """Cuts the closed wrist and continues it with rings that grow to a forearm."""
    kept = (vertices[faces][:, :, 1] < _CUT_Y_MM).all(axis=1)
    faces = faces[kept]
    used, inverse = np.unique(faces, return_inverse=True)
    vertices, weights, faces = vertices[used], weights[used], inverse.reshape(-1, 3)
    loop = boundary_loop(faces)
    ring = vertices[loop]
    centre = ring.mean(axis=0)
    angle = np.arctan2(ring[:, 2] - centre[2], ring[:, 0] - centre[0])
    target = np.stack(
        [
            centre[0] + _FOREARM_AXES_MM[1] * np.cos(angle),
            np.zeros(len(loop)),
            centre[2] + _FOREARM_AXES_MM[0] * np.sin(angle),
        ],
        axis=1,
    )
    bone = np.zeros(NUM_BONES)
    bone[FOREARM_BONE] = 1.0
    previous = loop
    for step in range(1, _FOREARM_RINGS + 1):
        along = (step / _FOREARM_RINGS) ** 1.4
        widen = along**0.8
        y = ring[:, 1] * (1 - min(1.0, 3 * along)) + _CUT_Y_MM * min(1.0, 3 * along)
        points = ring * (1 - widen) + target * widen
        points[:, 1] = y + along * _FOREARM_LENGTH_MM
        current = np.arange(len(loop)) + len(vertices)
        vertices = np.concatenate([vertices, points])
        weights = np.concatenate([weights, np.tile(bone, (len(loop), 1))])
        faces = np.concatenate([faces, ring_faces(previous, current)])
        previous = current
    return vertices, faces, weights


def derive(source: str | os.PathLike, target: str | os.PathLike, overwrite: bool = False) -> None:
    """Reads the glTF hand and writes the asset.

    Args:
        source: Path of `right.glb`.
        target: Path of the `.npz` to write.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If the source is unusable or the target exists.
    """
    vertices, faces, weights, rotations, origins = _load_parts(source)
    pivot = origins[0].copy()
    for joint, shift in _SHIFTS_MM.items():
        origins[joint] += shift
    vertices, faces, weights = _add_forearm(vertices, faces, weights)
    vertices = thicken_arm(vertices, vertices[:, 1], pivot, _ARM_FACTORS)
    vertices, faces, weights = subdivide_loop(vertices, faces, weights)
    weights = drop_small_weights(blend_forearm(vertices, weights, pivot[1] - 24))
    origins = place_tips(vertices, weights, origins, -rotations[4::4, :, 2])
    arrays = hand_arrays(vertices, faces, weights, rotations, origins, pivot)
    with replacing_file(target, overwrite) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    derive(sys.argv[1], sys.argv[2], overwrite=True)
