"""Writes a small folder in the layout of HO-3D, from its description.

`train.txt` and `evaluation.txt` with lines SEQ/NNNN; `<split>/<SEQ>/rgb/NNNN.png` (version
2) or `.jpg` (3), 640x480; `meta/NNNN.pkl`, pickles of Python 2: camMat, handJoints3D (21 x 3
in train, 3 numbers in evaluation), handPose, handTrans, handBeta, handBoundingBox (left, top,
right, bottom; evaluation), handVertContact (version 3), objRot, objTrans, objName,
objCorners3DRest. Metres, in the frame of OpenGL: y up, z towards the viewer.
"""

import io
import pathlib
import struct

import numpy as np
from PIL import Image

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.joints import JOINT_NAMES

WIDTH, HEIGHT = 640, 480

# MANO's 16 joints, then the tips.
MANO_NAMES = (
    "wrist",
    *("index_mcp", "index_pip", "index_dip"),
    *("middle_mcp", "middle_pip", "middle_dip"),
    *("little_mcp", "little_pip", "little_dip"),
    *("ring_mcp", "ring_pip", "ring_dip"),
    *("thumb_cmc", "thumb_mcp", "thumb_ip"),
    *("thumb_tip", "index_tip", "middle_tip", "ring_tip", "little_tip"),
)


def python2_pickle(value) -> bytes:
    """What `pickle.dumps(value, 2)` of Python 2 with NumPy 1 writes."""
    return b"\x80\x02" + _python2(value) + b"."


def _python2(value) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        value = value.encode("latin1")
    if isinstance(value, bytes):  # the str of Python 2
        short = len(value) < 256
        return (
            b"U" + bytes([len(value)]) if short else b"T" + struct.pack("<i", len(value))
        ) + value
    if isinstance(value, tuple):
        return b"(" + b"".join(_python2(item) for item in value) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(_python2(item) for item in value) + b"e"
    if isinstance(value, dict):
        items = (_python2(key) + _python2(item) for key, item in value.items())
        return b"}(" + b"".join(items) + b"u"
    if isinstance(value, np.dtype):
        text = value.str.lstrip("<>|=")
        order = "|" if value.itemsize == 1 else "<"
        state = (3, order, None, None, None, -1, -1, 0)
        return b"cnumpy\ndtype\n" + _python2((text, 0, 1)) + b"R" + _python2(state) + b"b"
    if isinstance(value, np.generic):
        arguments = b"(" + _python2(value.dtype) + _python2(value.tobytes()) + b"t"
        return b"cnumpy.core.multiarray\nscalar\n" + arguments + b"R"
    assert isinstance(value, np.ndarray)
    empty = b"(cnumpy\nndarray\n" + _python2((0,)) + _python2("b") + b"tR"
    state = b"(" + _python2(1) + _python2(value.shape) + _python2(value.dtype)
    state += _python2(False) + _python2(value.tobytes()) + b"t"
    return b"cnumpy.core.multiarray\n_reconstruct\n" + empty + state + b"b"


def on_canvas(sample: HandSample, left: int = 200, top: int = 120) -> HandSample:
    """The same hand in a picture of 640x480, as JPEG or PNG bytes at the given place."""
    assert isinstance(sample.image, bytes) and sample.intrinsics_px is not None
    picture = Image.new("RGB", (WIDTH, HEIGHT), (90, 100, 110))
    with Image.open(io.BytesIO(sample.image)) as image:
        picture.paste(image, (left, top))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    intrinsics = sample.intrinsics_px.astype(np.float64)
    intrinsics[0, 2] += left
    intrinsics[1, 2] += top
    uv = sample.uv_px.astype(np.float64) + np.array([left, top])
    return HandSample(
        sample_id=sample.sample_id,
        image=stream.getvalue(),
        image_size=(WIDTH, HEIGHT),
        uv_px=uv,
        visible=((uv > -0.5) & (uv < [WIDTH - 0.5, HEIGHT - 0.5])).all(axis=1),
        handedness=sample.handedness,
        box_px=sample.box_px + np.array([left, top, 0, 0], np.float32),
        xyz_camera_mm=sample.xyz_camera_mm,
        intrinsics_px=intrinsics,
    )


def meta_of(hand: HandSample, split: str, version: int) -> dict:
    """The labels of a frame, as the authors store them."""
    assert hand.xyz_camera_mm is not None and hand.intrinsics_px is not None
    joints = np.zeros((21, 3))
    for row, name in enumerate(MANO_NAMES):
        x, y, z = (float(value) for value in hand.xyz_camera_mm[JOINT_NAMES.index(name)])
        joints[row] = x / 1000, -y / 1000, -z / 1000
    meta = {
        "camMat": hand.intrinsics_px.astype(np.float64),
        "camIDList": ["0", "1"],
        "handJoints3D": joints,
        "objRot": np.array([[0.1], [0.2], [0.3]]),
        "objTrans": np.array([0.0, 0.1, -0.6]),
        "objName": "003_cracker_box",
        "objLabel": 3,
        "objCorners3DRest": np.arange(24.0).reshape(8, 3),
    }
    if split == "train":
        meta["handPose"], meta["handTrans"] = np.zeros(48), joints[0]
        meta["handBeta"] = np.linspace(-3, 3, 10)
        if version == 3:
            meta["handVertContact"] = np.zeros(778, np.uint8)
    else:
        meta["handJoints3D"] = joints[0]
        x, y, width, height = (float(value) for value in hand.box_px)
        meta["handBoundingBox"] = [x, y, x + width, y + height]
    return meta


def write_ho3d(
    folder: pathlib.Path, split: str, frames: dict[str, HandSample | None], version: int = 2
) -> pathlib.Path:
    """Writes `{"SEQ/NNNN": hand}`; None makes a frame without annotation."""
    folder.mkdir(exist_ok=True)
    (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in frames))
    for name, hand in frames.items():
        sequence, frame = name.split("/")
        for kind in ("rgb", "depth", "meta"):
            (folder / split / sequence / kind).mkdir(parents=True, exist_ok=True)
        if hand is None:
            picture = Image.new("RGB", (WIDTH, HEIGHT))
            keys = ("handJoints3D", "handPose", "objRot", "objTrans", "objName")
            meta = {"camMat": np.eye(3), **dict.fromkeys(keys)}
        else:
            assert isinstance(hand.image, bytes)
            with Image.open(io.BytesIO(hand.image)) as image:
                picture = image.convert("RGB")
            meta = meta_of(hand, split, version)
        suffix = {2: ".png", 3: ".jpg"}[version]
        picture.save(folder / split / sequence / "rgb" / f"{frame}{suffix}")
        depth = Image.new("RGB", (WIDTH, HEIGHT), (4999 % 256, 4999 // 256, 0))
        depth.save(folder / split / sequence / "depth" / f"{frame}.png")
        file = folder / split / sequence / "meta" / f"{frame}.pkl"
        file.write_bytes(python2_pickle(meta))
    return folder
