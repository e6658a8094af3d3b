"""Writes a small InterHand2.6M, as its authors describe their files."""

import dataclasses
import json
import pathlib

from PIL import Image

from tf_handgroups.datasets.sample import HandSample

# skeleton.txt: thumb 4 (tip) .. 1, index, middle, ring, pinky, wrist; right, then left. The
# numbers are those of the same joints in canonical order.
SKELETON = (
    *(4, 3, 2, 1),
    *(8, 7, 6, 5),
    *(12, 11, 10, 9),
    *(16, 15, 14, 13),
    *(20, 19, 18, 17),
    0,
)


@dataclasses.dataclass
class Frame:
    """A picture with a right hand, a left hand or both, in the camera frame of the first.

    `lost` and `outside` are canonical joints `(side, joint)` that were not found in 3D, or
    lie outside this image, according to the annotators.
    """

    hands: dict[str, HandSample]
    capture: int = 0
    camera: str = "400262"
    frame: int = 10210
    lost: tuple[tuple[str, int], ...] = ()
    outside: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        sequence = f"Capture{self.capture}/ROM01_No_Interaction/cam{self.camera}"
        return f"{sequence}/image{self.frame}.jpg"


# Rows of a rotation: (2, 3, 6) / 7 and the like have length 1 and are orthogonal.
ROTATION = (
    (3 / 7, -6 / 7, 2 / 7),
    (6 / 7, 2 / 7, -3 / 7),
    (2 / 7, 3 / 7, 6 / 7),
)


def position(camera: str) -> list[float]:
    """Every camera has another."""
    return [-415.19 + int(camera) % 100, 132.25, 59.57]


def to_world(point, camera: str) -> list[float]:
    """X_world with R (X_world - campos) = X_camera; the inverse of R is its transpose."""
    return [
        sum(ROTATION[row][axis] * float(point[row]) for row in range(3)) + position(camera)[axis]
        for axis in range(3)
    ]


def write_interhand(folder: pathlib.Path, split: str, frames: list[Frame]) -> pathlib.Path:
    """Writes images and the three annotation files of one split."""
    images, annotations = [], []
    cameras: dict = {}
    joints: dict = {}
    for index, frame in enumerate(frames):
        first = next(iter(frame.hands.values()))
        width, height = first.image_size
        file = folder / "images" / split / frame.name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(first.image, bytes):
            file.write_bytes(first.image)
        else:
            Image.new("RGB", (width, height)).save(file)

        world, found, seen = [], [], []
        for side in ("right", "left"):
            hand = frame.hands.get(side)
            for joint in SKELETON:
                usable = hand is not None and (side, joint) not in frame.lost
                point = hand.xyz_camera_mm[joint] if usable else None
                world.append(to_world(point, frame.camera) if usable else [1.0, 1.0, 1.0])
                found.append([usable])
                seen.append([int(usable and (side, joint) not in frame.outside)])
        hand_type = "interacting" if len(frame.hands) == 2 else next(iter(frame.hands))

        image_id = 1000 + 7 * index
        images.append(
            {
                "id": image_id,
                "file_name": frame.name,
                "width": width,
                "height": height,
                "capture": frame.capture,
                "subject": 3,
                "seq_name": "ROM01_No_Interaction",
                "camera": frame.camera,
                "frame_idx": frame.frame,
            }
        )
        annotations.append(
            {
                "id": image_id,
                "image_id": image_id,
                "bbox": [0.0, 0.0, float(width), float(height)],
                "joint_valid": seen,
                "hand_type": hand_type,
                "hand_type_valid": int(hand_type != "interacting" or sum(map(sum, seen)) > 30),
            }
        )
        camera = cameras.setdefault(
            str(frame.capture), {"campos": {}, "camrot": {}, "focal": {}, "princpt": {}}
        )
        matrix = first.intrinsics_px.tolist()
        camera["campos"][frame.camera] = position(frame.camera)
        camera["camrot"][frame.camera] = [list(row) for row in ROTATION]
        camera["focal"][frame.camera] = [matrix[0][0], matrix[1][1]]
        camera["princpt"][frame.camera] = [matrix[0][2], matrix[1][2]]
        joints.setdefault(str(frame.capture), {})[str(frame.frame)] = {
            "world_coord": world,
            "joint_valid": found,
            "hand_type": hand_type,
            "hand_type_valid": True,
        }
    # The files list images in an order of their own.
    data = {"images": images[::-1], "annotations": annotations}
    target = folder / "annotations" / split
    target.mkdir(parents=True)
    for name, content in (("data", data), ("camera", cameras), ("joint_3d", joints)):
        (target / f"InterHand2.6M_{split}_{name}.json").write_text(json.dumps(content))
    return folder
