"""A window that shows frames, where OpenCV was built with one."""

import os
import re
import sys
from collections.abc import Callable

import cv2
import numpy as np

_STOP_KEYS = (ord("q"), 27)  # 27: Escape


def can_show() -> bool:
    """Returns whether OpenCV can open a window here.

    The package depends on `opencv-python-headless`, which cannot; with `opencv-python` in
    its place it can, given a screen. OpenCV does not say so: without one it ends the process.

    Example:

    >>> can_show() in (True, False)
    True
    """
    found = re.search(r"^\s*GUI:\s*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    if found is None or found[1] == "NONE":
        return False
    has_screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return has_screen or not sys.platform.startswith("linux")


def open_window(title: str) -> Callable[[np.ndarray], bool]:
    """Opens a window; check `can_show` first.

    Args:
        title: What stands above it.

    Returns:
        Function that shows a `(height, width, 3)` uint8 RGB image and returns whether
        somebody pressed q or Escape in the window.
    """
    cv2.namedWindow(title, cv2.WINDOW_NORMAL)

    def show(image: np.ndarray) -> bool:
        cv2.imshow(title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return cv2.waitKey(1) & 0xFF in _STOP_KEYS

    return show
