"""Light on skin: from visible surface points to linear colours.

Wrapped diffuse light with a redder shadow edge stands in for light that travels
below the skin. Occlusion and shadows between fingers are read off the depth image.
"""

import dataclasses

import cv2
import numpy as np

# Square and root stand for the sRGB curve: close enough, and much faster than powers.
GAMMA = 2.0

# How far light creeps round the edge, per colour channel.
_SKIN_WRAP = np.array([0.38, 0.24, 0.18], np.float32)
_CLOTH_WRAP = np.float32(0.1)
_RED_SHADOW = np.array([0.88, 1.0, 1.03], np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Light:
    """A lamp, a sky and how skin answers; colours are linear RGB.

    Args:
        direction: `(3,)` unit vector from the hand to the lamp, camera frame.
        lamp: `(3,)` colour of the lamp.
        sky: `(3,)` ambient colour from above.
        ground: `(3,)` ambient colour from below.
        shadow: How dark cast shadows are, 0 none .. 1 black.
        occlusion: Strength of darkening in narrow places.
        gloss: Strength of the highlight.
        sharpness: Exponent of the highlight.
    """

    direction: np.ndarray
    lamp: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    shadow: float
    occlusion: float
    gloss: float
    sharpness: float


def random_light(generator: np.random.Generator) -> Light:
    """Draws indoor, outdoor, flat and harsh lighting.

    Example:
    >>> bool(np.isclose(np.linalg.norm(random_light(np.random.default_rng(0)).direction), 1))
    True
    """
    direction = generator.standard_normal(3) * [1.0, 0.8, 0.6] + [0, -0.7, -0.7]
    if generator.random() < 0.1:
        direction[2] = abs(direction[2]) + 0.3
    direction = direction / np.linalg.norm(direction)
    warmth = generator.normal(0, 0.10)
    tint = np.array([1 + warmth, 1 + generator.normal(0, 0.02), 1 - warmth])
    contrast = generator.uniform(0.15, 0.85)
    ambient = np.array([1 - warmth * 0.5, 1.0, 1 + warmth * 0.5])
    sky = (1 - 0.75 * contrast) * ambient
    bounce = 1 + generator.normal(0, 0.12, 3)
    return Light(
        direction=direction.astype(np.float32),
        lamp=(1.25 * contrast * tint).astype(np.float32),
        sky=sky.astype(np.float32),
        ground=(sky * generator.uniform(0.35, 0.95) * bounce).astype(np.float32),
        shadow=float(generator.uniform(0.2, 0.95)),
        occlusion=float(generator.uniform(0.35, 0.9)),
        gloss=float(generator.uniform(0, 0.22) ** 1.2),
        sharpness=float(generator.uniform(6, 40)),
    )


def look_up(maps: np.ndarray, texels: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Reads the material of surface points from the painted maps.

    Args:
        maps: `(2, H, W, C)` back and palm.
        texels: `(N, 2)` map coordinates.
        back: `(N, 1)` share of the back.

    Returns:
        `(N, C)` float32.
    """
    # cv2.remap takes images of less than 32768 columns: fold the list of points.
    count, fold = len(texels), 512
    padded = np.zeros((-(-count // fold) * fold, 2), np.float32)
    padded[:count] = texels
    columns, rows = cv2.split(padded.reshape(-1, fold, 2))
    colours = [
        cv2.remap(side, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for side in maps
    ]
    flat = [colour.reshape(-1, maps.shape[3])[:count] for colour in colours]
    return flat[1] + back * (flat[0] - flat[1])


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
    occlusion = np.zeros_like(depth)
    for radius_mm, limit in ((4.0, 5.0), (12.0, 17.0)):
        sigma = max(radius_mm * px_per_mm, 1.0)
        size = (int(sigma) | 1, int(sigma) | 1)
        # Two box blurs: nearly a Gaussian, at a cost independent of the radius.
        weight = cv2.blur(cv2.blur(mask, size), size)
        mean = cv2.blur(cv2.blur(depth * mask, size), size) / np.maximum(weight, 1e-3)
        occlusion += np.clip((depth - mean) / limit, 0, 1) * 0.6
    towards = light.direction
    lit = np.ones_like(depth)
    height, width = depth.shape
    steps = 7
    horizontal = max(float(np.hypot(towards[0], towards[1])), 0.35)
    for step in range(1, steps + 1):
        reach = (3.0 + 48.0 * (step / steps) ** 1.5) / horizontal
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
        blocked = np.clip((above - 2.0) / 4.0, 0, 1) * np.clip((34.0 - above) / 8.0, 0, 1)
        blocked *= mask[shifted_rows, shifted_columns]
        lit[rows, columns] = np.minimum(lit[rows, columns], 1 - blocked)
    softness = max(1.2 * px_per_mm, 0.8)
    return 1 - np.clip(occlusion, 0, 1), cv2.GaussianBlur(lit, (0, 0), softness)


def shade(
    albedo: np.ndarray,
    normals: np.ndarray,
    view: np.ndarray,
    occlusion: np.ndarray,
    lit: np.ndarray,
    light: Light,
    skin: np.ndarray,
) -> np.ndarray:
    """Computes the linear colour of surface points.

    Args:
        albedo: `(N, 3)` sRGB reflectance.
        normals: `(N, 3)` unit normals, camera frame.
        view: `(N, 3)` unit vectors from the points to the camera.
        occlusion: `(N, 1)`, 1 free.
        lit: `(N, 1)`, 1 lit by the lamp.
        light: The lighting.
        skin: `(N, 1)`, 1 on skin, 0 on cloth (no highlight, no red edge).

    Returns:
        `(N, 3)` float32 linear RGB.
    """
    albedo = np.maximum(albedo, 0)
    facing = np.einsum("nc,c->n", normals, light.direction)[:, None]
    wrap = _CLOTH_WRAP + (_SKIN_WRAP - _CLOTH_WRAP) * skin
    diffuse = np.maximum(0, (facing + wrap) / (1 + wrap))
    # Light that enters skin reddens shadows.
    shadow = 1 - (1 - lit) * (light.shadow * _RED_SHADOW)
    up = 0.5 - 0.5 * normals[:, 1:2]
    ambient = light.ground + up * (light.sky - light.ground)
    free = 1 - (1 - occlusion) * (light.occlusion * _RED_SHADOW)
    colour = albedo * albedo * (light.lamp * diffuse * shadow + ambient * free)
    half = view + light.direction
    length = np.sqrt(np.einsum("nc,nc->n", half, half))
    shine = np.einsum("nc,nc->n", normals, half) / np.maximum(length, np.float32(1e-6))
    shine = np.maximum(shine, 0)[:, None] ** np.float32(light.sharpness)
    colour += shine * (lit * skin * (facing > 0)) * (np.float32(light.gloss) * light.lamp)
    return colour
