"""One synthetic picture with exact labels, a pure function of its seed."""

import dataclasses

import cv2
import numpy as np

from tf_handgroups.camera import mirror_intrinsics, mirror_xyz, project
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.errors import InputError
from tf_handgroups.synth.background import random_background
from tf_handgroups.synth.hand_mesh import (
    load_template,
    pose_hand,
    raise_knuckles,
    random_shape,
    skin_vertices,
    vertex_normals,
)
from tf_handgroups.synth.hand_texture import TEXELS_PER_MM, paint_hand, unrolled
from tf_handgroups.synth.pose_prior import random_pose
from tf_handgroups.synth.post_processing import encode_jpeg, random_camera_look
from tf_handgroups.synth.props import draw_capsule, random_held_capsule, random_occluder
from tf_handgroups.synth.rasterizer import rasterize
from tf_handgroups.synth.shading import (
    GAMMA,
    Light,
    depth_cues,
    look_up_skin,
    paint_sleeve,
    random_light,
    shade,
)
from tf_handgroups.synth.viewpoint import View, random_view

# Part of every data set's description: raised whenever the pictures change.
SYNTH_VERSION = 1

SUPERSAMPLING = 2
NEGATIVE_SHARE = 0.06
_NEAR_MM = 60.0
_MIN_SIZE, _MAX_SIZE = 32, 1024


@dataclasses.dataclass(frozen=True, eq=False)
class RenderedHand:
    """A right hand before a transparent background.

    Args:
        colour: `(S, S, 3)` float32 sRGB in [0, 255], times alpha.
        alpha: `(S, S)` float32 in [0, 1].
        joints_camera_mm: `(21, 3)`.
        view: The camera.
    """

    colour: np.ndarray
    alpha: np.ndarray
    joints_camera_mm: np.ndarray
    view: View


def _inflate_sleeve(vertices, normals, start_texel, generator):
    """Cloth lies a few millimetres outside the skin."""
    beyond = unrolled().texels[:, 1:2] - start_texel
    thickness = generator.uniform(3, 10)
    return vertices + normals * np.clip(beyond / 4.0, 0, 1) * np.float32(thickness)


def render_hand(generator: np.random.Generator, image_size: int) -> RenderedHand:
    """Draws shape, pose, view, skin and light, and renders the hand.

    Args:
        generator: Source of randomness.
        image_size: Side of the picture in pixels.

    Returns:
        A `RenderedHand`.
    """
    shape = random_shape(generator)
    angles = random_pose(generator, shape)
    joints, linear, offset = pose_hand(angles, shape)
    view = random_view(generator, joints, image_size)
    light = random_light(generator)
    faces = load_template().faces
    vertices = skin_vertices(linear, offset)
    knuckles = float(generator.uniform(1.0, 5.0) * shape.scale)
    vertices = raise_knuckles(vertices, angles, knuckles)
    sleeve = None
    if generator.random() < 0.55:
        sleeve = unrolled().joints[0, 1] + generator.uniform(28, 150) * TEXELS_PER_MM
        normals = vertex_normals(vertices, faces)
        vertices = _inflate_sleeve(vertices, normals, sleeve, generator)
    vertices = view.to_camera(vertices).astype(np.float32)
    fine = image_size * SUPERSAMPLING
    # Pixel centres: fine pixel i covers coarse coordinate (i + 0.5) / s - 0.5.
    # Parts behind the camera are kept out by `near`; they only must not divide by zero.
    points = project(np.maximum(vertices, [-1e9, -1e9, 1.0]), view.intrinsics_px)
    points = (points + 0.5) * SUPERSAMPLING - 0.5
    found = rasterize(points, vertices[:, 2], faces, fine, fine, near=_NEAR_MM)
    values = np.concatenate(
        [vertex_normals(vertices, faces), vertices, unrolled().texels, unrolled().back], axis=1
    )
    values = found.interpolate(faces, values)
    depth = np.zeros((fine, fine), np.float32)
    mask = np.zeros((fine, fine), np.float32)
    depth[found.rows, found.columns] = values[:, 5]
    mask[found.rows, found.columns] = 1
    scale = SUPERSAMPLING * view.intrinsics_px[0, 0] / float(joints_depth(view, joints))
    free, lit = _cropped_cues(depth, mask, light, scale)
    colours = _shade_points(generator, values, found, free, lit, light, sleeve)
    picture = np.zeros((fine, fine, 3), np.float32)
    picture[found.rows, found.columns] = colours
    joints_camera = view.to_camera(joints)
    if generator.random() < 0.3:
        held = random_held_capsule(generator, joints, shape)
        if held is not None:
            _draw_held(generator, picture, mask, depth, held, view, light)
    size = (image_size, image_size)
    return RenderedHand(
        colour=cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
        alpha=cv2.resize(mask, size, interpolation=cv2.INTER_AREA),
        joints_camera_mm=joints_camera,
        view=view,
    )


def joints_depth(view: View, joints_mm: np.ndarray) -> float:
    """Returns the mean depth of hand-frame joints in millimetres."""
    return float(view.to_camera(joints_mm)[:, 2].mean())


