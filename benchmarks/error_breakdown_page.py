"""The page of `benchmarks.error_breakdown`: what was measured and how, in tables."""

import dataclasses

import numpy as np

from benchmarks.error_breakdown_groups import (
    FAMILY,
    LEAST_FOR_INTERVAL,
    TONE,
    VIEW,
    GroupRow,
    Groups,
    Share,
    groups_of,
    row_of,
    share_of,
    worst_first,
)
from benchmarks.error_breakdown_hands import FIRST_SEED, Looked
from benchmarks.error_breakdown_tones import FIRST_SEED as FIRST_TONE_SEED
from benchmarks.error_breakdown_tones import InTones, ToneRow, tone_rows
from benchmarks.markdown_table import markdown_table
from tf_handgroups.ablation.paired_statistics import Interval
from tf_handgroups.synth.hand_texture import typology_angle_deg
from tf_handgroups.synth.scene import SYNTH_VERSION

FIGURE_FILE, SHEET_FILE = "breakdown.png", "failures.jpg"
NUM_WORST_FAMILIES = 5


@dataclasses.dataclass(frozen=True)
class Asked:
    """What was measured.

    Args:
        command: That repeats it.
        model: Name of the file.
        sha256: Of the file, where known.
        threshold: Of presence, from the contract; `None` for a network that cannot tell.
    """

    command: str
    model: str
    sha256: str | None
    threshold: float | None


def page(asked: Asked, looked: Looked, in_tones: InTones) -> str:
    """Returns the page, markdown.

    Args:
        asked: What was measured.
        looked: What the network said about single pictures.
        in_tones: And about the same pictures in several tones.
    """
    groups = groups_of(looked)
    everything = np.ones(len(looked.pa_mm), bool)
    parts = [_head(asked, looked, in_tones), _group_table("", {"all hands": everything}, looked)]
    for title, kinds in groups.items():
        note = _NOTES.get(title)
        parts.append(f"## By {title}\n" + (f"\n{note}\n" if note else ""))
        parts.append(_group_table(title, kinds, looked))
    parts += [
        "## The same hands in five skin tones\n\n" + _tones(in_tones, asked.threshold),
        "## Hand or no hand\n\n" + _presence(looked, groups, asked.threshold),
        "## Left or right\n\n" + _sides(looked, groups),
        f"## Failures\n\n![The worst hands and what is most taken for one]({SHEET_FILE})\n\n"
        "The hands with the largest 2D errors, the truth left of the prediction, named by pose "
        "family, kind of view and seed; below, the pictures without a hand in which the network "
        "is surest to see one, with the presence it gave.\n",
    ]
    return "\n".join(parts)


_NOTES = {
    TONE: "Tone 0 to 1, very light to dark, runs evenly over the Individual Typology Angle of the "
    "back of the hand, 64 to -68 degrees (`tf_handgroups/synth/hand_texture.py`). Hands in gloves "
    "are left out. Lightness and darkness of the hand also change how it stands out from its "
    "background.",
    "hand length, mm": "From the wrist's joint to the middle finger's tip, along the bones. Below "
    "140 mm they are children's, from 140 to 155 mm about half of them. PA-MPJPE grows with the "
    "hand.",
    "distance, mm": "Of the middle finger's knuckle.",
    "roll away from fingers up, degrees": "Of the middle metacarpal, in the picture, to either "
    "side.",
    "kind of picture": "Everyday pictures have common poses, good light and a good camera.",
    "thing in the picture": "A hand may be in several rows.",
}


def _head(asked: Asked, looked: Looked, in_tones: InTones) -> str:
    num_hands, num_scenes = len(looked.pa_mm), looked.facts.num_scenes
    digest = f" The SHA-256 of the model is `{asked.sha256}`." if asked.sha256 else ""
    return f"""# Errors of {asked.model} by kind of hand

Made by `{asked.command}`.{digest}

- **Pictures.** {num_scenes} renders (`synth`, renderer version {SYNTH_VERSION}, default settings,
  sample seeds from {FIRST_SEED}): {num_hands} with a hand, {num_scenes - num_hands} without. They
  tell kinds of hands apart, of which photographs say little. How large errors on photographs are,
  they do not tell.
- **Box and side** are given as labelled.
- **2D error**: distance of a hand's visible joints from the truth over the longer side of the
  tight box, mean over the hands, ± its 95 % interval (from {LEAST_FOR_INTERVAL} hands on).
- **PCK@0.2**: share of these joints within 0.2 of the side.
- **PA-MPJPE**: protocol `procrustes` of `evaluate`, mean over the hands.
- Kinds differ in more than their name (small hands are children's, rare poses are seen in worse
  light), so a row is no cause. Only the test with {len(in_tones.errors_box)} hands in
  {len(in_tones.tones)} tones changes one thing alone. Of 100 intervals about 5 miss the truth.

![Errors by tone, view and pose family]({FIGURE_FILE})
"""


