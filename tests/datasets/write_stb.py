"""Writes the layout of STB as its readme describes it, from hands whose joints are known."""

import functools
import pathlib

import cv2
import numpy as np
import scipy.io

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.synth.render import render_sample

# The readme's order of joints, and where the four of a finger begin in ours.
FINGERS_IN_ORDER = ("little", "ring", "middle", "index", "thumb")
FIRST_JOINT = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "little": 17}

BB = np.array([[822.79041, 0, 318.47345], [0, 822.79041, 250.31296], [0, 0, 1]])
SK = np.array([[607.92271, 0, 314.78337], [0, 607.88192, 236.42484], [0, 0, 1]])
COLOUR_TO_DEPTH = [0.00531, -0.01196, 0.00301]
COLOUR_TO_DEPTH_MM = [-24.0381, -0.4563, -1.2326]
BASELINE_MM = 120.054

SEQUENCES = [f"B{number}{motion}" for number in range(1, 7) for motion in ("Counting", "Random")]


@functools.cache
def left_hands(count: int, start: int = 0) -> tuple[HandSample, ...]:
    hands = []
    for seed in range(start, 1000):
        hand = render_sample(seed, 192)
        if hand.handedness == "left":
            hands.append(hand)
        if len(hands) == count:
            break
    return tuple(hands)


def turned(hand: HandSample, intrinsics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hand as a 640 x 480 camera sees it that looks at it: joints (21, 3) and picture."""
    xyz = hand.xyz_camera_mm.astype(np.float64)
    ahead = xyz.mean(axis=0) / np.linalg.norm(xyz.mean(axis=0))
    right = np.cross([0.0, 1.0, 0.0], ahead)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    move = intrinsics @ turn @ np.linalg.inv(hand.intrinsics_px.astype(np.float64))
    picture = cv2.warpPerspective(read_image(hand.image), move, (640, 480))
    return np.array([turn @ joint for joint in xyz]), picture


def palm_of(xyz: np.ndarray, wrist: str) -> np.ndarray:
    """The palm from which a rule makes the wrist of this hand."""
    if wrist == "ring":
        return (xyz[0] + xyz[13]) / 2
    if wrist == "middle":
        return xyz[9] + (xyz[0] - xyz[9]) / 2.2
    if wrist == "knuckles":
        middle = (xyz[5] + xyz[9] + xyz[13] + xyz[17]) / 4
        return middle + (xyz[0] - middle) / 2.25
    return xyz[0]


def stb_column(xyz: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """One frame of `handPara`, (3, 21): palm, little MCP .. tip, ring, middle, index, thumb."""
    joints = [palm]
    for finger in FINGERS_IN_ORDER:
        for part in range(4):
            joints.append(xyz[FIRST_JOINT[finger] + part])
    return np.array(joints).T


def rotation_matrix(vector) -> np.ndarray:
    """Rodrigues' formula."""
    angle = np.sqrt(sum(value * value for value in vector))
    x, y, z = (value / angle for value in vector)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def write_labels(folder: pathlib.Path, sequence: str, camera: str, hand_para: np.ndarray) -> None:
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / "labels" / f"{sequence}_{camera}.mat", {"handPara": hand_para})


def write_stb(
    folder: pathlib.Path,
    sequences=SEQUENCES,
    num_frames: int = 2,
    wrist: str = "ring",
    sk_frame: str = "depth",
) -> dict[str, np.ndarray]:
    """Writes images and labels; returns the joints of every image in its camera's frame.

    Depth images are left out: nothing reads them.
    """
    truth = {}
    hands = left_hands(3)
    for number, sequence in enumerate(sequences):
        bb, sk = [], []
        for frame in range(num_frames):
            hand = hands[(number + frame) % len(hands)]

            left, picture = turned(hand, BB)
            right = np.array([[x - BASELINE_MM, y, z] for x, y, z in left])
            disparity = 822.79041 * BASELINE_MM / left[:, 2].mean()
            shift = np.array([[1, 0, -disparity], [0, 1, 0]])
            bb.append(stb_column(left, palm_of(left, wrist)))
            images = {"BB_left": (left, picture)}
            images["BB_right"] = right, cv2.warpAffine(picture, shift, (640, 480))

            colour, picture = turned(hand, SK)
            images["SK_color"] = colour, picture
            column = stb_column(colour, palm_of(colour, wrist))
            if sk_frame == "depth":
                # As the readme: from the colour camera's coordinates to the depth camera's.
                turn = rotation_matrix(COLOUR_TO_DEPTH)
                column = np.array([turn @ joint + COLOUR_TO_DEPTH_MM for joint in column.T]).T
            sk.append(column)

            for prefix, (xyz, picture) in images.items():
                name = f"{sequence}/{prefix}_{frame}.png"
                write_image(folder / "images" / name, picture)
                truth[name] = xyz
        write_labels(folder, sequence, "BB", np.stack(bb, axis=-1))
        write_labels(folder, sequence, "SK", np.stack(sk, axis=-1))
    return truth
