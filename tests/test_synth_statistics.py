"""The comparison of synthetic poses with measured ones, on hands whose answer is known."""

import numpy as np
import pytest

from benchmarks import synth_statistics
from tf_handgroups.synth.hand_mesh import pose_hand, rotation
from tf_handgroups.synth.hand_shape import HandShape, random_shape
from tf_handgroups.synth.joint_angles import joint_angles_deg


@pytest.fixture(scope="module")
def hands():
    return synth_statistics.our_joints(60)


def test_draws_different_hands_the_same_each_time(hands):
    assert hands.shape == (60, 21, 3)
    np.testing.assert_array_equal(hands[:5], synth_statistics.our_joints(5))
    assert synth_statistics.bone_ratios(hands).std(axis=0)[0] > 0.02


def test_same_bones_keep_the_pose_and_forget_the_person():
    angles = np.random.default_rng(0).uniform(0, 0.8, (4, 25))
    angles[:, 24] = 0
    shape = HandShape(scale=0.7, bone_length=np.outer([1.1, 0.9, 1.0, 1.1, 0.9], [1, 1.05, 0.95]))
    small, default = (
        synth_statistics.same_bones(pose_hand(angles, person)[0]) for person in (shape, HandShape())
    )
    # Joints lie a little off the bones' axes, which are not stretched.
    np.testing.assert_allclose(small, default, atol=2.0)


def test_a_turned_copy_is_found_at_distance_zero(hands):
    turned = 0.001 * hands[:7] @ rotation(1, 1.0) @ rotation(0, 0.5) + [1.0, 2.0, 3.0]
    assert synth_statistics.nearest_mm(turned, hands).max() < 1e-6
    assert synth_statistics.nearest_mm(hands[:20], hands[20:]).min() > 0.1


def test_table_tells_how_much_lies_inside():
    ours = np.linspace(0, 100, 1001)[:, None]
    theirs = np.array([50.0, 60.0, 70.0, 200.0])[:, None]
    text = synth_statistics.table(("some angle",), ours, theirs)
    assert text.splitlines()[-1].split()[:2] == ["some", "angle"]
    assert text.splitlines()[-1].endswith("0.750")


def test_writes_a_picture_and_prints_all_tables(tmp_path, capsys):
    generator = np.random.default_rng(1)
    shape = random_shape(generator)
    poses = pose_hand(generator.uniform(0, 0.8, (50, 25)), shape)[0] / 1000
    np.save(tmp_path / "poses.npy", poses)
    picture = tmp_path / "statistics.png"
    arguments = ["--stb", str(tmp_path / "poses.npy"), "--out", str(picture), "--count", "50"]
    assert synth_statistics.main(arguments) == 0
    assert picture.stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "index MCP flexion" in printed and "bone 0-1" in printed and "no thumb" in printed
    assert joint_angles_deg(poses).shape == (50, 24)
