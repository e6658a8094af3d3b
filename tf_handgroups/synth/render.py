"""From a scene to a picture with exact labels, a pure function of seed and settings."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from tf_handgroups.camera import mirror_intrinsics, mirror_xyz, project
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.synth.background import random_background
from tf_handgroups.synth.negatives import Negative
from tf_handgroups.synth.occluders import random_occluder
from tf_handgroups.synth.post_processing import (
    encode_jpeg,
    random_border,
    random_camera_look,
)
from tf_handgroups.synth.rasterizer import Fragments, rasterize
from tf_handgroups.synth.scene import Scene, SecondHand, draw_scene, stream
from tf_handgroups.synth.settings import SynthSettings
from tf_handgroups.synth.shading import (
    MATERIAL_CHANNELS,
    Light,
    shade,
    soft_depth_cues,
    tilt_normals,
)
from tf_handgroups.synth.surface import Surface, hand_surface, thing_surface
from tf_handgroups.synth.viewpoint import View

SUPERSAMPLING = 2
_NEAR_MM = 10.0
# Among the interpolated values: what `Surface.paint` takes.
_PAINT_COLUMNS = (slice(6, 8), slice(8, 9))


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """Hands and things before a transparent background.

    Args:
        colour: `(S, S, 3)` float32 sRGB in [0, 255], times alpha.
        alpha: `(S, S)` float32 in [0, 1].
    """

    colour: np.ndarray
    alpha: np.ndarray


def render_surfaces(
    surfaces: Sequence[Surface], view: View, light: Light, image_size: int
) -> Layer:
    """Draws surfaces that hide, shade and occlude each other.

    Args:
        surfaces: At least one.
        view: The camera.
        light: The light.
        image_size: Side of the square picture in pixels.
    """
    fine = image_size * SUPERSAMPLING
    vertices = np.concatenate([surface.vertices_mm for surface in surfaces])
    first_vertex = _starts([len(surface.vertices_mm) for surface in surfaces])
    first_face = _starts([len(surface.faces) for surface in surfaces])
    faces = np.concatenate(
        [surface.faces + start for surface, start in zip(surfaces, first_vertex, strict=False)]
    )
    # Pixel centres: fine pixel i covers coarse coordinate (i + 0.5) / s - 0.5.
    # Parts behind the camera are kept out by `near`; they only must not divide by zero.
    points = project(np.maximum(vertices, [-1e9, -1e9, 1.0]), view.intrinsics_px)
    points = (points + 0.5) * SUPERSAMPLING - 0.5
    found = rasterize(points, vertices[:, 2], faces, fine, fine, near=_NEAR_MM)
    normals = np.concatenate([surface.normals for surface in surfaces])
    texels = np.concatenate([surface.texels for surface in surfaces])
    back = np.concatenate([surface.back for surface in surfaces])
    values = found.interpolate(faces, np.concatenate([normals, vertices, texels, back], axis=1))
    pixels = found.rows * fine + found.columns
    depth = np.zeros((fine, fine), np.float32)
    mask = np.zeros((fine, fine), np.float32)
    depth.ravel()[pixels] = values[:, 5]
    mask.ravel()[pixels] = 1
    # Each column in one piece, as those of `values`: that is fast.
    material = np.zeros((MATERIAL_CHANNELS, len(values)), np.float32).T
    for index, surface in enumerate(surfaces):
        own = (found.faces >= first_face[index]) & (found.faces < first_face[index + 1])
        own = np.flatnonzero(own)
        if not len(own):
            continue
        places, shares = (np.take(values.T[part], own, axis=1).T for part in _PAINT_COLUMNS)
        painted = surface.paint(places, shares)
        material[own, : painted.shape[1]] = painted
    picture = np.zeros((fine, fine, 3), np.float32)
    colour = _shade(values, material, found, pixels, depth, mask, view, light)
    picture.reshape(-1, 3)[pixels] = colour
    size = (image_size, image_size)
    return Layer(
        colour=cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
        alpha=cv2.resize(mask, size, interpolation=cv2.INTER_AREA),
    )


def _starts(lengths: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


def _shade(values, material, found: Fragments, pixels, depth, mask, view: View, light: Light):
    """Colours `(N, 3)` in [0, 255] of the visible points."""
    distance = max(float(np.median(values[:, 5])), 1.0) if len(values) else 1.0
    scale = SUPERSAMPLING * view.intrinsics_px[0, 0] / distance
    free, lit = soft_depth_cues(depth, mask, light, scale)
    normals = _unit(values[:, :3])
    colour = shade(
        material,
        tilt_normals(normals, material[:, 5], found.rows, found.columns, scale),
        -_unit(values[:, 3:6]),
        free.ravel()[pixels][:, None],
        lit.ravel()[pixels][:, None],
        light,
    )
    return 255 * np.sqrt(np.clip(colour, 0, 1))


def _unit(vectors):
    length = np.sqrt(np.einsum("nc,nc->n", vectors, vectors))
    return vectors / np.maximum(length, np.float32(1e-6))[:, None]


def render_scene(scene: Scene) -> Layer:
    """Draws the hands and things of a scene, not yet mirrored, without background.

    Returns:
        A `Layer`; empty if there is nothing before the background.

    Example:
    >>> render_scene(draw_scene(1, image_size=64)).alpha.shape
    (64, 64)
    """
    view, surfaces = scene.view, []
    if scene.negative is not None:
        view = scene.negative.view
    if scene.negative is None or scene.negative.shows_hand:
        surfaces.append(hand_surface(stream(scene.seed, "paint"), scene.hand, view))
    if scene.second is not None:
        surfaces.append(_second_surface(scene, scene.second, surfaces[0]))
    things = (scene.held,) if scene.negative is None else scene.negative.things
    generator = stream(scene.seed, "held")
    surfaces += [thing_surface(generator, thing, view) for thing in things if thing is not None]
    size = scene.image_size
    if not surfaces:
        return Layer(np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32))
    return render_surfaces(surfaces, view, scene.light, size)


def _second_surface(scene: Scene, second: SecondHand, first: Surface) -> Surface:
    """A person's hands have the same skin, and mostly the same sleeves."""
    hand, view = second.hand, second.view
    same = hand.skin is scene.hand.skin
    paint = first.paint if same and hand.wear is scene.hand.wear else None
    return hand_surface(stream(scene.seed, "paint" if same else "second"), hand, view, paint)


