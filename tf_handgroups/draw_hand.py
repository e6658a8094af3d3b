"""Draws hand skeletons and boxes over images."""

import cv2
import numpy as np

from tf_handgroups.joints import BONES, FINGER_COLOURS_RGB, FINGERS, NUM_JOINTS, finger_of

WRIST_COLOUR_RGB = (255, 255, 255)
# How much of the colour is left where a joint is not visible.
DIMMED = 0.35

# OpenCV takes coordinates in 1/16 pixel here, and overflows far outside the image.
_SHIFT = 4
_LIMIT_PX = 30_000


def joint_colour(joint: int) -> tuple[int, int, int]:
    """Returns the RGB colour of a canonical joint: that of its finger, white for the wrist.

    Example:

    >>> joint_colour(0), joint_colour(4)
    ((255, 255, 255), (213, 94, 0))
    """
    return WRIST_COLOUR_RGB if joint == 0 else FINGER_COLOURS_RGB[FINGERS[finger_of(joint)]]


def draw_hand(
    image: np.ndarray,
    uv_px: np.ndarray,
    visible: np.ndarray | None = None,
    thickness_px: int | None = None,
) -> np.ndarray:
    """Returns a copy of the image with the skeleton drawn over it, anti-aliased.

    Every finger has its colour; bones and joints that are not visible are dimmed.
    Joints that are not finite are left out, with their bones.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        uv_px: `(21, 2)` pixels; integers are pixel centres.
        visible: `(21,)`, all visible by default.
        thickness_px: Line width; by default it grows with the hand.

    Returns:
        `(height, width, 3)` uint8 RGB.

    Example:

    >>> picture = draw_hand(np.zeros((64, 64, 3), np.uint8), np.full((21, 2), 32.0))
    >>> picture.shape, int(picture.max()) > 0
    ((64, 64, 3), True)
    """
    uv = np.asarray(uv_px, np.float64)
    shown = np.all(np.isfinite(uv), axis=-1)
    visible = np.ones(NUM_JOINTS, bool) if visible is None else np.asarray(visible, bool)
    if not shown.any():
        return image.copy()
    if thickness_px is None:
        extent_px = min(float(np.ptp(uv[shown], axis=0).max()), max(image.shape[:2]))
        thickness_px = max(1, round(extent_px / 70))
    points = np.clip(np.where(shown[:, None], uv, 0), -_LIMIT_PX, _LIMIT_PX)
    points = np.round(points * 2**_SHIFT).astype(int)

    # Invisible parts first, so that visible ones lie on top at full strength.
    picture = image.copy()
    for wanted in (False, True):
        layer = picture.copy()
        bones = [
            (parent, child)
            for parent, child in BONES
            if shown[parent] and shown[child] and (visible[parent] and visible[child]) == wanted
        ]
        joints = [joint for joint in range(NUM_JOINTS) if shown[joint] and visible[joint] == wanted]
        # A dark rim keeps yellow and white readable on skin and paper.
        _strokes(layer, points, bones, joints, thickness_px, rim_px=max(1, thickness_px // 2))
        _strokes(layer, points, bones, joints, thickness_px, rim_px=0)
        share = 1.0 if wanted else DIMMED
        picture = cv2.addWeighted(layer, share, picture, 1 - share, 0)
    return picture


def draw_box(
    image: np.ndarray,
    box_px: np.ndarray,
    colour_rgb: tuple[int, int, int] = (255, 255, 255),
    label: str = "",
) -> np.ndarray:
    """Returns a copy of the image with a box and an ASCII label above its corner.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        box_px: `x, y, width, height`.
        colour_rgb: Colour of line and text.
        label: Text, may be empty.

    Example:

    >>> picture = draw_box(np.zeros((32, 32, 3), np.uint8), np.array([4, 4, 20, 20]))
    >>> picture[4, 10].tolist()
    [255, 255, 255]
    """
    picture = image.copy()
    x, y, width, height = np.clip(np.asarray(box_px, np.float64), -_LIMIT_PX, _LIMIT_PX)
    first, second = (round(x), round(y)), (round(x + width), round(y + height))
    thickness = max(1, round(max(image.shape[:2]) / 400))
    cv2.rectangle(picture, first, second, colour_rgb, thickness)
    if label:
        draw_text(picture, label, (round(x), round(y) - 3 * thickness - 2), colour_rgb)
    return picture


def draw_text(
    image: np.ndarray,
    text: str,
    position_px: tuple[int, int],
    colour_rgb: tuple[int, int, int] = (255, 255, 255),
) -> None:
    """Writes ASCII text with a dark rim into the image, in place.

    Args:
        image: `(height, width, 3)` uint8 RGB, changed.
        text: What to write; OpenCV knows no letters beyond ASCII.
        position_px: Left end of the base line.
        colour_rgb: Colour of the text.

    Example:

    >>> image = np.zeros((40, 100, 3), np.uint8)
    >>> draw_text(image, "left", (5, 25))
    >>> int(image.max()) > 200
    True
    """
    size = max(0.4, max(image.shape[:2]) / 900)
    text = text.encode("ascii", "replace").decode()
    for colour, thickness in (((0, 0, 0), 3), (colour_rgb, 1)):
        cv2.putText(
            image,
            text,
            position_px,
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            colour,
            thickness,
            cv2.LINE_AA,
        )


def _strokes(
    layer: np.ndarray,
    points: np.ndarray,
    bones: list[tuple[int, int]],
    joints: list[int],
    thickness_px: int,
    rim_px: int,
) -> None:
    for parent, child in bones:
        colour = (0, 0, 0) if rim_px else joint_colour(child)
        width = thickness_px + 2 * rim_px
        start, end = points[parent].tolist(), points[child].tolist()
        cv2.line(layer, start, end, colour, width, cv2.LINE_AA, _SHIFT)
    for joint in joints:
        colour = (0, 0, 0) if rim_px else joint_colour(joint)
        radius = round((1.4 * thickness_px + 0.5 + rim_px) * 2**_SHIFT)
        cv2.circle(layer, points[joint].tolist(), radius, colour, -1, cv2.LINE_AA, _SHIFT)
