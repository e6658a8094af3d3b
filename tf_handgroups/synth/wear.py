"""What people wear on hand and arm: sleeves, rings."""

import dataclasses

import cv2
import numpy as np

from tf_handgroups.synth.hand_layout import TEXELS_PER_MM, unrolled
from tf_handgroups.synth.hand_mesh import vertex_normals
from tf_handgroups.synth.hand_template import load_template
from tf_handgroups.synth.settings import SynthSettings

_RING_FINGERS = (1, 2, 3, 3, 3, 4)
_METALS = np.array([[0.85, 0.68, 0.35], [0.8, 0.8, 0.82], [0.25, 0.25, 0.27]])


@dataclasses.dataclass(frozen=True)
class Wear:
    """What one hand wears.

    Args:
        sleeve_mm: From the wrist to the edge of the sleeve, towards the elbow; `None`
            for a bare arm.
        ring_finger: 1 index .. 4 little finger, `None` without a ring.
    """

    sleeve_mm: float | None = None
    ring_finger: int | None = None


def random_wear(generator: np.random.Generator, settings: SynthSettings) -> Wear:
    """Draws what a hand wears, by the shares of the settings.

    Example:
    >>> random_wear(np.random.default_rng(0), SynthSettings(sleeve=0, ring=0))
    Wear(sleeve_mm=None, ring_finger=None)
    """
    has_sleeve, has_ring = generator.random(2) < [settings.sleeve, settings.ring]
    sleeve_mm = float(generator.uniform(28, 150))
    finger = int(generator.choice(_RING_FINGERS))
    return Wear(
        sleeve_mm=sleeve_mm if has_sleeve else None,
        ring_finger=finger if has_ring else None,
    )


def put_on(
    generator: np.random.Generator, vertices: np.ndarray, mesh: str, wear: Wear
) -> np.ndarray:
    """Moves the surface outward where something is worn; cloth lies outside the skin.

    Args:
        generator: Source of randomness.
        vertices: `(V, 3)` posed vertices in mm.
        mesh: Their template.
        wear: What is worn.

    Returns:
        `(V, 3)` float32.
    """
    if wear.sleeve_mm is None:
        return vertices
    beyond = unrolled(mesh).texels[:, 1:2] - _sleeve_row(mesh, wear.sleeve_mm)
    thickness = np.float32(generator.uniform(3, 10))
    normals = vertex_normals(vertices, load_template(mesh).faces)
    return vertices + normals * np.clip(beyond / 4.0, 0, 1) * thickness


def paint_wear(generator: np.random.Generator, maps: np.ndarray, mesh: str, wear: Wear) -> None:
    """Paints what lies on the hand into the maps of `paint_hand`, in place."""
    if wear.ring_finger is None:
        return
    joints = unrolled(mesh).joints
    first = 1 + 4 * wear.ring_finger
    centre = joints[first] * 0.5 + joints[first + 1] * 0.5
    direction = joints[first + 1] - joints[first]
    across = np.array([-direction[1], direction[0]]) / np.linalg.norm(direction) * 16
    colour = (*(float(c) for c in _METALS[generator.integers(3)]), 0.0)
    ends = [tuple(int(c) for c in centre + sign * across) for sign in (-1, 1)]
    thickness = int(generator.integers(2, 5))
    for side in maps:
        rgba = np.ascontiguousarray(side[:, :, :4])
        cv2.line(rgba, ends[0], ends[1], colour, thickness, cv2.LINE_AA)
        side[:, :, :4] = rgba


def cover_arm(
    generator: np.random.Generator, material: np.ndarray, texels: np.ndarray, mesh: str, wear: Wear
) -> None:
    """Covers surface points of the arm with cloth, in place.

    The arm reaches beyond the painted maps, so cloth is computed point by point.

    Args:
        generator: Source of randomness.
        material: `(N, 4)` sRGB colour and share of skin.
        texels: `(N, 2)` map coordinates.
        mesh: The template.
        wear: What is worn.
    """
    if wear.sleeve_mm is None:
        return
    start = _sleeve_row(mesh, wear.sleeve_mm)
    cloth = np.clip(texels[:, 1:2] - start, 0, 1)
    base = generator.uniform(0.03, 0.95) * np.ones(3) + generator.normal(0, 0.12, 3)
    colour = np.empty((len(material), 3), np.float32)
    colour[:] = np.clip(base, 0.02, 0.98)
    pattern = generator.random()
    along, across = texels[:, 1:2] / TEXELS_PER_MM, texels[:, 0:1] / TEXELS_PER_MM
    other = np.clip(generator.uniform(0, 1, 3), 0.02, 0.98).astype(np.float32)
    period = generator.uniform(4, 25)
    if pattern < 0.2:
        colour += (np.sin(along * 2 * np.pi / period) > 0.2) * (other - colour)
    elif pattern < 0.35:
        plaid = (np.sin(along * 2 * np.pi / period) > 0.3) * 0.5
        plaid = plaid + (np.sin(across * 2 * np.pi / period) > 0.3) * 0.5
        colour += plaid * (other - colour)
    folds = np.sin(along / generator.uniform(3, 9) + across / generator.uniform(8, 30))
    colour *= 1 + generator.uniform(0, 0.18) * folds
    edge = np.clip(1 - (texels[:, 1:2] - start) / generator.uniform(3, 12), 0, 1)
    colour *= 1 - 0.25 * edge
    material[:, :3] += cloth * (np.clip(colour, 0, 1) - material[:, :3])
    material[:, 3:] *= 1 - cloth


def _sleeve_row(mesh: str, sleeve_mm: float) -> float:
    return float(unrolled(mesh).joints[0, 1] + sleeve_mm * TEXELS_PER_MM)
