"""A stand-in for a hand that a stand-in for a network sees exactly: two dots, red and green."""

import numpy as np

SIZE = 48
FRAME_SIZE = (160, 120)
# Where the joints lie: along the way from the red dot to the green one, and beside it.
ALONG = np.linspace(0, 1, 21)
BESIDE = 0.4 * np.sin(np.linspace(0, np.pi, 21))
Z_REL = np.linspace(-1, 1, 21)


def joints_between(red, green) -> np.ndarray:
    """The `(21, 2)` joints of a right hand; those of a left one are mirrored."""
    red, green = np.asarray(red, float), np.asarray(green, float)
    way = green - red
    across = np.array([-way[1], way[0]])
    return red + ALONG[:, None] * way + BESIDE[:, None] * across


def frame_with_hand(red, green, size=FRAME_SIZE) -> np.ndarray:
    """A picture of the two dots."""
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.zeros((size[1], size[0], 3))
    for channel, (u, v) in enumerate((red, green)):
        image[..., channel] = np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / 8)
    return np.round(255 * image).astype(np.uint8)


def empty_frame(size=FRAME_SIZE) -> np.ndarray:
    return np.zeros((size[1], size[0], 3), np.uint8)


class DotsRunner:
    """Finds the dots in crops. A hand whose red dot is left of the green one is a right hand.

    Args:
        outputs: Names of what it returns.
    """

    input_size = SIZE
    sha256 = "1" * 64
    name = "dots"

    def __init__(self, outputs=("uv_px", "z_rel", "presence", "handedness")):
        self.outputs = outputs
        self.num_crops = 0

    def __call__(self, crops):
        self.num_crops += len(crops)
        found = [self._look(crop) for crop in crops]
        return {name: np.array([hand[name] for hand in found]) for name in self.outputs}

    def _look(self, crop):
        columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
        masses = crop.sum(axis=(0, 1))
        if min(masses[:2]) < 0.5:
            # Nothing there: joints all over the crop, as of a network without a hand.
            uv = joints_between((0.3 * SIZE, 0.4 * SIZE), (0.7 * SIZE, 0.6 * SIZE))
            presence, right = -4.0, 0.0
        else:
            red, green = (
                [(crop[..., channel] * axis).sum() / masses[channel] for axis in (columns, rows)]
                for channel in (0, 1)
            )
            uv = joints_between(red, green)
            presence, right = 4.0, green[0] - red[0]
        return {"uv_px": uv, "z_rel": Z_REL, "presence": [presence], "handedness": [right]}
