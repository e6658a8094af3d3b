"""Limits, correlations and building blocks of hand poses, in degrees.

Sources of the figures (those of Chatzioglou and Govsa were compared with their paper, the
others are as they are commonly quoted):

- Active ranges of motion: American Society for Surgery of the Hand, and Hume et al.
  1990, J. Hand Surg. 15A:240: finger MCP -45..90, PIP 0..100, DIP 0..80 (hyperextension
  of lax joints added), thumb MCP -10..55, IP -15..80, thumb radial abduction to 60,
  palmar abduction to 45 degrees.
- Widest gaps between neighbouring fingers: thumb-index 53, index-middle 17,
  middle-ring 14, ring-little 32 degrees (deviations 7, 3, 2, 7): Chatzioglou and Govsa
  2024, Anat. Cell Biol. 57:172. Extremes of trained or lax hands are about half as much again.
- DIP bends about 2/3 of PIP; sideways freedom is lost when the MCP bends: Rijpkema and
  Girard 1991, SIGGRAPH; Lin, Wu and Huang 2000, Workshop on Human Motion.
- Ring, little and middle finger bend together (quadriga, enslaving), the index hardly:
  Lang and Schieber 2004, J. Neurophysiol. 92:2802; Zatsiorsky et al. 2000, Exp. Brain
  Res. 131:187.
"""

import numpy as np

from tf_handgroups.synth.hand_contact import Touch
from tf_handgroups.synth.hand_mesh import NUM_ANGLES

# Degrees. Rows per finger: sideways, bend of first, second, third bone; then thumb
# twist, wrist bend, wrist sideways, forearm twist, palm arch.
LIMITS_DEG = np.array(
    [
        *[(-26, 72), (-14, 74), (-26, 66), (-32, 88)],
        *[(-28, 32), (-32, 95), (-6, 114), (-18, 90)],
        *[(-24, 22), (-32, 97), (-6, 116), (-18, 90)],
        *[(-36, 14), (-32, 99), (-6, 116), (-18, 90)],
        *[(-60, 16), (-34, 101), (-6, 114), (-18, 90)],
        *[(-40, 70), (-70, 75), (-35, 35), (-40, 40), (-4, 10)],
    ],
    np.float64,
)
LIMITS = np.radians(LIMITS_DEG)
CANDIDATES = 8

# Sideways angle of index .. little when the fingers are parallel, and what a full
# spread adds (gaps of 16, 14 and 25 degrees).
_PARALLEL_DEG = np.array([1.0, -1.0, -4.0, -7.0])
_SPREAD_DEG = np.array([18.0, 2.0, -12.0, -37.0])
# How much of a finger's bend comes from itself and from its neighbours.
QUADRIGA = np.array(
    [
        [0.95, 0.04, 0.01, 0.0],
        [0.05, 0.82, 0.11, 0.02],
        [0.0, 0.12, 0.7, 0.18],
        [0.0, 0.03, 0.13, 0.84],
    ]
)

# Thumb postures in degrees: sideways, out of the palm, MCP bend, IP bend, twist;
# each row is mean then deviation.
THUMBS = {
    "rest": ((34, 22, 10, 18, 0), (8, 10, 11, 18, 5)),
    "wide": ((54, 12, 6, 6, -6), (8, 9, 10, 16, 5)),
    "hitchhiker": ((60, 4, -6, -20, -10), (6, 6, 7, 8, 5)),
    "along": ((22, 10, 6, 8, -14), (6, 6, 8, 14, 6)),
    "forward": ((30, 46, 6, 16, 6), (8, 8, 9, 17, 8)),
    "curled": ((32, 30, 26, 56, 6), (9, 9, 14, 18, 8)),
    "beside": ((24, 20, 14, 20, -4), (6, 6, 9, 17, 5)),
    "over": ((18, 42, 30, 40, 14), (5, 5, 9, 14, 6)),
    "across": ((8, 42, 38, 28, 20), (5, 6, 10, 14, 6)),
    "opposed": ((24, 46, 12, 18, 38), (7, 7, 9, 14, 10)),
}