def _group_table(title: str, kinds: Groups, looked: Looked) -> str:
    rows = {name: row_of(looked, chosen) for name, chosen in kinds.items()}
    if title == FAMILY:
        rows = worst_first(rows)
    heads = [title, "hands", "2D error / box side", "PCK@0.2", "PA-MPJPE, mm"]
    return markdown_table(heads, [_cells(name, row) for name, row in rows.items()])


def _cells(name: str, row: GroupRow) -> list[str]:
    if row.error_box is None:
        return [name, "0", "-", "-", "-"]
    error = _interval(row.error_box)
    return [name, str(row.count), error, f"{row.pck:.3f}", f"{row.pa_mm:.1f}"]


def _interval(interval: Interval | None, form: str = ".4f") -> str:
    if interval is None:
        return "-"
    if not np.isfinite(interval.half_width):
        return f"{interval.mean:{form}}"
    return f"{interval.mean:{form}} ± {interval.half_width:{form.lstrip('+')}}"


def _share(share: Share | None) -> str:
    if share is None or not share.count:
        return "-"
    ends = f"{100 * share.low:.1f} to {100 * share.high:.1f}"
    return f"{share.part} of {share.count}: {100 * share.value:.1f} % ({ends})"


def _tones(found: InTones, threshold: float | None) -> str:
    rows = tone_rows(found, threshold)
    below = "" if threshold is None else f" below {threshold:g}"
    heads = ["tone", "2D error / box side", "difference to the lightest", "presence"]
    heads += ["difference to the lightest", f"missed: presence{below}"]
    return (
        f"{len(found.errors_box)} scenes (sample seeds from {FIRST_TONE_SEED}, no gloves), each "
        "rendered with five skins; pose, view, light, background, clothes and the camera's noise "
        "are the same. Differences are taken hand by hand; ± are 95 % intervals. Where 0 lies "
        "within the interval, this test sees no difference.\n\n"
        + markdown_table(heads, [_tone_cells(row) for row in rows])
    )


def _tone_cells(row: ToneRow) -> list[str]:
    return [
        f"{row.tone:g} (ITA {typology_angle_deg(row.tone):.0f}°)",
        _interval(row.error_box),
        _interval(row.error_difference, "+.4f"),
        _interval(row.presence, ".3f"),
        _interval(row.presence_difference, "+.3f"),
        _share(row.missed),
    ]


def _presence(looked: Looked, groups: dict[str, Groups], threshold: float | None) -> str:
    if threshold is None:
        return "This network cannot tell whether there is a hand.\n"
    missed = looked.presences < threshold
    families = {name: share_of(missed[chosen]) for name, chosen in groups[FAMILY].items()}
    families = {name: share for name, share in families.items() if share.part}
    worst = sorted(families, key=lambda name: -families[name].value)[:NUM_WORST_FAMILIES]
    rows = [("all hands", share_of(missed))]
    rows += [(f"tone {name}", share_of(missed[kind])) for name, kind in groups[TONE].items()]
    rows += [(name, families[name]) for name in worst]
    others = looked.presences_without_hand
    lines = [
        f"A presence below {threshold:g}, the contract's threshold, ends a track. In brackets the "
        f"95 % interval. Of the pose families only the {NUM_WORST_FAMILIES} most missed.\n",
        markdown_table(["hands", "missed"], [[name, _share(share)] for name, share in rows]),
    ]
    if len(others):
        taken = _share(share_of(others >= threshold))
        lines.append(f"Pictures without a hand at or above the threshold: {taken}.\n")
    return "\n".join(lines)


def _sides(looked: Looked, groups: dict[str, Groups]) -> str:
    found = looked.sides_found
    if np.isnan(found).any():
        return "This network cannot tell left hands from right ones.\n"
    kinds = {"all hands": np.ones(len(found), bool)}
    kinds |= {f"{name} hands": kind for name, kind in groups["side"].items()}
    kinds |= {f"tone {name}": kind for name, kind in groups[TONE].items()}
    kinds |= {f"view {name}": kind for name, kind in groups[VIEW].items()}
    rows = [[name, _share(share_of(found[kind] == 1))] for name, kind in kinds.items()]
    return (
        "Hands whose side is found where it is not given: the network looks both ways. In brackets "
        "the 95 % interval.\n\n" + markdown_table(["hands", "side found"], rows)
    )
