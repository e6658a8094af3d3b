"""Proportions of one person's hand, drawn from a child's to a large man's."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class HandShape:
    """Proportions of one person's hand, all relative to the template except `scale`.

    Args:
        mesh: The template, one of `hand_template.MESHES`.
        scale: Overall size; 1 is a hand of about 190 mm.
        finger_length: `(5,)` length factor per finger, thumb first.
        finger_thickness: `(5,)` thickness factor per finger.
        palm: `(3,)` factors of palm width, length, thickness.
        forearm_thickness: Thickness factor of the forearm.
    """

    mesh: str = "webxr"
    scale: float = 1.0
    finger_length: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(5))
    finger_thickness: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(5))
    palm: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(3))
    forearm_thickness: float = 1.0


def random_shape(generator: np.random.Generator, mesh: str = "webxr") -> HandShape:
    """Draws a hand between a small child's and a large man's.

    Args:
        generator: Source of randomness.
        mesh: The template, one of `hand_template.MESHES`.

    Example:
    >>> 0.6 < random_shape(np.random.default_rng(0)).scale < 1.25
    True
    """
    scale = generator.uniform(0.66, 0.86) if generator.random() < 0.12 else None
    if scale is None:
        scale = float(np.clip(generator.normal(0.97, 0.07), 0.8, 1.2))
    length = 0.98 + 0.06 * generator.standard_normal() + 0.03 * generator.standard_normal(5)
    thick = 1.12 + 0.08 * generator.standard_normal() + 0.02 * generator.standard_normal(5)
    palm = 1.0 + np.array([0.06, 0.05, 0.06]) * generator.standard_normal(3)
    return HandShape(
        mesh=mesh,
        scale=float(scale),
        finger_length=np.clip(length, 0.82, 1.22),
        finger_thickness=np.clip(thick, 0.8, 1.25),
        palm=np.clip(palm, 0.88, 1.16),
        forearm_thickness=float(np.clip(1.0 + 0.1 * generator.standard_normal(), 0.8, 1.25)),
    )
