"""Proportions of one person's hand, drawn from a child's to a large man's.

Sources of the figures. Hand length and breadth agree with Ibeachu, Abu and Didia 2011,
Asian J. Med. Sci. 3:146 (men 190 x 86 mm, women 176 x 77 mm). The others are as they are
commonly quoted and were not compared with the reports themselves:

- Hand length, and breadth over length: Greiner 1991, Hand Anthropometry of US Army
  Personnel, Natick TR-92/011 (men 194 and 90, women 181 and 79 mm); lengths of civilians
  are less: Pheasant and Haslegrave 2006, Bodyspace (men 190, women 175 mm, deviation 10
  and 9; palm 33 and 28 mm thick; index finger 21 and 18, thumb 23 and 19 mm broad, a
  little less in depth).
- Lengths of bones over hand length: between Buchholz, Armstrong and Goldstein 1992,
  Ergonomics 35:261, and the hand of the Stereo Hand Pose Tracking Benchmark, whose joints
  lie where annotators put them.
- Index over ring finger: men 0.98, women 1.00, deviation about 0.035: Manning et al. 1998,
  Human Reproduction 13:3000.
- Children: Snyder et al. 1977, UM-HSRI-77-17 (hand length about 128 mm at 5, 178 mm at 13
  years); fingers 15 mm thick on average at 3 to 10 years: Hohendorff et al. 2010, Annals
  of Anatomy 192:156.
"""

import dataclasses

import numpy as np

from tf_handgroups.errors import InputError
from tf_handgroups.synth.hand_template import load_template

# Measured on the meshes, mm: hand length (wrist crease to middle fingertip), breadth and
# thickness at the knuckles; diameter of each finger at the PIP, of the thumb at the IP joint.
_MESH_MM = {
    "webxr": (190.0, 82.0, 33.0, (18.1, 16.1, 16.6, 15.2, 13.2)),
    "makehuman": (188.0, 87.5, 30.3, (19.0, 19.7, 19.3, 18.4, 15.6)),
}
# Bones over hand length: rows thumb (metacarpal, proximal, distal) to little finger
# (proximal, middle, distal), the last bones up to just below the skin.
_BONE_LENGTHS = np.array(
    [
        [0.200, 0.179, 0.143],
        [0.220, 0.138, 0.120],
        [0.256, 0.154, 0.128],
        [0.238, 0.148, 0.123],
        [0.197, 0.105, 0.113],
    ]
)
# For men and for women and children, over hand length: breadth and thickness of the palm
# and the fingers' diameters.
_MEN = (0.466, 0.174, np.array([0.113, 0.104, 0.105, 0.098, 0.087]))
_OTHERS = (0.440, 0.162, np.array([0.103, 0.098, 0.099, 0.092, 0.082]))
_BONE_DEVIATION = 0.045
# Of the changes that a mesh brings itself; they are linear only within -1 .. 1.
_MORPH_DEVIATION = 0.35
_CHILD_SHARE = 0.14
_CHILD_YEARS = (5.0, 13.0)


@dataclasses.dataclass(frozen=True)
class HandShape:
    """Proportions of one person's hand, all relative to the template except `scale`.

    Args:
        mesh: The template, one of `hand_template.MESHES`.
        scale: Overall size; 1 is a hand of about 190 mm.
        bone_length: `(5, 3)` length factor per finger (thumb first) and bone, from the palm
            to the tip.
        finger_thickness: `(5,)` thickness factor per finger.
        palm: `(3,)` factors of palm width, length, thickness.
        forearm_thickness: Thickness factor of the forearm.
        morphs: `(K,)` in [-1, 1], how much of each of the mesh's own shape changes
            (`HandTemplate.morph_names`); empty for none.
    """

    mesh: str = "webxr"
    scale: float = 1.0
    bone_length: np.ndarray = dataclasses.field(default_factory=lambda: np.ones((5, 3)))
    finger_thickness: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(5))
    palm: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(3))
    forearm_thickness: float = 1.0
    morphs: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))


def _draw_person(generator):
    """Hand length in mm, proportions of men or of others, and how stout the forearm is."""
    if generator.random() < _CHILD_SHARE:
        years = generator.uniform(*_CHILD_YEARS)
        length = (128 + 6.25 * (years - 5)) * generator.normal(1, 0.05)
        return length, _OTHERS, 0.92
    if generator.random() < 0.5:
        return generator.normal(190, 10), _MEN, 1.06
    return generator.normal(175, 9), _OTHERS, 0.96


def _bone_lengths_mm(mesh):
    """Lengths `(5, 3)` of a mesh's own bones."""
    chains = load_template(mesh).joints_mm[1:].reshape(5, 4, 3)
    return np.linalg.norm(np.diff(chains, axis=1), axis=2)


def random_shape(generator: np.random.Generator, mesh: str = "webxr") -> HandShape:
    """Draws a hand between a child's of five years and a large man's.

    Args:
        generator: Source of randomness.
        mesh: The template, one of `hand_template.MESHES`.

    Returns:
        A `HandShape`.

    Raises:
        InputError: If the mesh was never measured.

    Example:
    >>> 0.6 < random_shape(np.random.default_rng(0)).scale < 1.25
    True
    """
    if mesh not in _MESH_MM:
        raise InputError(
            f"random_shape: expected a mesh of {', '.join(_MESH_MM)}. Received: mesh={mesh!r}."
        )
    mesh_length, mesh_breadth, mesh_thickness, diameters = _MESH_MM[mesh]
    length, (breadth, thickness, diameter), forearm = _draw_person(generator)
    scale = length / mesh_length
    # Fingers differ from each other less than they differ together from the palm.
    fingers = generator.normal(1, 0.05) * generator.normal(1, (0.035, *(0.022,) * 4))
    bones = _BONE_LENGTHS * mesh_length / _bone_lengths_mm(mesh)
    bones = bones * fingers[:, None] * generator.normal(1, _BONE_DEVIATION, (5, 3))
    thick = diameter * mesh_length / np.array(diameters)
    thick = thick * generator.normal(1, 0.07) * generator.normal(1, 0.02, 5)
    palm = np.array([breadth / mesh_breadth, 1 / mesh_length, thickness / mesh_thickness])
    palm = palm * mesh_length * generator.normal(1, (0.045, 0.055, 0.06))
    num_morphs = len(load_template(mesh).morph_names)
    morphs = generator.normal(0, _MORPH_DEVIATION, num_morphs)
    return HandShape(
        mesh=mesh,
        scale=float(np.clip(scale, 0.6, 1.2)),
        bone_length=np.clip(bones, 0.8, 1.45),
        finger_thickness=np.clip(thick, 0.8, 1.45),
        palm=np.clip(palm, 0.8, 1.25),
        forearm_thickness=float(np.clip(forearm * generator.normal(1, 0.08), 0.75, 1.3)),
        morphs=np.clip(morphs, -1, 1),
    )
