"""Labels the hands of photographs with a teacher and writes those to be trusted as `handjson`."""

import csv
import dataclasses
import importlib.metadata
import json
import os
import pathlib
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.contact_sheet import contact_sheet
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.teacher.find_hands import FoundHand, TeacherModels, find_hands
from tf_handgroups.teacher.geometry_checks import LabelLimits, labelled_joints, why_rejected
from tf_handgroups.teacher.pictures import Pictures
from tf_handgroups.teacher.teacher_models import DISTRIBUTION, LICENCE, SHA256, VERSION

REJECTED_NAME = "rejected.csv"
PROVENANCE_NAME = "provenance.json"
SHEET_COLUMNS, SHEET_KEPT, SHEET_REJECTED = 8, 40, 24


@dataclasses.dataclass(frozen=True)
class LabelReport:
    """What became of the pictures.

    Args:
        num_pictures: How many there were.
        num_kept: Hands that were written.
        rejected: Number of hands, and of pictures without any, by reason.
        sheet: `(height, width, 3)` uint8 RGB: a random choice of the hands that were kept,
            captioned with their spread, then of rejected ones with the reason.
            `None` if no hand was found at all.
    """

    num_pictures: int
    num_kept: int
    rejected: dict[str, int]
    sheet: np.ndarray | None


def pseudo_label(
    source: str | os.PathLike,
    out: str | os.PathLike,
    teacher: TeacherModels,
    licence: str,
    limits: LabelLimits | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelReport:
    """Writes a `handjson` folder with labels in 2D for those hands that can be trusted.

    Joints of which the teacher is not sure are not labelled. Beside the annotations
    stand `rejected.csv`, one line for every hand that was not kept and every picture
    without one, and `provenance.json`. The same pictures give the same files.

    Args:
        source: Folder or tar archive of photographs.
        out: The new folder; complete or absent.
        teacher: Usually from `teacher_models.load_teacher`.
        licence: Licence of the photographs, for the provenance.
        limits: What a hand must meet.
        overwrite: Whether an existing folder may be replaced.
        on_progress: Called with (pictures done, pictures in all).

    Raises:
        InputError: If there is no picture, `licence` is empty, or `out` exists and
            `overwrite` is false.
    """
    if not licence.strip():
        raise InputError(
            "pseudo_label: expected the licence of the photographs, e.g. CC-BY-4.0. "
            f"Received: licence={licence!r}."
        )
    limits = limits or LabelLimits()
    pictures = Pictures(source)
    run = _Run(teacher, pictures, limits, on_progress or (lambda done, total: None))
    with replacing_folder(out, overwrite) as temporary:
        write_handjson(run.kept_hands(), temporary)
        _write_rejected(temporary / REJECTED_NAME, run.rejected)
        counts = dict(Counter(reason.split()[0] for _, reason in run.rejected).most_common())
        report = LabelReport(len(pictures), run.num_kept, counts, run.sheet())
        text = json.dumps(_provenance(pictures.source.name, licence, limits, report), indent=1)
        (temporary / PROVENANCE_NAME).write_text(text + "\n")
    return report


class _Sheet:
    """A random choice of bounded size from a stream, the same for the same stream."""

    def __init__(self, size: int):
        self.size, self.seen = size, 0
        self.items: list[tuple[HandSample, str]] = []
        self._generator = np.random.default_rng(0)

    def add(self, sample: HandSample, caption: str) -> None:
        self.seen += 1
        place = len(self.items)
        if place < self.size:
            self.items.append((sample, caption))
        elif (place := int(self._generator.integers(self.seen))) < self.size:
            self.items[place] = (sample, caption)


class _Run:
    """One pass over the pictures."""

    def __init__(
        self,
        teacher: TeacherModels,
        pictures: Pictures,
        limits: LabelLimits,
        on_progress: Callable[[int, int], None],
    ):
        self.teacher, self.pictures, self.limits = teacher, pictures, limits
        self.on_progress = on_progress
        self.rejected: list[tuple[str, str]] = []
        self.num_kept = 0
        self._sheets = _Sheet(SHEET_KEPT), _Sheet(SHEET_REJECTED)

    def kept_hands(self) -> Iterator[HandSample]:
        for done, (name, picture) in enumerate(self.pictures, 1):
            yield from self._hands_of(name, picture)
            self.on_progress(done, len(self.pictures))

    def sheet(self) -> np.ndarray | None:
        items = [item for sheet in self._sheets for item in sheet.items]
        if not items:
            return None
        samples, captions = zip(*items, strict=True)
        return contact_sheet(samples, SHEET_COLUMNS, captions=captions, box_margin=1.5)

    def _hands_of(self, name: str, picture: pathlib.Path | bytes) -> Iterator[HandSample]:
        try:
            image = read_image(picture)
        except InputError as error:
            self.rejected.append((name, f"unreadable {error}"))
            return
        found = find_hands(self.teacher, image)
        if not found:
            self.rejected.append((name, "no_hand"))
        for index, hand in enumerate(found):
            size = (image.shape[1], image.shape[0])
            sample = _sample(f"{name}#{index}", picture, size, hand, self.limits)
            reason = why_rejected(hand, size, self.limits)
            if reason is None:
                self.num_kept += 1
                self._sheets[0].add(sample, f"spread {hand.spread.mean():.3f}")
                yield sample
            else:
                self.rejected.append((sample.sample_id, reason))
                self._sheets[1].add(sample, f"NOT: {reason.split(',')[0]}")


def _sample(
    sample_id: str,
    picture: pathlib.Path | bytes,
    image_size: tuple[int, int],
    hand: FoundHand,
    limits: LabelLimits,
) -> HandSample:
    unsure = hand.spread > limits.max_joint_spread
    return HandSample(
        sample_id=sample_id,
        image=picture,
        image_size=image_size,
        uv_px=np.where(unsure[:, None], np.nan, hand.uv_px),
        visible=labelled_joints(hand, image_size, limits),
        handedness="right" if hand.right > 0.5 else "left",
        box_px=hand.box_px,
    )


def _write_rejected(path: pathlib.Path, rejected: list[tuple[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(("picture", "reason"))
        writer.writerows(rejected)


def _provenance(source: str, licence: str, limits: LabelLimits, report: LabelReport) -> dict:
    return {
        "made_by": f"tf_handgroups {importlib.metadata.version('tf_handgroups')} pseudo-label",
        "labels": "2D joints and side, guessed by a teacher and filtered: for training only",
        "source": source,
        "source_licence": licence,
        "teacher": {
            "package": f"{DISTRIBUTION} {VERSION}",
            "licence": LICENCE,
            "sha256": SHA256,
        },
        "limits": dataclasses.asdict(limits),
        "num_pictures": report.num_pictures,
        "num_kept": report.num_kept,
        "rejected": report.rejected,
    }
