"""Compares poses and proportions of the synthetic hands with those of measured hands.

    python -m benchmarks.synth_statistics --stb stb_train.npy --out docs/synth_statistics.png

`--stb` is an array `(N, 21, 3)` of right hands in canonical order, any unit, such as the
training poses of the Stereo Hand Pose Tracking Benchmark (one person; its annotations
come from a model whose joints bend from 0 to 90 degrees). Angles of both sides are
measured by one function from the 21 joints, ours where they are labelled. Prints four
tables:

- per angle the mean, the deviation, the 1 % and 99 % percentiles of both sides, and the
  share of measured poses inside our 0.5 to 99.5 % range;
- the same of bone lengths over the reference bone (9-10);
- the correlations of some angles;
- how far measured poses are from the nearest of ours, mean over the joints in mm, when the
  default hand takes all poses: palms aligned, bones as long as ours. Beside it the same
  for our own other poses, which says how densely ours lie.

Draws the histograms of both sides into one picture. Takes about half a minute.
"""

import argparse
import pathlib

import matplotlib
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from tf_handgroups.joints import BONES
from tf_handgroups.synth.hand_mesh import NUM_ANGLES, pose_hand
from tf_handgroups.synth.hand_shape import random_shape
from tf_handgroups.synth.hand_template import MESHES
from tf_handgroups.synth.joint_angles import ANGLE_NAMES, joint_angles_deg, palm_frame
from tf_handgroups.synth.joint_places import annotated_joints
from tf_handgroups.synth.pose_prior import random_family, random_pose

matplotlib.use("Agg")
import matplotlib.pyplot as plt

REFERENCE_BONE = BONES.index((9, 10))
# Okabe and Ito's orange and blue; ours is filled, the other an outline.
OURS_COLOUR, STB_COLOUR = "#0072B2", "#D55E00"
BONE_NAMES = tuple(f"bone {first}-{second}" for first, second in BONES)


