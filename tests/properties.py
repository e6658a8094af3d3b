"""Settings and random inputs shared by the property tests."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

# The same examples in every run, and no folder of found failures in the checkout.
EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def numbers(low: float, high: float):
    return st.floats(low, high, allow_nan=False)


def cameras():
    """Camera matrices with unlike focal lengths, a skew and a centre off the middle."""
    return st.builds(
        lambda f, ratio, skew, cx, cy: np.array([[f, skew, cx], [0, f * ratio, cy], [0, 0, 1]]),
        numbers(150, 2000),
        numbers(0.8, 1.25),
        numbers(-5, 5),
        numbers(0, 640),
        numbers(0, 480),
    )


def hands_px(width: float = 640, height: float = 480):
    """`(21, 2)` joints at random places of an image, spread over 24 to 300 pixels."""
    return st.builds(
        lambda seed, u, v, spread: (
            np.array([u, v]) + spread * np.random.default_rng(seed).uniform(-0.5, 0.5, (21, 2))
        ),
        st.integers(0, 10**6),
        numbers(0, width),
        numbers(0, height),
        numbers(24, 300),
    )


def depths_mm():
    """`(21, 1)` depths of the joints of one hand."""
    return st.builds(
        lambda seed, middle: middle + np.random.default_rng(seed).uniform(-90, 90, (21, 1)),
        st.integers(0, 10**6),
        numbers(200, 1500),
    )


def boxes():
    return st.tuples(numbers(-300, 900), numbers(-300, 900), numbers(1, 600), numbers(1, 600))


def angles_rad():
    return numbers(-10, 10)