class Draft:
    """Candidates of one pose in degrees: thumb `(N, 5)`, bends `(N, 4, 3)`, sideways `(N, 4)`."""

    def __init__(self, generator: np.random.Generator, bends: np.ndarray):
        self.generator = generator
        self.bends = bends
        self.touch: Touch | None = None
        self.thumb = np.zeros((CANDIDATES, 5))
        self.sideways = np.zeros((CANDIDATES, 4))
        self.spread(-0.25, 0.6)

    def spread(self, low: float, high: float) -> None:
        """Parts all fingers by a common amount; 1 is as far as most people can."""
        # The same for all candidates: the choice would favour parted fingers.
        amount, drift = self.generator.uniform(low, high), self.generator.normal(4, 4.5)
        own = self.generator.normal(0, 1.6, (CANDIDATES, 4)) * (0.6 + max(amount, 0))
        self.sideways = _PARALLEL_DEG + amount * _SPREAD_DEG + drift + own

    def set_thumb(self, *names: str) -> None:
        """Chooses one posture for all candidates.

        Otherwise the choice would favour thumbs that stay away from the fingers.
        """
        mean, deviation = THUMBS[names[int(self.generator.integers(len(names)))]]
        normal = self.generator.standard_normal((CANDIDATES, 5))
        self.thumb = np.array(mean) + np.array(deviation) * normal

    def touching(self, posture: str, touch: Touch) -> None:
        """Starts from a thumb posture and lets the pad find its place."""
        self.set_thumb(posture)
        self.touch = touch

    def angles(self) -> np.ndarray:
        """Packs degrees into `(N, 25)`; bent fingers lose their freedom sideways."""
        freedom = 1 - 0.8 * np.clip(self.bends[:, :, 0] / 80, 0, 1)
        angles = np.zeros((CANDIDATES, NUM_ANGLES))
        angles[:, 4:20:4] = _PARALLEL_DEG + (self.sideways - _PARALLEL_DEG) * freedom
        for part in range(3):
            angles[:, 5 + part : 20 : 4] = self.bends[:, :, part]
        angles[:, :4] = self.thumb[:, :4]
        angles[:, 20] = self.thumb[:, 4]
        angles[:, 24] = self.generator.normal(1.5, 1.5, CANDIDATES)
        return angles


def noise(generator: np.random.Generator, *deviations: float) -> np.ndarray:
    """Returns `(N, 4, 3)` normal numbers with a deviation for each of a finger's bones."""
    return generator.normal(0, 1, (CANDIDATES, 4, 3)) * deviations


def extended(generator: np.random.Generator) -> np.ndarray:
    """Bends `(N, 4, 3)` of straight fingers, degrees."""
    # An open hand at rest bends its knuckles; pressed flat on something it does not.
    common = generator.normal(0, 10, (CANDIDATES, 1, 1))
    return np.array([10.0, 7.0, 4.0]) + common * [1, 0.3, 0.2] + noise(generator, 6, 5, 7)


def folded_fingers(generator: np.random.Generator) -> np.ndarray:
    """Bends `(N, 4, 3)` of fingers closed to a fist, degrees."""
    tight = generator.uniform(-0.9, 1) + generator.normal(0, 0.15, (CANDIDATES, 1, 1))
    # The last joint follows least: it is pressed straight or pulled into the palm.
    last = generator.normal(0, 8) * np.array([0, 0, 1])
    return np.array([79.0, 93.0, 65.0]) + tight * [11, 11, 15] + last + noise(generator, 5, 6, 11)


def half_bent(generator: np.random.Generator) -> np.ndarray:
    """Bends `(N, 4, 3)`, degrees: of hooked fingers, or at the first joint only."""
    hook = generator.random() < 0.6
    mean = np.array([12.0, 75.0, 45.0]) if hook else np.array([62.0, 18.0, 10.0])
    return mean + generator.normal(0, 12, (CANDIDATES, 1, 1)) + noise(generator, 7, 8, 7)


def curled(generator: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Bends `(N, 4, 3)`, degrees: closed by a common amount in [low, high], a slope across."""
    amount = generator.uniform(low, high)
    slope = generator.normal(0.06, 0.12) * np.array([-1.5, -0.5, 0.5, 1.5])
    own = amount + slope + generator.normal(0, 0.05, (CANDIDATES, 4))
    own = np.clip(own, -0.1, 1.05)
    # How the bend is shared between knuckle and finger differs from grasp to grasp.
    share = generator.uniform(-0.5, 0.5) + generator.normal(0, 0.05, (CANDIDATES, 1))
    mcp = own * 80 * (1 + share) + 2
    pip = own * 92 * (1 - share) + 6
    ratio = generator.normal(0.7, 0.24) + generator.normal(0, 0.14, (CANDIDATES, 4))
    dip = pip * np.clip(ratio, 0, 1.3)
    return np.stack([mcp, pip, dip], axis=2) + noise(generator, 4, 4, 5)


def pattern(
    generator: np.random.Generator, up: np.ndarray | list[bool], half_share: float = 0.0
) -> np.ndarray:
    """Bends `(N, 4, 3)`, degrees: extended where `up` `(4,)` says so, folded elsewhere.

    Args:
        generator: Source of randomness.
        up: Which of index .. little finger are extended.
        half_share: Share of fingers that are half bent instead.
    """
    bends = np.where(np.asarray(up)[None, :, None], extended(generator), folded_fingers(generator))
    for finger in range(4):
        if generator.random() < half_share:
            bends[:, finger] = half_bent(generator)[:, finger]
    pulled = np.einsum("fg,ngp->nfp", QUADRIGA, bends)
    return bends + generator.uniform(0, 1, (CANDIDATES, 1, 1)) * (pulled - bends)
