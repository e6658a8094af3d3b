"""Writes a small folder in the layout of RHD_published_v2, from its description.

`<split>/color/%05d.png`, `mask/%05d.png` (0 background, 1 body, 2-17 left hand, 18-33
right), `depth/%05d.png` (metres = (R * 256 + G) / 65535 * 5) and `anno_<split>.pickle`:
{number: {'K', 'uv_vis': 42 rows u, v, 0 or 1, 'xyz': 42 rows in metres}}. Rows 0-20 are the
left hand, 21-41 the right one: wrist, then from the thumb to the little finger each TIP
first and the base last.
"""

import io
import pathlib
import pickle

import numpy as np
from PIL import Image

from tf_handgroups.datasets.sample import HandSample

SIZE = 320
DISC_PX = 7


def row_of(side: str, joint: int) -> int:
    """Row of a canonical joint (wrist, then base to tip of every finger)."""
    first = {"left": 0, "right": 21}[side]
    if joint == 0:
        return first
    finger, from_base = divmod(joint - 1, 4)
    from_tip = 3 - from_base
    return first + 1 + 4 * finger + from_tip


def write_rhd(
    folder: pathlib.Path,
    split: str,
    pictures: dict[int, tuple[HandSample, ...]],
    protocol: int = 2,
) -> pathlib.Path:
    """Writes `{number: hands}`, one or two hands of different sides seen by one camera.

    The picture and K are those of the first hand. Its discs in the mask are larger, so that
    it is the dominant one. The side without a hand lies behind everything, invisible.
    """
    root = folder / split
    for name in ("color", "mask", "depth"):
        (root / name).mkdir(parents=True)
    labels = {}
    for number, hands in pictures.items():
        assert len({hand.handedness for hand in hands}) == len(hands) <= 2
        assert hands[0].image_size == (SIZE, SIZE) and isinstance(hands[0].image, bytes)
        file = f"{number:05d}.png"
        with Image.open(io.BytesIO(hands[0].image)) as image:
            image.convert("RGB").save(root / "color" / file)
        labels[number] = _labels(hands)
        Image.fromarray(_mask(hands)).save(root / "mask" / file)
        depth = np.zeros((SIZE, SIZE, 3), np.uint8)
        code = round(2.5 / 5.0 * 65535)
        depth[:, :, 0], depth[:, :, 1] = code // 256, code % 256
        Image.fromarray(depth).save(root / "depth" / file)
    with open(root / f"anno_{split}.pickle", "wb") as stream:
        pickle.dump(labels, stream, protocol)
    return folder


def _labels(hands: tuple[HandSample, ...]) -> dict:
    uv_vis = np.zeros((42, 3), np.float32)
    xyz = np.zeros((42, 3), np.float32)
    xyz[:, 2] = 4.0
    camera = np.asarray(hands[0].intrinsics_px, np.float64)
    for hand in hands:
        assert hand.handedness is not None and hand.xyz_camera_mm is not None
        for joint in range(21):
            row = row_of(hand.handedness, joint)
            x, y, z = (float(value) / 1000 for value in hand.xyz_camera_mm[joint])
            xyz[row] = x, y, z
            uv_vis[row, 2] = 1 if hand.visible[joint] else 0
    for row in range(42):
        x, y, z = (float(value) for value in xyz[row])
        uv_vis[row, 0] = (camera[0, 0] * x + camera[0, 1] * y) / z + camera[0, 2]
        uv_vis[row, 1] = camera[1, 1] * y / z + camera[1, 2]
    return {"K": camera.astype(np.float32), "uv_vis": uv_vis, "xyz": xyz}


def _mask(hands: tuple[HandSample, ...]) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[SIZE // 2 :] = 1  # the body
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for rank in reversed(range(len(hands))):
        hand = hands[rank]
        for joint in range(21):
            u, v = hand.uv_px[joint]
            part = {"left": 2, "right": 18}[str(hand.handedness)] + min(joint, 15)
            disc = (columns - u) ** 2 + (rows - v) ** 2 <= (DISC_PX / (rank + 1)) ** 2
            mask[disc] = part
    return mask
