"""Derives `background_photos.npz` from CC0 and public-domain photographs.

Usage: `python -m tf_handgroups.assets.derive_background_photos SOURCES background_photos.npz`.
`PROVENANCE_BACKGROUND_PHOTOS.md` tells which file of which package belongs where in
the folder SOURCES. Environment panoramas become flat views as a camera would take
them; photographs and paper textures are cropped and reduced.
"""

import base64
import hashlib
import os
import pathlib
import re
import sys
from io import BytesIO

# Has to be set before OpenCV is imported: it reads OpenEXR only when asked to.
os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")

import cv2
import numpy as np
from PIL import Image

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image

_JPEG_QUALITY = 80
_FIELD_OF_VIEW_DEG = 84.0
# Headings and pitches of the views, in degrees; people look down at desks and floors.
# The second half is taken of rooms only.
_VIEWS = (
    (20, -8),
    (110, -38),
    (200, 2),
    (290, -22),
    (65, 0),
    (155, -15),
    (245, -50),
    (335, -12),
)
_ROOMS = ("interior", "apartment", "esplanade", "hall", "lab", "lobby", "warehouse", "workshop")

# As printed by `sha256sum`.
SHA256 = """
70940108df90c0721799d29f758ca79e67e509d9a2636487e639db7779561524  blender-data/city.exr
1518fa37da6a8a389810a7a70262c410553018a51f0be9e248155b9bb363ff3d  blender-data/courtyard.exr
63ad3243d0f9c29bd1f51b9a3bbf5c0ad25ea39299698dba6cfc29d1660d6008  blender-data/forest.exr
4f6810b182ade346eac6964bf02405adf430c321b8853a644316af4e05d0fdb5  blender-data/interior.exr
a46488f5cb744f325abc9f5af3c3eeb5d9393df69b5178fbe727538522120045  blender-data/night.exr
e501dd8a1172bd0e03903ede7f452300f8368448fe74720600338304d79281d9  blender-data/studio.exr
b97206217e29763d62d9a65ad2d7058460acfb4824659e7a59f5bde374f21937  blender-data/sunrise.exr
a164f20b86bc43ba4afd66c988a20a9dd5f1a0a5d8e960aed57a33f78119c168  blender-data/sunset.exr
a5634d1ab5e41a3568e92d4a894a500c92b891f9ff734e50bd224d6e185a605f  lomiri-wallpapers/seeding_by_Clements_Engelhardt.jpg
3bbe8fc626a26ef7d491d4dc63497bf11f4f35a734043d97aa3dbb90d7c08592  mypaint-data-extras/HR_Canvas 01.png
abb1c9d5ae5ef55b5f0a3927e50c671e334c7ed9edd08d1f323b1de79566573e  mypaint-data-extras/HR_Cork.png
da86b40e4e65918ebae75e79e63a8a4cede4f3c2b3c0240a643d62517f2f2abd  mypaint-data-extras/HR_DecoPaper.png
b2ff84c1f9649d2a171db4aff25d0f4c0fbd62ca7d6f9bcf46bb288a8488cd6c  mypaint-data-extras/mamurk_b_1.png
db4755f0e30568179ded1282fc82c1ee03a4cab23dc90b0135bdfcbcfce2a255  mypaint-data-extras/mamurk_e_2.png
74c0206dd58bed5fd0795194c3eb0d6f1a7e30c26a831dc239617de707d3a6d8  pmndrs-assets/apartment.exr.js
0e0c4def1bd2e8f88d13de12e708047a103b845116f6a04737a25127ad115cb0  pmndrs-assets/bridge.exr.js
dcb14d9dfc48d83e7cc38c7fbb76416cac3a959a59a80d4b0fbfd9dbf4a05ed3  pmndrs-assets/city.exr.js
455ea02a016b2d177faa501e812ea993b43f223480fe3fe6abded88c5f242cf2  pmndrs-assets/dawn.exr.js
1c7a9a7da193deafd6494a55c21a0a198b72e9024a5faae6e2d3db66a87154dc  pmndrs-assets/esplanade.exr.js
d37ba5af4a60e169f22482f299a14dde2c84455142eb2074d791c863aa619a79  pmndrs-assets/forest.exr.js
55db560c95f87b2c0cb82079d87c684fb0be8890d33e97a3628246740bef09e2  pmndrs-assets/hall.exr.js
3adb2d8b79177fe47c8d9fc50e52b8d5329ff6ba8409bd38d519fbce1e09d7d3  pmndrs-assets/lab.exr.js
58150e771d20555ebe4a9fc0e1e1aede23de9096430c71d3107017e8a13dc7a6  pmndrs-assets/lobby.exr.js
88947c10444e0c5f0e51018e5b69af9a7489baab9e8034b0044686c2d8fd7a8c  pmndrs-assets/park.exr.js
08d9d3255f50ffba3a2aa37a95abbcd0944282b90101877b5d0abf340ee0642a  pmndrs-assets/venice.exr.js
ce15dbb7b20bfd3c1daa478fec3425c6a8efa7ae5e2fe4d501033a1bcc1bd90a  pmndrs-assets/warehouse.exr.js
32b92ffdb6aca9d5f73f13bbf9bd2d7b47169522de69f7fc4b18cf1da6beb048  pmndrs-assets/workshop.exr.js
88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5  scikit-image/astronaut.png
7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf  scikit-image/brick.png
596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb  scikit-image/chelsea.png
cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7  scikit-image/coffee.png
b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89  scikit-image/grass.png
c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12  scikit-image/gravel.png
c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c  scikit-image/rocket.jpg
"""  # noqa: E501
# Side of the square views of the panoramas in a folder, in pixels.
_VIEW_SIZES = {"blender-data": 288, "pmndrs-assets": 192}
# Long side of a photograph in pixels; the share of its rows and columns that is kept,
# from the top left (the astronaut's gloves are left out; paper repeats itself).
_PHOTOGRAPHS = {
    "astronaut": (400, 0.86, 1.0),
    "brick": (320, 1.0, 1.0),
    "chelsea": (400, 1.0, 1.0),
    "coffee": (480, 1.0, 1.0),
    "grass": (280, 0.7, 0.7),
    "gravel": (280, 0.7, 0.7),
    "rocket": (480, 1.0, 1.0),
    "seeding_by_Clements_Engelhardt": (512, 1.0, 1.0),
    "HR_Canvas 01": (256, 0.5, 0.5),
    "HR_Cork": (256, 0.6, 0.6),
    "HR_DecoPaper": (256, 0.6, 0.6),
    "mamurk_b_1": (256, 0.4, 0.5),
    "mamurk_e_2": (256, 0.4, 0.4),
}


