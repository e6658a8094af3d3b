"""The card of a synthetic set: how poses, views, tones and things are distributed.

It is computed from the scenes that the pictures show, without rendering them.
"""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.camera import project
from tf_handgroups.plots import COLOURS, png
from tf_handgroups.synth.pose_prior import FAMILIES
from tf_handgroups.synth.scene import Scene
from tf_handgroups.synth.viewpoint import VIEW_KINDS

CARD_PNG, CARD_MD = "data_card.png", "data_card.md"
MOST_SCENES = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class SceneFacts:
    """What the card tells of scenes with a hand; `N` of them.

    Args:
        families: `N` names of pose families.
        views: `N` names of kinds of view.
        sides: `N` times `"left"` or `"right"`.
        meshes: `N` names of hand meshes.
        tones: `(N,)` skin tone, 0 light .. 1 dark.
        facing_deg: `(N,)` angle between the palm's normal and the way to the camera:
            0 the palm, 180 the back is seen.
        roll_deg: `(N,)` turn of the middle metacarpal in the picture, 0 is up,
            positive to the right, before mirroring.
        tilt_deg: `(N,)` angle of the middle metacarpal out of the picture's plane,
            positive away from the camera.
        distance_mm: `(N,)` depth of the middle MCP.
        length_mm: `(N,)` wrist to middle fingertip along the bones.
        box_share: `(N,)` longer side of the joints' box over the picture's.
        has: `{name: (N,) bool}`, what else is in the pictures.
        num_scenes: Of all scenes, with or without a hand.
    """

    families: Sequence[str]
    views: Sequence[str]
    sides: Sequence[str]
    meshes: Sequence[str]
    tones: np.ndarray
    facing_deg: np.ndarray
    roll_deg: np.ndarray
    tilt_deg: np.ndarray
    distance_mm: np.ndarray
    length_mm: np.ndarray
    box_share: np.ndarray
    has: dict[str, np.ndarray]
    num_scenes: int

    @property
    def things(self) -> dict[str, float]:
        """Shares; `no hand` and `left hand` of all scenes, the others of those with a hand."""
        num_scenes, num_hands = max(self.num_scenes, 1), max(len(self.families), 1)
        return {
            "no hand": (self.num_scenes - len(self.families)) / num_scenes,
            "left hand": self.sides.count("left") / num_scenes,
            "MakeHuman mesh": self.meshes.count("makehuman") / num_hands,
            **{name: int(found.sum()) / num_hands for name, found in self.has.items()},
        }


_HAS: dict[str, Callable[[Scene], bool]] = {
    "held thing": lambda scene: scene.held is not None,
    "second hand": lambda scene: scene.second is not None,
    "sleeve": lambda scene: scene.hand.wear.sleeve_mm is not None,
    "glove": lambda scene: scene.hand.wear.glove is not None,
    "ring": lambda scene: scene.hand.wear.ring_finger is not None,
    "watch or band": lambda scene: scene.hand.wear.wristband is not None,
    "dressing": lambda scene: scene.hand.wear.dressing is not None,
}


def scene_facts(scenes: Iterable[Scene]) -> SceneFacts:
    """Measures scenes, one after the other: they may be many, and none is kept.

    Example:
    >>> from tf_handgroups.synth.scene import draw_scene
    >>> facts = scene_facts(draw_scene(seed) for seed in range(20))
    >>> len(facts.families) == len(facts.tones)
    True
    """
    num_scenes, rows = 0, []
    for scene in scenes:
        num_scenes += 1
        if scene.presence:
            rows.append((_names(scene), _measures(scene), [has(scene) for has in _HAS.values()]))
    families, views, sides, meshes = ([names[i] for names, _, _ in rows] for i in range(4))
    measures = np.array([numbers for _, numbers, _ in rows], np.float64).reshape(-1, 7)
    has = np.array([found for _, _, found in rows], bool).reshape(-1, len(_HAS))
    return SceneFacts(
        families,
        views,
        sides,
        meshes,
        *measures.T,
        has=dict(zip(_HAS, has.T, strict=True)),
        num_scenes=num_scenes,
    )


def _names(scene: Scene) -> tuple[str, str, str, str]:
    side = "left" if scene.mirrored else "right"
    return scene.hand.family, scene.view.kind, side, scene.hand.shape.mesh


def _measures(scene: Scene) -> tuple[float, ...]:
    hand, view = scene.hand, scene.view
    joints = view.to_camera(hand.labels_mm)
    palm = view.rotation[:, 2]
    to_camera = -joints[9] / np.linalg.norm(joints[9])
    up = (joints[9] - joints[0]) / np.linalg.norm(joints[9] - joints[0])
    uv = project(joints, view.intrinsics_px)
    chain = joints[[0, 9, 10, 11, 12]]
    return (
        hand.skin.tone,
        float(np.degrees(np.arccos(np.clip(palm @ to_camera, -1, 1)))),
        float(np.degrees(np.arctan2(up[0], -up[1]))),
        float(np.degrees(np.arcsin(np.clip(up[2], -1, 1)))),
        float(joints[9, 2]),
        float(np.linalg.norm(np.diff(chain, axis=0), axis=1).sum()),
        float(np.ptp(uv, axis=0).max() / scene.image_size),
    )


