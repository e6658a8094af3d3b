"""Things that hide parts of a hand: an object in the grasp, objects in front."""

import cv2
import numpy as np

from tf_handgroups.synth.hand_shape import HandShape

_FLESH_MM = 7.0


def random_held_capsule(
    generator: np.random.Generator, joints_mm: np.ndarray, shape: HandShape
) -> tuple[np.ndarray, float] | None:
    """Draws a ball or rod that fits between palm, fingers and thumb.

    Args:
        generator: Source of randomness.
        joints_mm: `(21, 3)` hand frame.
        shape: For the thickness of the flesh.

    Returns:
        Ends `(2, 3)` in the hand frame and radius in mm, or `None` if nothing fits.
    """
    tips = joints_mm[[4, 8, 12, 16]].mean(axis=0)
    palm = joints_mm[[0, 5, 9, 13, 17]].mean(axis=0)
    centre = 0.5 * (tips + palm) + generator.normal(0, 4, 3)
    middles = 0.5 * (joints_mm[1:] + joints_mm[:-1])
    near = np.concatenate([joints_mm, middles[np.arange(20) % 4 != 0]])
    radius = np.linalg.norm(near - centre, axis=1).min() - _FLESH_MM * shape.scale
    palm_gap = (centre - palm)[2]
    if radius < 8 or palm_gap < radius + 4:
        return None
    radius *= generator.uniform(0.7, 1.0)
    half = generator.uniform(0, 70) if generator.random() < 0.6 else 0.0
    axis = np.array([1.0, 0, 0]) + generator.normal(0, 0.25, 3)
    axis *= half / np.linalg.norm(axis)
    return np.stack([centre - axis, centre + axis]), float(radius)


def draw_capsule(
    ends_px: np.ndarray,
    ends_depth_mm: np.ndarray,
    radius_px: float,
    radius_mm: float,
    depth: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds where a capsule lies before a depth image.

    Args:
        ends_px: `(2, 2)` projected ends of its axis.
        ends_depth_mm: `(2,)` depth of the ends.
        radius_px: Radius on screen.
        radius_mm: Radius in space.
        depth: `(H, W)` depth of what is drawn already, infinity where nothing is.

    Returns:
        `(H, W)` bool mask of its visible pixels, `(H, W)` bool mask of all its
        pixels, and `(H, W, 3)` unit normals (valid on the mask).
    """
    height, width = depth.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    start, along = ends_px[0], ends_px[1] - ends_px[0]
    length = max(float(along @ along), 1e-6)
    t = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0, 1)
    dx, dy = (x - start[0] - t * along[0]) / radius_px, (y - start[1] - t * along[1]) / radius_px
    bulge = np.sqrt(np.maximum(0, 1 - dx * dx - dy * dy))
    own = ends_depth_mm[0] + t * (ends_depth_mm[1] - ends_depth_mm[0]) - radius_mm * bulge
    body = bulge > 0
    return body & (own < depth), body, np.stack([dx, dy, -bulge], axis=2)


def random_occluder(generator: np.random.Generator, size: int) -> np.ndarray | None:
    """Draws something that hides a small part of the picture's middle.

    Returns:
        `(size, size, 4)` float32: sRGB in [0, 255] and alpha in [0, 1]; `None` for
        most draws.
    """
    if generator.random() > 0.07:
        return None
    alpha = np.zeros((size, size), np.float32)
    side = generator.uniform(0, 2 * np.pi)
    centre = size * (0.5 + generator.uniform(0.12, 0.4) * np.array([np.cos(side), np.sin(side)]))
    extent = generator.uniform(0.03, 0.12, 2) * size
    if generator.random() < 0.4:
        extent[0] *= 6
        extent[1] *= 0.5
    turn = float(generator.uniform(0, 180))
    box = (tuple(map(float, centre)), tuple(map(float, 2 * extent)), turn)
    if generator.random() < 0.5:
        cv2.ellipse(alpha, box, 1.0, -1, cv2.LINE_AA)
    else:
        points = np.round(cv2.boxPoints(box) * 16).astype(np.int32)
        cv2.fillPoly(alpha, [points], 1.0, cv2.LINE_AA, 4)
    alpha = cv2.GaussianBlur(alpha, (0, 0), float(generator.uniform(0.4, 1.5)))
    colour = generator.uniform(0, 1) * np.ones(3) + generator.normal(0, 0.2, 3)
    first, last = generator.uniform(0.6, 1.2, 2)
    slope = np.linspace(first, last, size)[None, :, None]
    layer = np.clip(colour * 255, 5, 250) * np.broadcast_to(slope, (size, size, 1))
    return np.concatenate([layer, alpha[:, :, None]], axis=2).astype(np.float32)
