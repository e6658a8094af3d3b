"""Tests of the contract's section about recovering 3D."""

import json

import numpy as np
import pytest

from tf_handgroups.camera import recover_absolute, recover_weak_perspective
from tf_handgroups.convert.recovery_rule import RECOVERY, check_recovery
from tf_handgroups.errors import InputError
from tf_handgroups.joints import PARENTS, ROOT_JOINT


@pytest.fixture
def section() -> dict:
    return json.loads(json.dumps(RECOVERY))


def along_bones(values):
    """Difference of every joint but the wrist to its parent."""
    return np.array([values[joint] - values[PARENTS[joint]] for joint in range(1, 21)])


def hands():
    generator = np.random.default_rng(4)
    for depth in (0.1, 0.6, 2.0):
        yield generator.uniform(0, 200, (21, 2)), generator.normal(0, depth, 21)


def test_numbers_and_rule_are_enough_without_intrinsics(section):
    """Written from the text of the rule, with the numbers of the section alone."""
    ratios, weights = np.array(section["bone_ratios"]), np.array(section["bone_weights"])
    for uv, z in hands():
        in_plane = weights @ np.maximum(ratios**2 - along_bones(z) ** 2, 0)
        in_plane = max(in_plane, section["min_image_share"] * (weights @ ratios**2))
        scale = np.sqrt(weights @ (along_bones(uv) ** 2).sum(-1) / in_plane)
        expected = np.column_stack([(uv - uv[ROOT_JOINT]) / scale, z - z[ROOT_JOINT]])
        np.testing.assert_allclose(recover_weak_perspective(uv, z), expected, atol=1e-9)


def test_numbers_and_rule_are_enough_with_intrinsics(section):
    ratios, weights = np.array(section["bone_ratios"]), np.array(section["bone_weights"])
    intrinsics = np.array([[600.0, 0, 320], [0, 610, 240], [0, 0, 1]])
    depths = []
    for uv, z in hands():
        rays = np.column_stack([(uv[:, 0] - 320) / 600, (uv[:, 1] - 240) / 610])
        in_plane = weights @ np.maximum(ratios**2 - along_bones(z) ** 2, 0)
        slopes, offsets = along_bones(rays), along_bones(rays * z[:, None])
        a = weights @ (slopes**2).sum(-1)
        b = weights @ (slopes * offsets).sum(-1)
        c = weights @ (offsets**2).sum(-1) - in_plane
        q = np.sqrt(max(b * b - a * c, 0)) - b
        limit = section["max_root_depth"]
        depth = max(q / a if q < limit * a else limit, 1 - z.min())
        expected = 45 * np.column_stack([rays * (depth + z)[:, None], depth + z])
        np.testing.assert_allclose(recover_absolute(uv, z, intrinsics, 45.0), expected, rtol=1e-9)
        depths.append(depth)
    assert min(depths) > 1  # they say something


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(kind="iqbal"), r"field recovery\.kind to be 'all_bones'\. .*='iqbal'"),
        (lambda s: s.pop("bone_ratios"), r"recovery\.bone_ratios to hold .*bone_ratios=None"),
        (lambda s: s["bone_weights"].pop(), r"recovery\.bone_weights to hold .* \(20,\)"),
        (lambda s: s["bone_ratios"].__setitem__(3, 0), r"Received: recovery\.bone_ratios="),
        (lambda s: s["bone_ratios"].__setitem__(3, "x"), r"Received: recovery\.bone_ratios="),
        (lambda s: s["bone_ratios"].__setitem__(3, [1]), r"Received: recovery\.bone_ratios="),
        (lambda s: s.update(min_image_share=-1), r"Received: recovery\.min_image_share=-1"),
        (
            lambda s: s.update(max_root_depth=float("nan")),
            r"Received: recovery\.max_root_depth=nan",
        ),
    ],
)
def test_rejects_wrong_fields_by_name(section, change, message):
    change(section)
    with pytest.raises(InputError, match=f"^here: .*{message}"):
        check_recovery(section, "here")


def test_rejects_what_is_no_object():
    with pytest.raises(InputError, match=r"Received: recovery\.kind=None"):
        check_recovery([], "here")
