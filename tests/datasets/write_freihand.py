"""Writes a small FreiHAND, as its authors describe their files."""

import io
import json
import pathlib

import numpy as np
from PIL import Image

from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.synth.render import render_sample

# The grey that marks the picture of each background in its lower right corner.
VERSION_GREYS = (40, 90, 140, 190)


def right_hands(count: int, start: int = 0) -> list[HandSample]:
    """Rendered right hands of 224x224 pixels."""
    found: list[HandSample] = []
    while len(found) < count:
        sample = render_sample(start, 224)
        start += 1
        if sample.presence and sample.handedness == "right":
            found.append(sample)
    return found


def write_freihand(
    folder: pathlib.Path,
    training: list[HandSample],
    evaluation: list[HandSample],
    evaluation_labels: bool = True,
) -> pathlib.Path:
    """A copy with all files of FreiHAND_pub_v2 and its labelled evaluation set.

    Images are 224x224 JPEGs, lists nested JSON of floats, lengths in metres, joints wrist,
    thumb, index, middle, ring, little, each from its root. The four backgrounds of hand 0
    are files 0, n, 2n, 3n.
    """
    (folder / "training" / "mask").mkdir(parents=True)
    for split, hands, greys in (
        ("training", training, VERSION_GREYS),
        ("evaluation", evaluation, VERSION_GREYS[:1]),
    ):
        (folder / split / "rgb").mkdir(parents=True)
        file_id = 0
        for grey in greys:
            for hand in hands:
                picture = marked(hand, grey)
                picture.save(folder / split / "rgb" / f"{file_id:08d}.jpg", quality=95)
                file_id += 1
        camera_matrices, joints, scales = [], [], []
        for hand in hands:
            camera_matrices.append([[float(value) for value in row] for row in hand.intrinsics_px])
            points = [[float(value) / 1000.0 for value in point] for point in hand.xyz_camera_mm]
            joints.append(points)
            # The first bone of the middle finger.
            x, y, z = (points[10][axis] - points[9][axis] for axis in range(3))
            scales.append((x * x + y * y + z * z) ** 0.5)
        write_list(folder / f"{split}_K.json", camera_matrices)
        write_list(folder / f"{split}_scale.json", scales)
        if split == "training" or evaluation_labels:
            write_list(folder / f"{split}_xyz.json", joints)
            write_list(folder / f"{split}_verts.json", [[[0.0] * 3] * 778] * len(hands))
    write_list(folder / "training_mano.json", [[[0.0] * 61]] * len(training))
    for file_id in range(len(training)):
        mask = Image.new("RGB", (224, 224))
        mask.save(folder / "training" / "mask" / f"{file_id:08d}.jpg")
    return folder


def write_list(file: pathlib.Path, rows: list) -> None:
    file.write_text(json.dumps(rows))


def marked(hand: HandSample, grey: int) -> Image.Image:
    """The hand's picture with a grey corner of 16x16 pixels."""
    assert isinstance(hand.image, bytes)
    pixels = np.array(Image.open(io.BytesIO(hand.image)).convert("RGB"))
    pixels[-16:, -16:] = grey
    return Image.fromarray(pixels)