def _compose(generator, scene: Scene, layer: Layer) -> np.ndarray:
    """Lays hands over a background and an occluder over both; `(S, S, 3)` sRGB."""
    image = random_background(generator, scene.image_size, scene.settings.photo_background)
    if generator.random() < 0.3:
        image = _cast_shadow(generator, layer.alpha, image)
    image = layer.colour + image * (1 - layer.alpha[:, :, None])
    occluder = draw_occluder(scene)
    if occluder is None:
        return image
    alpha = occluder[:, :, 3:]
    return image * (1 - alpha) + occluder[:, :, :3] * alpha


def draw_occluder(scene: Scene) -> np.ndarray | None:
    """Draws what lies between the hand and the camera.

    Returns:
        `(S, S, 4)` float32, not yet mirrored, see `random_occluder`; `None` without one.

    Example:
    >>> draw_occluder(draw_scene(1, settings=SynthSettings(occluder=0))) is None
    True
    """
    generator = stream(scene.seed, "occluder")
    if generator.random() >= scene.settings.occluder:
        return None
    joints = project(scene.view.to_camera(scene.hand.labels_mm), scene.view.intrinsics_px)
    box = tuple(box_around(joints)) if scene.presence else None
    return random_occluder(generator, scene.image_size, box)


def _cast_shadow(generator, alpha, image):
    """Darkens the background beside the hand, as of a wall close behind it."""
    size = len(image)
    shift = generator.normal(0, 0.06, 2) * size
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    shadow = cv2.warpAffine(alpha, move, (size, size))
    shadow = cv2.GaussianBlur(shadow, (0, 0), float(generator.uniform(0.01, 0.05) * size))
    return image * (1 - np.float32(generator.uniform(0.1, 0.6)) * shadow[..., None])


def render_sample(
    seed: int, image_size: int = 192, settings: SynthSettings | None = None
) -> HandSample:
    """Renders the sample of a seed.

    Half of the hands are left hands (mirrored pictures). Some seeds show no hand:
    `presence` is false, joints are zero, the box is where a detector may err.

    Args:
        seed: Any non-negative integer; the same seed gives the same bytes.
        image_size: Side of the square picture in pixels, 32 to 1024.
        settings: How often optional things appear.

    Returns:
        A `HandSample` whose image is JPEG bytes, with 2D and 3D joints in the camera
        frame, intrinsics, and the tight box around all joints.

    Raises:
        InputError: If the seed or the size is out of range.

    Example:
    >>> sample = render_sample(1, image_size=64)
    >>> sample.sample_id, sample.image_size
    ('synth/00000001', (64, 64))
    """
    return sample_of_scene(draw_scene(seed, image_size, settings))


def sample_of_scene(scene: Scene) -> HandSample:
    """Renders what was decided.

    Args:
        scene: Of `draw_scene`, perhaps changed; the same scene gives the same bytes.

    Returns:
        As `render_sample`.

    Example:
    >>> sample = sample_of_scene(draw_scene(1, image_size=64))
    >>> sample.image == render_sample(1, image_size=64).image
    True
    """
    generator = stream(scene.seed, "picture")
    image = _compose(generator, scene, render_scene(scene))
    image = random_camera_look(generator, image, good=scene.everyday)
    if scene.mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
    label = _label(scene) if scene.negative is None else _label_without_hand(scene, scene.negative)
    border = stream(scene.seed, "border")
    if border.random() < scene.settings.border:
        image = random_border(border, image, label["box_px"])
    return HandSample(
        sample_id=f"synth/{scene.seed:08d}",
        image=encode_jpeg(generator, image),
        image_size=(scene.image_size, scene.image_size),
        **label,
    )


def _label(scene: Scene) -> dict[str, Any]:
    """Fields of the `HandSample` of a scene with a hand."""
    xyz, intrinsics = scene.view.to_camera(scene.hand.labels_mm), scene.view.intrinsics_px
    if scene.mirrored:
        xyz, intrinsics = mirror_xyz(xyz), mirror_intrinsics(intrinsics, scene.image_size)
    uv = project(xyz, intrinsics)
    return {
        "uv_px": uv,
        "visible": np.all((uv > -0.5) & (uv < scene.image_size - 0.5), axis=1),
        "handedness": "left" if scene.mirrored else "right",
        "box_px": box_around(uv),
        "xyz_camera_mm": xyz,
        "intrinsics_px": intrinsics,
    }


def _label_without_hand(scene: Scene, negative: Negative) -> dict[str, Any]:
    x, y, width, height = negative.box_px
    if scene.mirrored:
        x = scene.image_size - 1 - x - width
    return {
        "uv_px": np.zeros((21, 2)),
        "visible": np.zeros(21, bool),
        "handedness": None,
        "box_px": np.array([x, y, width, height]),
        "presence": False,
    }