def our_joints(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Draws the labels `(count, 21, 3)` of hands in mm, of every mesh in turn."""
    generator = np.random.default_rng(seed)
    joints = np.empty((count, 21, 3))
    for index in range(count):
        shape = random_shape(generator, MESHES[index % len(MESHES)])
        pose = random_pose(generator, shape, random_family(generator))
        joints[index] = annotated_joints(pose_hand(pose, shape)[0], shape)
    return joints


def bone_ratios(joints: NDArray) -> NDArray[np.float64]:
    """Returns bone lengths over the reference bone, `(N, 20)`."""
    ends = np.array(BONES)
    lengths = np.linalg.norm(joints[:, ends[:, 1]] - joints[:, ends[:, 0]], axis=2)
    return lengths / lengths[:, REFERENCE_BONE : REFERENCE_BONE + 1]


def same_bones(joints: NDArray) -> NDArray[np.float64]:
    """Gives the pose of every hand to the default hand, `(N, 21, 3)` mm in the palm's frame.

    Every bone of a finger keeps its direction in the palm and gets our default length; the
    palm is the default hand's. So neither sizes nor places of the wrist count.
    """
    default = pose_hand(np.zeros(NUM_ANGLES))[0]
    lengths = np.linalg.norm(_finger_bones(default), axis=2)
    bones = _finger_bones(joints)
    directions = bones / np.linalg.norm(bones, axis=3, keepdims=True)
    directions = directions @ np.stack(palm_frame(joints), axis=-1)[:, None]
    roots = (default[[1, 5, 9, 13, 17]] - default[0]) @ np.stack(palm_frame(default), axis=-1)
    steps = np.concatenate(
        [np.broadcast_to(roots[:, None], (len(joints), 5, 1, 3)), directions * lengths[..., None]],
        2,
    )
    found = np.zeros((len(joints), 21, 3))
    found[:, 1:] = steps.cumsum(axis=2).reshape(-1, 20, 3)
    return found


def _finger_bones(joints):
    return np.diff(joints[..., 1:, :].reshape(*joints.shape[:-2], 5, 4, 3), axis=-2)


def nearest_mm(hands: NDArray, others: NDArray, first_joint: int = 0) -> NDArray[np.float64]:
    """Mean distance of the joints of each hand to the nearest of the others, mm, same bones.

    With `first_joint=5` only index to little finger count.
    """
    hands, others = (same_bones(joints)[:, first_joint:] for joints in (hands, others))
    flat = [joints.reshape(len(joints), -1) for joints in (others, hands)]
    _, index = KDTree(flat[0]).query(flat[1])
    return np.linalg.norm(hands - others[index], axis=2).mean(axis=1)


def table(names: tuple[str, ...], ours: NDArray, theirs: NDArray, digits: int = 0) -> str:
    """One line per quantity: mean, deviation and range of both, share of theirs in ours."""
    lines = [
        f"{'':24}{'ours':>30}{'STB':>34}{'inside':>9}",
        f"{'':24}" + f"{'mean':>8}{'dev.':>7}{'1 %':>8}{'99 %':>8}   " * 2,
    ]
    for index, name in enumerate(names):
        text = f"{name:24}"
        for values in (ours[:, index], theirs[:, index]):
            low, high = np.percentile(values, [1, 99])
            figures = zip((values.mean(), values.std(), low, high), (8, 7, 8, 8), strict=True)
            text += "".join(f"{value:{width}.{digits}f}" for value, width in figures) + "   "
        low, high = np.percentile(ours[:, index], [0.5, 99.5])
        inside = np.mean((theirs[:, index] >= low) & (theirs[:, index] <= high))
        lines.append(text + f"{inside:7.3f}")
    return "\n".join(lines)


def correlations(ours: NDArray, theirs: NDArray) -> str:
    """Correlations that a pose prior has to have, ours beside the other's."""
    index = {name: place for place, name in enumerate(ANGLE_NAMES)}
    pairs = [
        *(
            (f"{one} MCP flexion", f"{two} MCP flexion")
            for one, two in (("index", "middle"), ("middle", "ring"), ("ring", "little"))
        ),
        ("index MCP flexion", "little MCP flexion"),
        *((f"{f} PIP flexion", f"{f} DIP flexion") for f in ("index", "middle", "ring", "little")),
        ("middle MCP flexion", "middle PIP flexion"),
    ]
    lines = [f"{'correlation':44}{'ours':>7}{'STB':>7}"]
    for one, two in pairs:
        values = [np.corrcoef(a[:, index[one]], a[:, index[two]])[0, 1] for a in (ours, theirs)]
        lines.append(f"{one + ', ' + two:44}{values[0]:7.2f}{values[1]:7.2f}")
    return "\n".join(lines)


def draw(ours: dict[str, NDArray], theirs: dict[str, NDArray], path: pathlib.Path) -> None:
    """Draws one histogram per quantity, ours filled, the other as an outline."""
    columns = 6
    rows = -(-len(ours) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.0 * columns, 2.2 * rows))
    names = [name for name in ours if name != BONE_NAMES[REFERENCE_BONE]]
    for axis, name in zip(axes.flat, names, strict=False):
        values = ours[name]
        other = theirs[name]
        low, high = np.percentile(np.concatenate([values, other]), [0.2, 99.8])
        bins = np.linspace(low, high, 40)
        axis.hist(values, bins, density=True, color=OURS_COLOUR, alpha=0.55, label="synthetic")
        axis.hist(
            other, bins, density=True, color=STB_COLOUR, histtype="step", linewidth=1.6, label="STB"
        )
        # A length that is the same in all of STB would press ours flat.
        top = np.histogram(values, bins, density=True)[0].max()
        axis.set_ylim(0, min(axis.get_ylim()[1], 3 * top))
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("length / bone 9-10" if name in BONE_NAMES else "degrees", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.set_yticks([])
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    axes.flat[0].legend(fontsize=7)
    figure.suptitle(
        "Joint angles and bone lengths: synthetic hands (filled) beside STB's training poses "
        "(outline; one person), shares of each set",
        fontsize=11,
    )
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    figure.savefig(path, dpi=70, metadata={"Software": None})
    plt.close(figure)


def main(argv: list[str] | None = None) -> int:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description="Compares synthetic poses with measured ones.")
    parser.add_argument("--stb", type=pathlib.Path, required=True, help="array (N, 21, 3)")
    parser.add_argument("--out", type=pathlib.Path, help="PNG to write")
    parser.add_argument("--count", type=int, default=5000, help="synthetic hands")
    options = parser.parse_args(argv)
    stb = np.load(options.stb).astype(np.float64)
    ours = our_joints(options.count)
    angles = joint_angles_deg(ours), joint_angles_deg(stb)
    bones = bone_ratios(ours), bone_ratios(stb)
    print(table(ANGLE_NAMES, *angles))
    print()
    print(table(BONE_NAMES, *bones, digits=2))
    print()
    print(correlations(*angles))
    fifth = len(ours) // 5
    rows = (
        ("STB poses", nearest_mm(stb, ours)),
        ("STB poses, no thumb", nearest_mm(stb, ours, first_joint=5)),
        ("our own other poses", nearest_mm(ours[:fifth], ours[fifth:])),
        ("our own, no thumb", nearest_mm(ours[:fifth], ours[fifth:], first_joint=5)),
    )
    print(f"\n{'mm to the nearest of ours':32}{'mean':>7}{'median':>8}{'95 %':>7}{'99 %':>7}")
    for name, distance in rows:
        figures = [distance.mean(), *np.percentile(distance, [50, 95, 99])]
        print(
            f"{name:32}"
            + "".join(f"{v:{w}.1f}" for v, w in zip(figures, (7, 8, 7, 7), strict=True))
        )
    if options.out:
        names = (*ANGLE_NAMES, *BONE_NAMES)
        sides = [
            dict(zip(names, np.hstack(pair).T, strict=True))
            for pair in zip(angles, bones, strict=True)
        ]
        draw(sides[0], sides[1], options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
