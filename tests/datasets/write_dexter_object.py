"""Writes the layout of Dexter+Object, from tips whose place before the colour camera is known."""

import pathlib

import numpy as np
from PIL import Image

COLOUR = np.array([[587.45209, 0, 325], [0, 600.67456, 249], [0, 0, 1]])
SEQUENCES = ("Grasp1", "Grasp2", "Occlusion", "Rigid", "Pinch", "Rotate")
COLUMNS = {"thumb": 4, "index": 8, "middle": 12, "ring": 16, "little": 20}

# Where a tip of the depth camera is for the colour camera.
ROWS = (
    (0.9999, 0.0034, 0.0161, 19.0473),
    (-0.0033, 1.0000, -0.0079, -1.8514),
    (-0.0162, 0.0079, 0.9998, -4.7501),
)


def to_file(tip) -> list[float]:
    """The numbers of a tip given before the colour camera: found by solving the equations."""
    matrix = np.array([row[:3] for row in ROWS])
    right = np.array([tip[index] - ROWS[index][3] for index in range(3)])
    x, y, z = np.linalg.solve(matrix, right)
    return [-x, -y, z]


def line_of(xyz: np.ndarray, missing=()) -> str:
    """A line: five tips, then the corners of the object, which have no label here."""
    columns = []
    for finger, joint in COLUMNS.items():
        numbers = [0, 0, 32001] if finger in missing else to_file(xyz[joint])
        columns.append(", ".join(repr(float(number)) for number in numbers))
    columns += ["0, 0, 32001"] * 3
    return ";".join(columns) + ";"


def write_sequence(
    folder: pathlib.Path, sequence: str, lines: list[str], pictures=None, prefix: str = ""
) -> list[str]:
    """Writes one sequence; returns the names of its images."""
    (folder / "data" / sequence / "color").mkdir(parents=True, exist_ok=True)
    (folder / "data" / sequence / "annotations").mkdir(exist_ok=True)
    path = folder / "data" / sequence / "annotations" / f"{prefix}{sequence}3D.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    names = []
    for frame in range(len(lines)):
        name = f"{sequence}/color/Color_{frame + 1:04d}.bmp"
        picture = np.zeros((480, 640, 3), np.uint8) if pictures is None else pictures[frame]
        Image.fromarray(picture).save(folder / "data" / name)
        names.append(name)
    return names