def draw_data_card(facts: SceneFacts) -> bytes:
    """Draws the distributions as one figure.

    Returns:
        PNG bytes.

    Example:
    >>> from tf_handgroups.synth.scene import draw_scene
    >>> draw_data_card(scene_facts([draw_scene(1), draw_scene(2)]))[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(15, 8.5), layout="constrained")
    axes = figure.subplots(2, 5).ravel()
    _bars(axes[0], _shares(facts.families, [name for _, name in FAMILIES]), "pose families")
    _bars(axes[1], facts.things, "also in the picture")
    _bars(axes[5], _shares(facts.views, [name for _, name in VIEW_KINDS]), "kinds of view")
    _histogram(axes[2], facts.tones, "skin tone (0 light, 1 dark)", (0, 1))
    _histogram(axes[3], facts.facing_deg, "palm (0) to back (180) seen, degrees", (0, 180))
    _histogram(axes[4], facts.box_share, "joints' box over the picture's side", (0.4, 0.8))
    _histogram(axes[6], facts.roll_deg, "in-plane roll, 0 is fingers up, degrees", (-180, 180))
    _histogram(axes[7], facts.tilt_deg, "metacarpal away from the camera, degrees", (-90, 90))
    _histogram(axes[8], facts.distance_mm, "distance of the middle MCP, mm", None)
    _histogram(axes[9], facts.length_mm, "wrist to middle tip along the bones, mm", None)
    figure.suptitle(f"{len(facts.families)} scenes with a hand")
    return png(figure)


def _shares(found: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    counts = collections.Counter(found)
    return {name: counts[name] / max(len(found), 1) for name in names}


def _bars(axes: Axes, shares: dict[str, float], title: str) -> None:
    axes.set_title(title)
    names = list(shares)
    axes.barh(names, [100 * shares[name] for name in names], color=COLOURS[0])
    axes.invert_yaxis()
    axes.set_xlabel("share, %")
    axes.tick_params(axis="y", labelsize=8)


def _histogram(
    axes: Axes, values: np.ndarray, label: str, limits: tuple[float, float] | None
) -> None:
    weights = np.full(len(values), 100 / max(len(values), 1))
    axes.hist(values, bins=36, range=limits, weights=weights, color=COLOURS[0])
    axes.set_xlabel(label, fontsize=8)
    axes.set_ylabel("share, %")


def data_card_text(facts: SceneFacts, description: dict) -> str:
    """Writes the card as Markdown.

    Args:
        facts: The measured scenes.
        description: Content of the set's `dataset.json`.
    """
    settings = ", ".join(f"{name}={value:g}" for name, value in description["settings"].items())
    lines = [
        "# Synthetic hands: data card",
        "",
        "Rendered from meshes of MIT and CC0 licence by tf_handgroups; labels are exact.",
        "",
        f"- {description['count']} pictures of {description['image_size']} px, "
        f"seed {description['seed']}, renderer version {description['version']}",
        f"- settings: {settings}",
        f"- measured on {len(facts.families)} scenes with a hand, see `{CARD_PNG}`",
        "",
        "| | 1 % | 25 % | median | 75 % | 99 % |",
        "|---|---|---|---|---|---|",
    ]
    for label, values in (
        ("skin tone, 0 light .. 1 dark", facts.tones),
        ("palm 0 .. back 180 seen, degrees", facts.facing_deg),
        ("in-plane roll, degrees", facts.roll_deg),
        ("metacarpal away from the camera, degrees", facts.tilt_deg),
        ("distance, mm", facts.distance_mm),
        ("wrist to middle tip, mm", facts.length_mm),
        ("joints' box over the picture", facts.box_share),
    ):
        numbers = np.percentile(values, [1, 25, 50, 75, 99]) if len(values) else [np.nan] * 5
        lines.append(f"| {label} | " + " | ".join(f"{number:.3g}" for number in numbers) + " |")
    for title, shares in (
        ("pose family", _shares(facts.families, [name for _, name in FAMILIES])),
        ("kind of view", _shares(facts.views, [name for _, name in VIEW_KINDS])),
        ("also in the picture", facts.things),
    ):
        lines += ["", f"| {title} | share |", "|---|---|"]
        lines += [f"| {name} | {100 * share:.1f} % |" for name, share in shares.items()]
    return "\n".join(lines) + "\n"


def write_data_card(
    folder: str | os.PathLike, scenes: Iterable[Scene], description: dict
) -> SceneFacts:
    """Writes `data_card.md` and `data_card.png` into the folder of a set.

    Args:
        folder: Of the set; older cards are replaced.
        scenes: Some or all scenes of the set.
        description: Content of its `dataset.json`.

    Returns:
        What was measured.
    """
    facts = scene_facts(scenes)
    with replacing_file(pathlib.Path(folder) / CARD_PNG, overwrite=True) as temporary:
        temporary.write_bytes(draw_data_card(facts))
    with replacing_file(pathlib.Path(folder) / CARD_MD, overwrite=True) as temporary:
        temporary.write_text(data_card_text(facts, description))
    return facts
