"""Derivation of the MakeHuman hand asset."""

import gzip
import hashlib
import os
import pathlib

import numpy as np
import pytest

from tf_handgroups.assets import derive_makehuman_hand
from tf_handgroups.errors import InputError

SOURCE = "hand_meshes/makehuman_cc0"
ASSETS = pathlib.Path(derive_makehuman_hand.__file__).parent


@pytest.fixture(name="source")
def _source():
    root = os.environ.get("HANDGROUPS_TEST_DATA")
    if not root or not (pathlib.Path(root) / SOURCE / "base.obj").is_file():
        pytest.skip(f"HANDGROUPS_TEST_DATA/{SOURCE} is needed to derive the asset again")
    return pathlib.Path(root) / SOURCE


def test_the_asset_is_reproduced(source, tmp_path):
    derive_makehuman_hand.derive(source, tmp_path / "hand.npz")
    asset = ASSETS / "hand_mesh_makehuman.npz"
    with np.load(tmp_path / "hand.npz") as new, np.load(asset) as old:
        assert sorted(new) == sorted(old)
        for name in set(old) - {"morph_names"}:
            # Linear algebra libraries may differ in the last digit; morphs are rounded.
            atol = 0.02 if name == "morph_vertices_mm" else 1e-4
            np.testing.assert_allclose(new[name], old[name], atol=atol, err_msg=name)
        assert new["morph_names"].tolist() == list(derive_makehuman_hand.MORPHS)
    assert asset.stat().st_size < 400_000


def test_the_provenance_names_the_inputs(source):
    text = (ASSETS / "PROVENANCE_MAKEHUMAN_HAND.md").read_text(encoding="utf-8")
    targets = [
        f"targets_hands/{name}-{way}.target.gz"
        for name, _ in derive_makehuman_hand.MORPHS.values()
        for way in ("incr", "decr")
    ]
    for name in ("base.obj", "weights.default.json", *targets):
        digest = hashlib.sha256((source / name).read_bytes()).hexdigest()
        assert f"| `{name}` | `{digest}` |" in text, name


def test_reads_quads_by_group(tmp_path):
    path = tmp_path / "tiny.obj"
    path.write_text(
        "# a square\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\ng body\nf 1/1 2/1 3/1 4/1\n"
    )
    vertices, groups = derive_makehuman_hand.read_obj(path)
    np.testing.assert_array_equal(vertices[2], [1, 1, 0])
    assert groups["body"].tolist() == [[0, 1, 2, 3]]


def test_rejects_other_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        derive_makehuman_hand.read_obj(tmp_path / "base.obj")
    (tmp_path / "base.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(InputError, match="Received: corners=3"):
        derive_makehuman_hand.read_obj(tmp_path / "base.obj")


def test_reads_compressed_displacements(tmp_path):
    path = tmp_path / "a.target.gz"
    path.write_bytes(gzip.compress(b"# comment\n1 .5 0 -.25\n"))
    moved = derive_makehuman_hand._read_target(path, 3)
    np.testing.assert_allclose(moved, [[0, 0, 0], [0.5, 0, -0.25], [0, 0, 0]])


def test_refuses_a_left_hand():
    cubes = np.zeros((22, 3))
    cubes[0], cubes[5], cubes[17] = [0, 90, 0], [20, 0, 0], [-40, 10, 0]
    cubes[3] = [-50, 20, 30]
    with pytest.raises(InputError, match="Use MakeHuman's right hand"):
        derive_makehuman_hand._hand_frame(cubes)


def test_joint_frames_follow_bones_and_nails():
    joints = np.zeros((21, 3))
    for finger in range(5):
        for part in range(4):
            joints[1 + 4 * finger + part] = [20.0 * finger, -30.0 * part, 0]
    frames = derive_makehuman_hand._joint_frames(joints, np.tile([0.0, 0, -1], (5, 1)))
    # Fingers along -y with backs to -z: the same frame as the palm's.
    np.testing.assert_allclose(frames, np.tile(frames[0], (21, 1, 1)), atol=1e-12)
