"""Derivation of the hand asset from binary glTF."""

import json
import os
import pathlib
import struct

import numpy as np
import pytest

from tf_handgroups.assets import derive_hand_mesh
from tf_handgroups.errors import InputError

SOURCE = "hand_meshes/webxr_generic_hand/right.glb"


def test_the_asset_is_reproduced_byte_for_byte(tmp_path):
    root = os.environ.get("HANDGROUPS_TEST_DATA")
    if not root or not (pathlib.Path(root) / SOURCE).is_file():
        pytest.skip(f"HANDGROUPS_TEST_DATA/{SOURCE} is needed to derive the asset again")
    derive_hand_mesh.derive(pathlib.Path(root) / SOURCE, tmp_path / "hand.npz")
    asset = pathlib.Path(derive_hand_mesh.__file__).with_name("hand_mesh.npz")
    with np.load(tmp_path / "hand.npz") as new, np.load(asset) as old:
        assert sorted(new) == sorted(old)
        for name in old:
            # Linear algebra libraries may differ in the last digit.
            np.testing.assert_allclose(new[name], old[name], atol=1e-4, err_msg=name)


def test_reads_glb_chunks(tmp_path):
    text = json.dumps({"asset": {"version": "2.0"}}).encode()
    text += b" " * (-len(text) % 4)
    binary = b"\x01\x02\x03\x04"
    data = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(binary))
    data += struct.pack("<I4s", len(text), b"JSON") + text
    data += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    path = tmp_path / "tiny.glb"
    path.write_bytes(data)
    document, found = derive_hand_mesh.read_glb(path)
    assert document == {"asset": {"version": "2.0"}}
    assert found == binary


def test_rejects_other_files(tmp_path):
    path = tmp_path / "hand.glb"
    with pytest.raises(InputError, match="cannot be read"):
        derive_hand_mesh.read_glb(path)
    path.write_bytes(b"obj file, not glTF at all, but long enough")
    with pytest.raises(InputError, match="Received: first bytes=b'obj '"):
        derive_hand_mesh.read_glb(path)


def test_bones_of_joints():
    names = derive_hand_mesh._WEBXR_ORDER
    bones = [derive_hand_mesh._bone_of_joint(name) for name in names]
    assert bones[0] == 0
    for finger in range(5):
        first = 1 + 3 * finger
        # The tip moves with the last bone.
        assert bones[1 + 4 * finger : 5 + 4 * finger] == [first, first + 1, first + 2, first + 2]
    assert derive_hand_mesh._bone_of_joint("ring-finger-metacarpal") == 0
