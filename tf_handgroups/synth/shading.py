"""Light on skin, cloth and metal: from visible surface points to linear colours.

Wrapped diffuse light with a redder shadow edge stands in for light that travels
below the skin. Occlusion and shadows between fingers are read off the depth image;
creases, veins, nails and folds tilt the normals by the painted height.
"""

import dataclasses

import cv2
import numpy as np

# Square and root stand for the sRGB curve: close enough, and much faster than powers.
GAMMA = 2.0

# Channels of a material: sRGB, share of skin (0 cloth or metal), gloss (0 dull skin or
# cloth, about 0.4 nails and rubber, 1 metal), height in mm. The last two may be missing.
MATERIAL_CHANNELS = 6

# How far light creeps round the edge, per colour channel.
_SKIN_WRAP = np.array([0.34, 0.20, 0.15], np.float32)
_CLOTH_WRAP = np.float32(0.1)
_RED_SHADOW = np.array([0.90, 1.0, 1.02], np.float32)
# Light that shines through thin flesh.
_BLOOD = np.array([1.0, 0.22, 0.09], np.float32)
_STEEPEST = 0.9
_FOLD_TEXELS = np.float32(12)
_SHOULDER = np.float32(0.6)


@dataclasses.dataclass(frozen=True, eq=False)
class Light:
    """A lamp, a fill lamp, a sky and how skin answers; colours are linear RGB.

    Args:
        direction: `(3,)` unit vector from the hand to the lamp, camera frame.
        lamp: `(3,)` colour of the lamp.
        sky: `(3,)` ambient colour from above.
        ground: `(3,)` ambient colour from below.
        shadow: How dark cast shadows are, 0 none .. 1 black.
        occlusion: Strength of darkening in narrow places.
        gloss: Strength of the highlight.
        sharpness: Exponent of the highlight.
        softness_mm: Width of the edges of cast shadows.
        fill_direction: `(3,)` unit vector to a second lamp, which casts no shadow.
        fill: `(3,)` colour of the second lamp, black without one.
    """

    direction: np.ndarray
    lamp: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    shadow: float
    occlusion: float
    gloss: float
    sharpness: float
    softness_mm: float = 1.2
    fill_direction: np.ndarray = dataclasses.field(
        default_factory=lambda: np.array([0, 0, -1], np.float32)
    )
    fill: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(3, np.float32))


# Kind of light: share, lamp strength, ambient strength, width of shadow edges in mm.
_KINDS = {
    "room": (0.44, (0.45, 1.0), (0.25, 0.6), (1.5, 4.0)),
    "overcast": (0.17, (0.1, 0.35), (0.75, 1.0), (3.0, 5.0)),
    "sun": (0.13, (1.0, 1.45), (0.12, 0.35), (0.4, 1.0)),
    "window": (0.14, (0.7, 1.2), (0.18, 0.5), (1.0, 3.0)),
    "behind": (0.06, (0.8, 1.8), (0.15, 0.5), (1.0, 3.0)),
    "dim": (0.06, (0.15, 0.4), (0.08, 0.25), (1.0, 4.0)),
}
_EVERYDAY = ("room", "overcast", "window")


def random_light(generator: np.random.Generator, everyday: bool = False) -> Light:
    """Draws rooms, overcast skies, sun, windows at the side or behind, and dim light.

    Args:
        generator: Source of randomness.
        everyday: Whether to leave out sun, light from behind and dim light.

    Example:
    >>> bool(np.isclose(np.linalg.norm(random_light(np.random.default_rng(0)).direction), 1))
    True
    """
    names = _EVERYDAY if everyday else tuple(_KINDS)
    shares = np.array([_KINDS[name][0] for name in names])
    name = str(generator.choice(names, p=shares / shares.sum()))
    _, strengths, ambients, edges = _KINDS[name]
    direction = generator.standard_normal(3) * [1.0, 0.8, 0.6] + [0, -0.7, -0.7]
    if name == "window":
        direction[0] += np.sign(direction[0]) * 1.5
    if name == "behind":
        direction[2] = abs(direction[2]) + 0.5
    warmth = generator.normal(0, 0.10)
    tint = np.array([1 + warmth, 1 + generator.normal(0, 0.02), 1 - warmth])
    exposure = np.exp(generator.normal(0.28, 0.22))
    lamp = generator.uniform(*strengths) * exposure * tint
    sky = generator.uniform(*ambients) * exposure * np.array([1 - warmth / 2, 1, 1 + warmth / 2])
    bounce = 1 + generator.normal(0, 0.16, 3)
    has_fill = generator.random() < 0.35
    fill_direction = generator.standard_normal(3) - [0, 0.3, 0.2]
    fill_tint = 1 + generator.normal(0, 0.14, 3)
    fill = has_fill * generator.uniform(0.15, 0.6) * lamp.mean() * fill_tint
    return Light(
        direction=_unit(direction),
        lamp=lamp.astype(np.float32),
        sky=sky.astype(np.float32),
        ground=(sky * generator.uniform(0.35, 0.95) * bounce).astype(np.float32),
        shadow=float(generator.uniform(0.5, 0.92)),
        occlusion=float(generator.uniform(0.5, 0.9)),
        gloss=float(generator.uniform(0.02, 0.3) ** 1.3),
        sharpness=float(generator.uniform(5, 30)),
        softness_mm=float(generator.uniform(*edges)),
        fill_direction=_unit(fill_direction),
        fill=np.maximum(fill, 0).astype(np.float32),
    )