def _cropped_cues(depth, mask, light, px_per_mm):
    """Runs `depth_cues` on the hand's bounding box only."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    free, lit = np.ones_like(depth), np.ones_like(depth)
    if len(rows):
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        size = (columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0])
        # Soft cues need no more than half the resolution.
        coarse_depth, coarse_mask = depth[window][::2, ::2], mask[window][::2, ::2]
        cues = depth_cues(
            np.ascontiguousarray(coarse_depth),
            np.ascontiguousarray(coarse_mask),
            light,
            px_per_mm / 2,
        )
        free[window], lit[window] = (cv2.resize(cue, size) for cue in cues)
    return free, lit


def _shade_points(generator, values, found, free, lit, light, sleeve):
    normals, view = (_unit(values[:, :3]), -_unit(values[:, 3:6]))
    texels, back = values[:, 6:8], values[:, 8:9]
    albedo = look_up_skin(paint_hand(generator), texels, back)
    skin = np.ones((len(albedo), 1), np.float32)
    if sleeve is not None:
        skin = 1 - paint_sleeve(generator, albedo, texels, sleeve)
    occlusion = free[found.rows, found.columns][:, None]
    shadow = lit[found.rows, found.columns][:, None]
    colour = shade(albedo, normals, view, occlusion, shadow, light, skin)
    return 255 * np.sqrt(np.clip(colour, 0, 1))


def _unit(vectors):
    length = np.sqrt(np.einsum("nc,nc->n", vectors, vectors))
    return vectors / np.maximum(length, np.float32(1e-6))[:, None]


def _draw_held(generator, picture, mask, depth, held, view, light: Light):
    ends, radius = held
    ends = view.to_camera(ends)
    centres = (project(ends, view.intrinsics_px) + 0.5) * SUPERSAMPLING - 0.5
    middle = float(ends[:, 2].mean())
    radius_px = SUPERSAMPLING * view.intrinsics_px[0, 0] * radius / middle
    known = np.where(mask > 0, depth, np.float32(np.inf))
    visible, _, normals = draw_capsule(centres, ends[:, 2], radius_px, radius, known)
    albedo = np.clip(generator.uniform(0.05, 0.9) + generator.normal(0, 0.2, 3), 0.02, 0.98)
    facing = np.maximum(0, normals[visible] @ light.direction)[:, None]
    colour = albedo**GAMMA * (light.lamp * facing + 0.7 * light.sky)
    picture[visible] = 255 * np.clip(colour, 0, 1) ** (1 / GAMMA)
    mask[visible] = 1


def _compose(generator, hand: RenderedHand, size: int) -> np.ndarray:
    """Lays the hand over a background; `(S, S, 3)` float32 sRGB."""
    background = random_background(generator, size)
    if generator.random() < 0.3:
        shift = generator.normal(0, 0.06, 2) * size
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        shadow = cv2.warpAffine(hand.alpha, move, (size, size))
        shadow = cv2.GaussianBlur(shadow, (0, 0), float(generator.uniform(0.01, 0.05) * size))
        background = background * (1 - np.float32(generator.uniform(0.1, 0.6)) * shadow[..., None])
    image = hand.colour + background * (1 - hand.alpha[:, :, None])
    return _lay_occluder(generator, image)


def _lay_occluder(generator, image):
    occluder = random_occluder(generator, image.shape[0])
    if occluder is None:
        return image
    alpha = occluder[:, :, 3:]
    return image * (1 - alpha) + occluder[:, :, :3] * alpha


def check_image_size(image_size: int) -> None:
    """Raises `InputError` unless the side is an integer from 32 to 1024 pixels."""
    valid = isinstance(image_size, int | np.integer) and not isinstance(image_size, bool)
    if not valid or not _MIN_SIZE <= image_size <= _MAX_SIZE:
        raise InputError(
            f"synth: expected an image size from {_MIN_SIZE} to {_MAX_SIZE} pixels. "
            f"Received: image_size={image_size!r}. The default is 192."
        )


def render_sample(seed: int, image_size: int = 192) -> HandSample:
    """Renders the sample of a seed.

    Half of the hands are left hands (mirrored pictures). About 6 % of the seeds show
    no hand: `presence` is false, joints are zero, the box is a random plausible one.

    Args:
        seed: Any non-negative integer; the same seed gives the same bytes.
        image_size: Side of the square picture in pixels, 32 to 1024.

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
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(
            "render_sample: expected a non-negative integer seed. "
            f"Received: seed={seed!r}. Use for example seed=0."
        )
    check_image_size(image_size)
    generator = np.random.default_rng([SYNTH_VERSION, int(seed)])
    sample_id = f"synth/{seed:08d}"
    if generator.random() < NEGATIVE_SHARE:
        return _negative_sample(generator, sample_id, int(image_size))
    mirrored = generator.random() < 0.5
    hand = render_hand(generator, int(image_size))
    image = random_camera_look(generator, _compose(generator, hand, int(image_size)))
    xyz = hand.joints_camera_mm
    intrinsics = hand.view.intrinsics_px
    if mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
        xyz = mirror_xyz(xyz)
        intrinsics = mirror_intrinsics(intrinsics, image_size)
    uv = project(xyz, intrinsics)
    inside = np.all((uv > -0.5) & (uv < image_size - 0.5), axis=1)
    return HandSample(
        sample_id=sample_id,
        image=encode_jpeg(generator, image),
        image_size=(int(image_size), int(image_size)),
        uv_px=uv,
        visible=inside,
        handedness="left" if mirrored else "right",
        box_px=box_around(uv),
        xyz_camera_mm=xyz,
        intrinsics_px=intrinsics,
    )


def _negative_sample(generator, sample_id, size):
    image = _lay_occluder(generator, random_background(generator, size))
    extent = generator.uniform(0.35, 0.65, 2) * size
    corner = (size - 1) / 2 - extent / 2 + generator.uniform(-0.06, 0.06, 2) * size
    return HandSample(
        sample_id=sample_id,
        image=encode_jpeg(generator, random_camera_look(generator, image)),
        image_size=(size, size),
        uv_px=np.zeros((21, 2)),
        visible=np.zeros(21, bool),
        handedness=None,
        box_px=np.concatenate([corner, extent]),
        presence=False,
    )
