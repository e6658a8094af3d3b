"""What `check_data` returns, and how it becomes files: JSON, a table, two pictures."""

import dataclasses
import io
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.contact_sheet import contact_sheet
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.image_file import write_image
from tf_handgroups.running_spread import Spread
from tf_handgroups.sample_check import SUSPICIONS

COLUMNS = 8
# The window of a tile over the longer side of the hand's box.
TILE_MARGIN = 1.6
# The table names this many samples of a kind; report.json names more.
_NAMED = 10

_SPREADS = {
    "reference_bone_mm": ("reference bone 9-10", "mm"),
    "bones_mm": ("all bones", "mm"),
    "root_depth_mm": ("depth of the root", "mm"),
    "reprojection_px": ("reprojection error", "px"),
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """A broken or suspicious sample.

    Args:
        index: Its place in the data set.
        reason: What is wrong, for broken samples with the file.
        sample_id: Its name, where its labels could be read.
        file: Its image file, unless the image is packed with the labels.

    Example:

    >>> Finding(3, "no such file").sample_id is None
    True
    """

    index: int
    reason: str
    sample_id: str | None = None
    file: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class DataReport:
    """All that `check_data` found; numbers are over the samples that are not broken.

    Args:
        kind: Kind of the data set.
        path: Its folder or file.
        options: How it was read.
        num_samples: Samples it should have.
        num_broken: Samples that cannot be used, with those behind a place where the
            data set stops.
        counts: Samples by what they are and have, e.g. `left`, `labelled_3d`.
        visible_share: Share of visible joints in hands, `None` without a hand.
        image_sizes: `{"width x height": samples}`, most frequent first.
        spreads: Bone lengths, depth and reprojection error.
        broken: Broken samples; the first 10,000.
        suspicious: `{key of SUSPICIONS: findings}`; the first 1000 of a kind.
        num_suspicious: `{key of SUSPICIONS: number of samples}`.
        random_samples: Random samples, by index.
        suspicious_samples: The first suspicious samples, by index.

    Example:

    >>> report = DataReport("handjson", "hands", {}, 1, 1, {}, None, {}, {},
    ...     [Finding(0, "hands/a.png: no such file")], {}, {}, {}, {})
    >>> report.as_dict()["broken"][0]["reason"]
    'hands/a.png: no such file'
    """

    kind: str
    path: str
    options: Mapping[str, str]
    num_samples: int
    num_broken: int
    counts: Mapping[str, int]
    visible_share: float | None
    image_sizes: Mapping[str, int]
    spreads: Mapping[str, Spread]
    broken: list[Finding]
    suspicious: Mapping[str, list[Finding]]
    num_suspicious: Mapping[str, int]
    random_samples: Mapping[int, HandSample]
    suspicious_samples: Mapping[int, HandSample]

    def as_dict(self) -> dict[str, Any]:
        """Returns everything but the pictures, ready for JSON."""
        return {
            "kind": self.kind,
            "path": self.path,
            "options": dict(self.options),
            "num_samples": self.num_samples,
            "num_broken": self.num_broken,
            "counts": dict(self.counts),
            "visible_share": self.visible_share,
            "image_sizes": dict(self.image_sizes),
            "spreads": {name: dataclasses.asdict(value) for name, value in self.spreads.items()},
            "num_suspicious": dict(self.num_suspicious),
            "broken": [dataclasses.asdict(finding) for finding in self.broken],
            "suspicious": {
                kind: [dataclasses.asdict(finding) for finding in findings]
                for kind, findings in self.suspicious.items()
            },
        }

    def table(self) -> str:
        """Returns the numbers and the first findings as text."""
        console = Console(
            file=io.StringIO(),
            width=120,
            color_system=None,
            legacy_windows=False,
            markup=False,
            highlight=False,
        )
        first = Table(title="Data", show_header=False)
        first.add_column()
        first.add_column(overflow="fold")
        for name, text in self._overview().items():
            first.add_row(name, text)
        console.print(first)
        second = Table("", "values", "minimum", "median", "mean", "maximum", title="Measures")
        for name, (title, unit) in _SPREADS.items():
            spread = self.spreads.get(name, Spread(0))
            if spread.count:
                numbers = (spread.minimum, spread.median, spread.mean, spread.maximum)
                cells = [_number(number, unit) for number in numbers]
                second.add_row(title, f"{spread.count:,}", *cells)
        if second.row_count:
            console.print(second)
        for kind, findings in self.suspicious.items():
            self._print_findings(
                console,
                f"Suspicious ({self.num_suspicious[kind]:,}): {SUSPICIONS[kind]}",
                findings,
                self.num_suspicious[kind],
            )
        if self.num_broken:
            title = f"Broken: {self.num_broken:,} of {self.num_samples:,} samples"
            self._print_findings(console, title, self.broken, self.num_broken)
        return console.file.getvalue().rstrip("\n")  # pyright: ignore

    def save(self, folder: str | os.PathLike, overwrite: bool = False) -> None:
        """Writes report.json, table.txt and contact sheets, complete or not at all.

        `contact_sheet.png` has random samples, `suspicious.png` the first suspicious
        ones; each is absent where it would be empty.

        Args:
            folder: The new folder.
            overwrite: Whether an existing folder may be replaced.

        Raises:
            InputError: If the folder exists and `overwrite` is false.
        """
        with replacing_folder(folder, overwrite) as temporary:
            text = json.dumps(self.as_dict(), indent=1, allow_nan=False)
            (temporary / "report.json").write_text(text + "\n", encoding="utf-8")
            (temporary / "table.txt").write_text(self.table() + "\n", encoding="utf-8")
            sides = {
                index: (sample.handedness or "?") if sample.presence else "no hand"
                for index, sample in self.random_samples.items()
            }
            _write_sheet(temporary / "contact_sheet.png", self.random_samples, sides)
            kinds = dict.fromkeys(self.suspicious_samples, "")
            for kind, findings in self.suspicious.items():
                for index in {finding.index for finding in findings} & set(kinds):
                    kinds[index] = f"{kinds[index]} {kind}".strip()
            _write_sheet(temporary / "suspicious.png", self.suspicious_samples, kinds)

    def _overview(self) -> dict[str, str]:
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        sizes = [f"{size} ({count:,})" for size, count in self.image_sizes.items()]
        if len(sizes) > _NAMED:
            sizes = [*sizes[:_NAMED], f"{len(sizes) - _NAMED} more sizes"]
        rows = {
            "data set": f"{self.kind}:{self.path}",
            "options": options or "none",
            "samples": f"{self.num_samples:,}",
            "broken": f"{self.num_broken:,}",
            "suspicious": f"{self.counts.get('suspicious', 0):,}",
        }
        for title, names in {
            "hands; images without a hand": ("hands", "without_hand"),
            "left; right; unknown side": ("left", "right", "unknown_side"),
            "labelled in 3D; partly; only in 2D": ("labelled_3d", "partly_3d", "only_2d"),
            "with intrinsics; with bone length only": ("with_intrinsics", "bone_only"),
        }.items():
            rows[title] = "; ".join(f"{self.counts.get(name, 0):,}" for name in names)
        if self.visible_share is not None:
            rows["visible joints"] = f"{self.visible_share:.1%}"
        rows["image sizes"] = ", ".join(sizes) or "none"
        return rows

    def _print_findings(
        self, console: Console, title: str, findings: list[Finding], count: int
    ) -> None:
        console.print()
        console.print(title, soft_wrap=True)
        for finding in findings[:_NAMED]:
            name = "" if finding.sample_id is None else f" {finding.sample_id}"
            text = f"  [{finding.index}]{name}: {finding.reason}"
            console.print(text, soft_wrap=True)
        if count > _NAMED:
            console.print(f"  and {count - _NAMED:,} more")


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.4g} {unit}" if abs(value) >= 1e-3 or not value else f"<0.001 {unit}"


def _write_sheet(
    path: pathlib.Path, samples: Mapping[int, HandSample], captions: Mapping[int, str]
) -> None:
    if samples:
        texts = [f"{index} {captions[index]}" for index in samples]
        sheet = contact_sheet(
            list(samples.values()), COLUMNS, captions=texts, box_margin=TILE_MARGIN
        )
        write_image(path, sheet)