def derive(sources: str | os.PathLike, target: str | os.PathLike, overwrite: bool = False) -> None:
    """Reads the sources and writes the asset: one uint8 array of JPEG bytes a picture.

    Args:
        sources: Folder with the files of `SHA256`.
        target: Path of the `.npz` to write.
        overwrite: Whether an existing file may be replaced.

    Raises:
        InputError: If a source is missing or not the expected file, or the target exists.
    """
    pictures = {}
    for line in SHA256.split("\n")[1:-1]:
        digest, name = line.split("  ")
        data = _checked_bytes(sources, name, digest)
        folder, stem = name.split("/")[0], name.split("/")[1].split(".")[0]
        if folder in _VIEW_SIZES:
            panorama = _decoded_panorama(data)
            for index in range(8 if stem in _ROOMS else 4):
                view = camera_view(
                    panorama, *_VIEWS[index], _FIELD_OF_VIEW_DEG, _VIEW_SIZES[folder]
                )
                pictures[f"{folder}/{stem}-{index}"] = developed(view)
        else:
            pictures[f"{folder}/{stem}"] = _reduced(read_image(data), *_PHOTOGRAPHS[stem])
    arrays = {name: np.frombuffer(_jpeg(image), np.uint8) for name, image in pictures.items()}
    with replacing_file(target, overwrite) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def camera_view(
    panorama: np.ndarray, heading_deg: float, pitch_deg: float, field_of_view_deg: float, size: int
) -> np.ndarray:
    """Returns what a pinhole camera sees in an equirectangular panorama.

    Args:
        panorama: `(height, 2 * height, 3)` float32; its middle column is heading 0, the
            top row straight up.
        heading_deg: Turn to the right.
        pitch_deg: Turn upwards.
        field_of_view_deg: From the left edge to the right edge.
        size: Side of the view in pixels.

    Returns:
        `(size, size, 3)` float32.

    Example:

    >>> camera_view(np.ones((8, 16, 3), np.float32), 0, 0, 90, 4).shape
    (4, 4, 3)
    """
    height, width = panorama.shape[:2]
    reach = np.tan(np.radians(field_of_view_deg) / 2)
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * reach
    right, down = np.meshgrid(steps, steps)
    cos, sin = np.cos(np.radians(pitch_deg)), np.sin(np.radians(pitch_deg))
    up, ahead = -down * cos + sin, cos + down * sin
    longitude = np.arctan2(right, ahead) + np.radians(heading_deg)
    latitude = np.arctan2(up, np.hypot(right, ahead))
    column = ((longitude / (2 * np.pi) + 0.5) % 1) * width - 0.5
    row = (0.5 - latitude / np.pi) * height - 0.5
    return cv2.remap(
        panorama,
        column.astype(np.float32),
        np.clip(row, 0, height - 1).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )


def developed(radiance: np.ndarray) -> np.ndarray:
    """Exposes linear radiance for its median; bright parts saturate softly.

    Args:
        radiance: `(height, width, 3)` float32, not negative.

    Returns:
        `(height, width, 3)` uint8 sRGB.

    Example:

    >>> developed(np.full((1, 1, 3), 7, np.float32)).ravel().tolist()
    [135, 135, 135]
    """
    exposure = 0.28 / max(float(np.median(radiance.max(axis=2))), 1e-6)
    linear = 1 - np.exp(-radiance * exposure)
    encoded = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(np.uint8)


def _checked_bytes(sources, name, digest) -> bytes:
    path = pathlib.Path(sources) / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected a readable file. Received: {error.strerror}. "
            "PROVENANCE_BACKGROUND_PHOTOS.md tells where it comes from."
        ) from error
    if (found := hashlib.sha256(data).hexdigest()) != digest:
        raise InputError(
            f"{path}: expected SHA-256 {digest}. Received: {found}. "
            "Take the package version named in PROVENANCE_BACKGROUND_PHOTOS.md."
        )
    return data


def _decoded_panorama(data: bytes) -> np.ndarray:
    """RGB radiance; a `.js` file holds the picture as a base64 string."""
    if packed := re.search(rb"base64,([A-Za-z0-9+/=]+)", data[:200]):
        data = base64.b64decode(data[packed.start(1) :].split(b"'")[0])
    image = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    image = image[:, :, 2::-1].astype(np.float32)
    # Compression rings around the sun: holes below zero beside very bright pixels.
    around = cv2.dilate(image, np.ones((17, 17), np.uint8))
    hole = (image.min(axis=2, keepdims=True) < -0.05) & (around > 5)
    return np.maximum(np.where(hole, around, image), 0)


def _reduced(image: np.ndarray, long_side: int, rows: float, columns: float) -> np.ndarray:
    image = image[: int(rows * image.shape[0]), : int(columns * image.shape[1])]
    scale = min(1.0, long_side / max(image.shape[:2]))
    width, height = (round(side * scale) for side in image.shape[1::-1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _jpeg(image: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    derive(sys.argv[1], sys.argv[2], overwrite=True)