def _unit(vector):
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def look_up(maps: np.ndarray, texels: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Reads the material of surface points from the painted maps.

    Beyond their lower edge, which crosses the arm, the maps go on as if folded to and fro.

    Args:
        maps: `(2, H, W, C)` back and palm.
        texels: `(N, 2)` map coordinates.
        back: `(N, 1)` share of the back.

    Returns:
        `(N, C)` float32.
    """
    # cv2.remap takes images of less than 32768 columns: fold the list of points.
    count, fold = len(texels), 512
    padded = np.zeros((2, -(-count // fold) * fold), np.float32)
    padded[:, :count] = texels.T
    columns, rows = padded.reshape(2, -1, fold)
    end = maps.shape[1] - 1
    beyond = rows > end
    turned = np.abs(np.mod(rows[beyond] - end, 2 * _FOLD_TEXELS) - _FOLD_TEXELS)
    rows[beyond] = end - _FOLD_TEXELS + turned
    mixed, palm = (
        cv2.remap(side, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(
            -1, maps.shape[3]
        )[:count]
        for side in maps
    )
    mixed -= palm
    # Broadcasting over a short last axis is slow.
    mixed *= np.repeat(back, maps.shape[3]).reshape(mixed.shape)
    mixed += palm
    return np.asfortranarray(mixed)


def tilt_normals(
    normals: np.ndarray, height_mm: np.ndarray, rows: np.ndarray, columns: np.ndarray, scale: float
) -> np.ndarray:
    """Tilts normals by the painted height (bump mapping in the picture plane).

    Args:
        normals: `(N, 3)` unit normals, camera frame.
        height_mm: `(N,)` height above the surface.
        rows: `(N,)` pixel rows of the points.
        columns: `(N,)` pixel columns of the points.
        scale: Pixels per millimetre at the points.

    Returns:
        `(N, 3)` float32 unit normals.

    Example:
    >>> one = np.array([[0, 0, -1]], np.float32)
    >>> tilt_normals(one, np.ones(1), np.zeros(1, int), np.zeros(1, int), 1.0).tolist()
    [[0.0, 0.0, -1.0]]
    """
    if not len(rows):
        return normals
    top, left = int(rows.min()), int(columns.min())
    window = (int(rows.max()) - top + 3, int(columns.max()) - left + 3)
    image = np.zeros(window, np.float32)
    known = np.zeros(window, np.float32)
    index = (rows - (top - 1)) * window[1] + (columns - (left - 1))
    image.ravel()[index] = height_mm
    known.ravel()[index] = 1
    tilted = np.empty_like(normals)
    slopes = []
    for step in (1, window[1]):
        after, before = index + step, index - step
        difference = np.take(image, after) - np.take(image, before)
        difference *= np.take(known, after)
        difference *= np.take(known, before)
        difference *= np.float32(scale / 2)
        slopes.append(difference.clip(-_STEEPEST, _STEEPEST, out=difference))
    along = slopes[0] * normals[:, 0] + slopes[1] * normals[:, 1]
    tilted[:, 0] = normals[:, 0] * (1 + along) - slopes[0]
    tilted[:, 1] = normals[:, 1] * (1 + along) - slopes[1]
    tilted[:, 2] = normals[:, 2] * (1 + along)
    length = np.sqrt(np.einsum("nc,nc->n", tilted, tilted))
    tilted /= np.maximum(length, np.float32(1e-6))[:, None]
    return tilted


def depth_cues(
    depth: np.ndarray, mask: np.ndarray, light: Light, px_per_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Derives occlusion and cast shadows from the depth image of the hand.

    Args:
        depth: `(H, W)` float32 millimetres, any value outside the hand.
        mask: `(H, W)` float32, 1 on the hand.
        light: Whose direction casts the shadow.
        px_per_mm: Scale at the hand.

    Returns:
        `(H, W)` occlusion in [0, 1] (1 free) and shadow in [0, 1] (1 lit).
    """
    softness = max(light.softness_mm * px_per_mm, 0.6)
    lit = cv2.GaussianBlur(_lit(depth, mask, light, px_per_mm), (0, 0), softness)
    return _free(depth, mask, px_per_mm), lit


def soft_depth_cues(
    depth: np.ndarray, mask: np.ndarray, light: Light, px_per_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Runs `depth_cues` at half resolution on the part of the picture with a surface.

    Args:
        depth: `(H, W)` float32 millimetres, 0 outside the hand; even sides.
        mask: `(H, W)` float32, 1 on the hand.
        light: Whose direction casts the shadow.
        px_per_mm: Scale at the hand.

    Returns:
        As `depth_cues`, of the full size and without a shift.
    """
    free, lit = np.ones_like(depth), np.ones_like(depth)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows):
        # Whole pairs of pixels, so that both resolutions cover the same area.
        top, left = rows[0] // 2 * 2, columns[0] // 2 * 2
        window = (
            slice(top, top + (rows[-1] - top + 2) // 2 * 2),
            slice(left, left + (columns[-1] - left + 2) // 2 * 2),
        )
        size = depth[window].shape[::-1]
        half = (size[0] // 2, size[1] // 2)
        share = cv2.resize(mask[window], half, interpolation=cv2.INTER_AREA)
        mean = cv2.resize(depth[window] * mask[window], half, interpolation=cv2.INTER_AREA)
        mean /= np.maximum(share, np.float32(0.25))
        covered = (share > 0).astype(np.float32)
        cues = depth_cues(mean, covered, light, px_per_mm / 2)
        free[window], lit[window] = (cv2.resize(cue, size) for cue in cues)
    return free, lit


def _free(depth, mask, px_per_mm):
    """Share of the sky over each point, from how steeply its surroundings rise.

    Opposite neighbours are weighed together: on a plane or a rounded finger one rises no
    more than the other falls, so only grooves and feet of steps get dark.
    """
    height, width = depth.shape
    closed = np.zeros_like(depth)
    for radius_mm, weight in ((2.5, 0.12), (7.0, 0.17), (15.0, 0.13)):
        reach = max(round(radius_mm * px_per_mm), 1)
        radius_mm = reach / px_per_mm
        border = cv2.copyMakeBorder(depth, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
        present = cv2.copyMakeBorder(mask, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
        slant = max(round(reach * 0.7), 1)
        for dx, dy in ((reach, 0), (0, reach), (slant, slant), (slant, -slant)):
            rise, both = np.zeros_like(depth), np.full_like(depth, weight)
            for sign in (-1, 1):
                rows = slice(reach + sign * dy, reach + sign * dy + height)
                columns = slice(reach + sign * dx, reach + sign * dx + width)
                up = depth - border[rows, columns]
                # A far higher neighbour is another finger with air between: it hides less.
                share = up * np.float32(-1 / 25)
                share += 2
                up *= share.clip(0, 1, out=share)
                up *= np.float32(1 / radius_mm)
                rise += up.clip(-2.5, 2.5, out=up)
                both *= present[rows, columns]
            both *= rise.clip(0, 1.2, out=rise)
            closed += both
    return 1 - np.clip(cv2.blur(closed, (3, 3)), 0, 1)


def _lit(depth, mask, light, px_per_mm):
    """Marches towards the lamp: 1 where nothing stands in the way."""
    towards = light.direction
    lit = np.ones_like(depth)
    height, width = depth.shape
    steps = 8
    horizontal = max(float(np.hypot(towards[0], towards[1])), 0.35)
    for step in range(1, steps + 1):
        reach = (2.0 + 48.0 * (step / steps) ** 1.6) / horizontal
        dx = round(towards[0] * reach * px_per_mm)
        dy = round(towards[1] * reach * px_per_mm)
        if abs(dx) >= width or abs(dy) >= height or (dx == 0 and dy == 0):
            continue
        ray = depth + towards[2] * reach
        rows = slice(max(0, -dy), height - max(0, dy))
        columns = slice(max(0, -dx), width - max(0, dx))
        shifted_rows = slice(max(0, dy), height + min(0, dy))
        shifted_columns = slice(max(0, dx), width + min(0, dx))
        above = ray[rows, columns] - depth[shifted_rows, shifted_columns]
        blocked = ((above - 1.5) / 4.0).clip(0, 1) * ((34.0 - above) / 8.0).clip(0, 1)
        blocked *= mask[shifted_rows, shifted_columns]
        lit[rows, columns] = np.minimum(lit[rows, columns], 1 - blocked)
    return lit


def shade(
    material: np.ndarray,
    normals: np.ndarray,
    view: np.ndarray,
    occlusion: np.ndarray,
    lit: np.ndarray,
    light: Light,
) -> np.ndarray:
    """Computes the linear colour of surface points.

    Args:
        material: `(N, 6)`, see `MATERIAL_CHANNELS`.
        normals: `(N, 3)` unit normals, camera frame.
        view: `(N, 3)` unit vectors from the points to the camera.
        occlusion: `(N, 1)`, 1 free.
        lit: `(N, 1)`, 1 lit by the lamp.
        light: The lighting.

    Returns:
        `(N, 3)` float32 linear RGB; what is brighter than 0.6 is compressed, as film does.
    """
    # Planes of one channel each: broadcasting over a last axis of 3 is slow.
    red, green, blue, skin, gloss = np.ascontiguousarray(material[:, :5].T)
    normals, view = np.ascontiguousarray(normals.T), np.ascontiguousarray(view.T)
    occlusion, lit = occlusion[:, 0], lit[:, 0]
    facing = _dot(normals, light.direction)
    edge = 1 - np.abs(_dot(normals, view))
    edge *= edge
    shadow, closed = (1 - lit) * light.shadow, (1 - occlusion) * light.occlusion
    up = 0.5 - 0.5 * normals[1]
    fill = None
    if light.fill.any():
        fill = np.maximum(0, _dot(normals, light.fill_direction) + 0.15) * np.float32(1 / 1.15)
    glow = None
    if light.direction[2] > 0:
        # A lamp behind: thin edges of fingers glow.
        glow = edge * skin * lit * np.float32(0.35 * light.direction[2])
    metal = np.clip(gloss * 2.5 - 1.25, 0, 1)
    spot, room = _highlight(normals, view, occlusion, lit, light, skin, gloss, edge, metal)
    planes = []
    for channel, albedo in enumerate((red, green, blue)):
        albedo = np.maximum(albedo, 0)
        albedo *= albedo
        wrap = _CLOTH_WRAP + (_SKIN_WRAP[channel] - _CLOTH_WRAP) * skin
        # Light that enters skin reddens shadows.
        light_in = np.maximum(0, (facing + wrap) / (1 + wrap)) * light.lamp[channel]
        light_in *= 1 - shadow * _RED_SHADOW[channel]
        ambient = up * (light.sky[channel] - light.ground[channel])
        ambient += light.ground[channel]
        if fill is not None:
            ambient += fill * light.fill[channel]
        light_in += ambient * (1 - closed * _RED_SHADOW[channel])
        if glow is not None:
            light_in += glow * (light.lamp[channel] * _BLOOD[channel])
        # Metal mirrors more than it scatters, and colours what it mirrors.
        tint = 1 + (1.6 * albedo - 1) * metal
        colour = albedo * light_in * (1 - 0.7 * metal)
        colour += (spot * light.lamp[channel] + room * light.sky[channel]) * tint
        over = np.maximum(colour - _SHOULDER, 0)
        over *= -1 / (1 - _SHOULDER)
        np.minimum(colour, _SHOULDER, out=colour)
        colour += (1 - _SHOULDER) * (1 - np.exp(over))
        planes.append(colour)
    return np.stack(planes, axis=1)


def _dot(one, other):
    """Inner product of vectors along the first axis of three."""
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _highlight(normals, view, occlusion, lit, light, skin, gloss, edge, metal):
    """Blinn's highlight, stronger at grazing view, and the mirrored room; each `(N,)`."""
    half = [view[axis] + light.direction[axis] for axis in range(3)]
    length = np.sqrt(_dot(half, half))
    shine = _dot(normals, half) / np.maximum(length, np.float32(1e-6)) - 1
    shine *= np.float32(light.sharpness) * (1 + 5 * gloss)
    spot = np.exp(shine) * lit * (_dot(normals, light.direction) > 0)
    spot *= (np.float32(light.gloss) * skin + np.float32(0.6) * gloss) * (1 + 3 * edge)
    # Nails, rubber and metal mirror a room: sky above, a dark horizon, ground below.
    height = np.clip(0.5 - 1.4 * (normals[1] - 0.5 * view[1]), 0, 1)
    room = 0.25 + 0.75 * np.abs(2 * height - 1)
    room *= gloss * (0.06 + 0.5 * edge + 0.6 * metal) * occlusion
    return spot, room
