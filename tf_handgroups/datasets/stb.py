"""`stb`: the stereo hand pose tracking benchmark (Zhang et al., ICIP 2017).

```
images/B1Counting/BB_left_0.png BB_right_0.png SK_color_0.png SK_depth_0.png ... 1499
labels/B1Counting_BB.mat B1Counting_SK.mat      `handPara`, 3 x 21 x 1500, millimetres
```

Six backgrounds, B1 to B6, with the sequences Counting and Random each. Two cameras:
Bumblebee (BB), a stereo pair, labelled in the frame of its left camera, and RealSense
(SK). All hands are left hands. Facts from the readme of the data set:
https://github.com/zhjwustc/icip17_stereo_hand_pose_dataset

**Wrist.** Joint 0 of the labels is the palm's centre. The option `wrist` says what becomes
of it; the rules extend the line from knuckles through the palm, as other loaders do:

- `ring`: ring + 2 (palm - ring), with `ring` the MCP of the ring finger. hand3d and many
  after it; the default.
- `middle`: middle + 2.2 (palm - middle).
- `knuckles`: mean over index, middle, ring and little of mcp + 2.25 (palm - mcp).
- `palm`: left as it is; joint 0 is then not a wrist.
- `unlabelled`: joint 0 has no label.

**SK.** The readme does not say in which frame its labels are. Loaders in use take them as
those of the depth camera and move them to the colour camera by the readme's rotation and
translation (about 24 mm), and so does `sk_frame=depth`. `sk_frame=colour` takes them as
they are. Look at the contact sheet of `check-data` where it matters.
"""

import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from tf_handgroups.camera import project
from tf_handgroups.datasets.options import known_option
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS, to_canonical

IMAGE_SIZE = (640, 480)
BASELINE_MM = 120.054

BB_INTRINSICS_PX = np.array([[822.79041, 0, 318.47345], [0, 822.79041, 250.31296], [0, 0, 1]])
SK_INTRINSICS_PX = np.array([[607.92271, 0, 314.78337], [0, 607.88192, 236.42484], [0, 0, 1]])

# The readme: these transform coordinates of the colour camera to those of the depth camera.
_COLOUR_TO_DEPTH = cv2.Rodrigues(np.array([0.00531, -0.01196, 0.00301]))[0]
_COLOUR_TO_DEPTH_MM = np.array([-24.0381, -0.4563, -1.2326])

_BACKGROUNDS = {"train": "23456", "test": "1", "all": "123456"}
_CAMERAS = {
    "bb-left": ("BB_left",),
    "bb-right": ("BB_right",),
    "bb": ("BB_left", "BB_right"),
    "sk": ("SK_color",),
    "all": ("BB_left", "BB_right", "SK_color"),
}
# Knuckles (MCP, canonical), and how many times as far as the palm the wrist is from them.
_WRIST_RULES = {
    "ring": ((13,), 2.0),
    "middle": ((9,), 2.2),
    "knuckles": ((5, 9, 13, 17), 2.25),
}
_WRISTS = (*_WRIST_RULES, "palm", "unlabelled")
_SK_FRAMES = ("depth", "colour")


@dataclasses.dataclass(frozen=True, eq=False)
class _View:
    """Frames of one sequence seen by one camera: camera = label @ rotation + shift_mm."""

    sequence: str
    prefix: str
    labels_path: pathlib.Path
    labels_mm: np.ndarray
    intrinsics_px: np.ndarray
    rotation: np.ndarray
    shift_mm: np.ndarray


