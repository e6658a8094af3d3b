"""How runners make 3D of `uv_px` and `z_rel`: the section `recovery` of a contract.

It holds the constants of `tf_handgroups.camera`, so that no other language retypes them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_handgroups.camera import ALL_BONES, MAX_ROOT_DEPTH, MIN_IMAGE_SHARE
from tf_handgroups.errors import InputError
from tf_handgroups.joints import BONES
from tf_handgroups.mean_hand import BONE_RATIOS

RECOVERY: Mapping[str, Any] = {
    "kind": "all_bones",
    "bone_ratios": BONE_RATIOS.tolist(),
    "bone_weights": ALL_BONES.tolist(),
    "min_image_share": MIN_IMAGE_SHARE,
    "max_root_depth": MAX_ROOT_DEPTH,
    "rule": "Bone i ends at joint i + 1 and begins at its parent; r = bone_ratios, "
    "w = bone_weights, z = z_rel, d = difference along a bone, p = sum w max(r^2 - dz^2, 0). "
    "Without intrinsics: pixels per bone s = sqrt(sum w |d uv|^2 / max(p, min_image_share "
    "sum w r^2)); xyz_relative = ((uv - uv of the root) / s, z - z of the root). "
    "With intrinsics K: rays x = the first two of K^-1 (u, v, 1) at depth 1; a = sum w |dx|^2, "
    "b = sum w dx . d(x z), c = sum w |d(x z)|^2 - p; q = sqrt(max(b^2 - a c, 0)) - b; "
    "root depth Z = q / a where q < max_root_depth a, else max_root_depth, and at least "
    "1 - the smallest z; xyz = (x (Z + z), Z + z) in bone lengths, times the length of the "
    "reference bone in mm.",
}


def check_recovery(section: Any, where: str) -> None:
    """Checks the section `recovery` of a contract.

    Args:
        section: The section.
        where: Name of the file for messages.

    Raises:
        InputError: If a field is missing or holds something else than positive numbers.

    Example:

    >>> check_recovery(RECOVERY, "hand.contract.json")
    """
    kind = section.get("kind") if isinstance(section, Mapping) else None
    if kind != RECOVERY["kind"]:
        raise InputError(
            f"{where}: expected field recovery.kind to be {RECOVERY['kind']!r}. "
            f"Received: recovery.kind={kind!r}. Make the bundle again with this version."
        )
    for name, shape in (
        ("bone_ratios", (len(BONES),)),
        ("bone_weights", (len(BONES),)),
        ("min_image_share", ()),
        ("max_root_depth", ()),
    ):
        value = section.get(name)
        if not _positive(value, shape):
            raise InputError(
                f"{where}: expected field recovery.{name} to hold positive numbers of shape "
                f"{shape}. Received: recovery.{name}={value!r}. "
                "Make the bundle again with this version."
            )


def _positive(value: Any, shape: tuple[int, ...]) -> bool:
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return False
    return numbers.shape == shape and bool(np.all(np.isfinite(numbers) & (numbers > 0)))
