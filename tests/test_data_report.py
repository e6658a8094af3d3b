"""The report of a data check as JSON, text and pictures."""

import json
import re

import numpy as np
import pytest

from tests.hands import make_sample
from tf_handgroups.data_report import DataReport, Finding
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.running_spread import Spread


def report(**changes):
    values = {
        "kind": "handjson",
        "path": "my [hands]",
        "options": {"split": "training"},
        "num_samples": 12_345,
        "num_broken": 2,
        "counts": {"hands": 12_000, "left": 7, "suspicious": 30},
        "visible_share": 0.875,
        "image_sizes": {f"{side}x64": side for side in range(100, 112)},
        "spreads": {
            "bones_mm": Spread(20, 1e-5, 30.123456, 31.0, 90.0),
            "reprojection_px": Spread(0),
        },
        "broken": [Finding(3, "[red]a.png: no such file", "a.png#3", "a.png"), Finding(9, "NaN")],
        "suspicious": {"bone": [Finding(index, "0.04 mm") for index in range(30)]},
        "num_suspicious": {"bone": 30},
        "random_samples": {5: make_sample(seed=5), 70: make_sample(seed=1, handedness=None)},
        "suspicious_samples": {},
    }
    return DataReport(**{**values, **changes})


def test_table_says_it_all():
    text = report().table()
    for part in (
        "handjson:my [hands]",
        "split=training",
        "12,345",
        "12,000; 0",
        "7; 0; 0",
        "87.5%",
        "100x64 (100)",
        "109x64 (109)",
        "<0.001 mm",
        "30.12 mm",
        "Suspicious (30): reference bone outside 5-150 mm; wrong unit?",
        "  [9]: 0.04 mm",
        "  and 20 more",
        "Broken: 2 of 12,345 samples",
        "  [3] a.png#3: [red]a.png: no such file",
    ):
        assert part in text, part
    assert "2 more sizes" in re.sub(r"[\s│]+", " ", text)
    assert "[10]" not in text and "reprojection error" not in text


def test_table_of_nothing():
    empty = report(
        options={}, num_samples=0, num_broken=0, counts={}, visible_share=None,
        image_sizes={}, spreads={}, broken=[], suspicious={}, num_suspicious={},
    )  # fmt: skip
    text = empty.table()
    assert "none" in text and "Measures" not in text and "Broken" not in text


def test_long_reasons_stay_on_one_line():
    reason = "x" * 300
    assert reason in report(broken=[Finding(0, reason)]).table()


def test_save_writes_everything_once(tmp_path):
    folder = tmp_path / "report"
    report(suspicious_samples={9: make_sample(seed=9)}).save(folder)
    names = ["contact_sheet.png", "report.json", "suspicious.png", "table.txt"]
    assert sorted(path.name for path in folder.iterdir()) == names
    content = json.loads((folder / "report.json").read_text())
    assert content == json.loads(json.dumps(report().as_dict()))
    assert content["broken"][1] == {"index": 9, "reason": "NaN", "sample_id": None, "file": None}
    assert len(content["suspicious"]["bone"]) == 30
    assert content["spreads"]["reprojection_px"] == {
        "count": 0, "minimum": None, "median": None, "mean": None, "maximum": None,
    }  # fmt: skip
    assert (folder / "table.txt").read_text() == report().table() + "\n"
    assert read_image(folder / "contact_sheet.png").shape == (192, 384, 3)
    assert read_image(folder / "suspicious.png").shape == (192, 192, 3)
    with pytest.raises(InputError, match="already exists"):
        report().save(folder)
    report().save(folder, overwrite=True)
    assert not (folder / "suspicious.png").exists()


def test_nothing_is_written_if_a_picture_vanished(tmp_path):
    gone = make_sample(image=np.zeros((20, 20, 3), np.uint8))
    object.__setattr__(gone, "image", tmp_path / "gone.png")
    with pytest.raises(InputError, match=r"gone\.png"):
        report(random_samples={0: gone}).save(tmp_path / "report")
    assert not list(tmp_path.iterdir())