class StbDataset:
    """The hands of an STB folder, sequence by sequence.

    Args:
        path: Folder with `images` and `labels`.
        split: `train` (B2 to B6, 15,000 frames), `test` (B1, 3,000) or `all`.
        camera: `bb-left`, `bb-right`, `bb` (both, 30,000 and 6,000 images), `sk` (the
            colour camera) or `all`.
        wrist: What becomes of the palm's centre: `ring`, `middle`, `knuckles`, `palm` or
            `unlabelled`. See the module.
        sk_frame: Frame of the SK labels, `depth` or `colour`.

    Raises:
        InputError: If an option is unknown or a label file is missing or not in this
            format; from reading a hand, if its image is missing or a label is not finite
            or not in front of the camera. Messages name file and frame.

    Example:

    >>> import scipy.io, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for sequence in ("B1Counting", "B1Random"):
    ...     (folder / "images" / sequence).mkdir(parents=True)
    ...     (folder / "labels").mkdir(exist_ok=True)
    ...     _ = (folder / "images" / sequence / "BB_left_0.png").write_bytes(b"...")
    ...     hand = np.linspace([0, 0, 500], [40, 80, 500], 21).T
    ...     labels = {"handPara": hand[:, :, None]}
    ...     scipy.io.savemat(folder / "labels" / f"{sequence}_BB.mat", labels)
    >>> dataset = StbDataset(folder, split="test")
    >>> len(dataset), dataset[0].sample_id, dataset[0].handedness
    (2, 'B1Counting/BB_left_0.png', 'left')
    """

    kind = "stb"

    def __init__(
        self,
        path: str | os.PathLike,
        split: str = "train",
        camera: str = "bb-left",
        wrist: str = "ring",
        sk_frame: str = "depth",
    ):
        self.path = pathlib.Path(path)
        self.options: Mapping[str, str] = {
            "split": known_option("stb", "split", split, _BACKGROUNDS),
            "camera": known_option("stb", "camera", camera, _CAMERAS),
            "wrist": known_option("stb", "wrist", wrist, _WRISTS),
            "sk_frame": known_option("stb", "sk_frame", sk_frame, _SK_FRAMES),
        }
        sequences = [
            f"B{background}{motion}"
            for background in _BACKGROUNDS[split]
            for motion in ("Counting", "Random")
        ]
        self._frames = [
            (view, frame)
            for sequence in sequences
            for view in self._views(sequence)
            for frame in range(len(view.labels_mm))
        ]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[HandSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand.

        Raises:
            InputError: If its image does not exist or its label is damaged.
        """
        view, frame = self._frames[index]
        sample_id = f"{view.sequence}/{view.prefix}_{frame}.png"
        image = self.path / "images" / sample_id
        if not image.is_file():
            raise InputError(
                f"{image}: expected the image of frame {frame} of {view.labels_path}. "
                "Received: no such file. Unpack the images of this sequence."
            )
        xyz = self._joints_mm(view, frame)
        labelled = ~np.isnan(xyz).any(axis=-1)
        uv = np.full((NUM_JOINTS, 2), np.nan)
        uv[labelled] = project(xyz[labelled], view.intrinsics_px)
        inside = (uv > -0.5) & (uv < np.array(IMAGE_SIZE) - 0.5)
        return HandSample(
            sample_id=sample_id,
            image=image,
            image_size=IMAGE_SIZE,
            uv_px=uv,
            visible=np.asarray(inside.all(axis=-1)),
            handedness="left",
            box_px=box_around(uv[labelled]),
            xyz_camera_mm=xyz,
            intrinsics_px=view.intrinsics_px,
        )

    def _views(self, sequence: str) -> Iterator[_View]:
        labels: dict[pathlib.Path, np.ndarray] = {}
        for prefix in _CAMERAS[self.options["camera"]]:
            path = self.path / "labels" / f"{sequence}_{prefix[:2]}.mat"
            if path not in labels:
                labels[path] = _read_labels(path)
            rotation, shift = np.eye(3), np.zeros(3)
            if prefix == "BB_right":
                shift = np.array([-BASELINE_MM, 0, 0])
            elif prefix == "SK_color" and self.options["sk_frame"] == "depth":
                # Back from the depth camera: transposed for column vectors, so not for rows.
                rotation, shift = _COLOUR_TO_DEPTH, -_COLOUR_TO_DEPTH_MM @ _COLOUR_TO_DEPTH
            intrinsics = SK_INTRINSICS_PX if prefix == "SK_color" else BB_INTRINSICS_PX
            yield _View(sequence, prefix, path, labels[path], intrinsics, rotation, shift)

    def _joints_mm(self, view: _View, frame: int) -> np.ndarray:
        """Canonical joints in the frame of the view's camera, NaN where unlabelled."""
        where = f"{view.labels_path}: frame {frame}"
        label = view.labels_mm[frame]
        if not np.isfinite(label).all():
            raise InputError(
                f"{where}: expected finite coordinates. Received: handPara={label.tolist()!r:.80}. "
                "Copy or download the labels again."
            )
        xyz = label @ view.rotation + view.shift_mm
        wrist = self.options["wrist"]
        if wrist in _WRIST_RULES:
            knuckles, times = _WRIST_RULES[wrist]
            knuckle = xyz[list(knuckles)].mean(axis=0)
            xyz[0] = knuckle + times * (xyz[0] - knuckle)
        if not (xyz[:, 2] > 0).all():
            raise InputError(
                f"{where}: expected joints in front of the camera, z > 0. "
                f"Received: smallest z={xyz[:, 2].min():g}. Leave this frame out."
            )
        if wrist == "unlabelled":
            xyz[0] = np.nan
        return xyz


def _read_labels(path: pathlib.Path) -> np.ndarray:
    """Labels `(frames, 21, 3)` in mm, canonical but for the palm in place of the wrist."""
    from scipy.io import loadmat

    if not path.is_file():
        raise InputError(
            f"{path}: expected the labels of STB. Received: no such file. PATH is a folder with "
            "`images` and `labels`; choose camera=sk or camera=bb-left if only one is there."
        )
    try:
        labels = loadmat(path, variable_names=["handPara"]).get("handPara")
    # There is no list of what damaged files make of loadmat.
    except Exception as error:
        raise InputError(
            f"{path}: expected a MATLAB file. Received: {type(error).__name__}: {error}. "
            "Copy or download it again."
        ) from error
    if not isinstance(labels, np.ndarray):
        raise InputError(
            f"{path}: expected numbers `handPara`. Received: no handPara. Is it a file of STB?"
        )
    shape = labels.shape
    fits = len(shape) == 3 and shape[:2] == (3, NUM_JOINTS) and shape[2] > 0
    if not fits or labels.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: expected numbers `handPara` of shape (3, {NUM_JOINTS}, frames). "
            f"Received: shape={shape}, dtype={labels.dtype}. Copy or download it again."
        )
    joints_first = np.asarray(labels, np.float64).transpose(1, 2, 0)
    return to_canonical(joints_first, "stb").transpose(1, 0, 2)
