"""The page shows the numbers that were measured, and says what is not known."""

import dataclasses
import re

import numpy as np
import pytest

from benchmarks.error_breakdown_groups import row_of
from benchmarks.error_breakdown_page import Asked, page
from benchmarks.error_breakdown_tones import InTones
from benchmarks.markdown_table import markdown_table
from tests.breakdown_case import made_up, some_scenes

ASKED = Asked("python -m x --model y", "y", "ab12", 0.5)
TONES = InTones((0.1, 0.9), np.array([[0.1, 0.2], [0.2, 0.4]]), np.array([[0.9, 0.4], [0.7, 0.6]]))


@pytest.fixture(scope="module")
def looked():
    return made_up(some_scenes(60))


@pytest.fixture(scope="module")
def text(looked):
    return page(ASKED, looked, TONES)


def section(text, title):
    (found,) = re.findall(rf"## {title}\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    return found


def rows_of(part):
    """`{name: cells}` of the tables of a part, without their heads."""
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in lines if len(cells) > 1}


def test_head_says_what_was_measured(text):
    assert text.startswith("# Errors of y by kind of hand\n")
    assert "Made by `python -m x --model y`. The SHA-256 of the model is `ab12`." in text
    assert "60 renders" in text and "60 with a hand, 0 without" in text
    assert "SHA-256" not in page(dataclasses.replace(ASKED, sha256=None), *_few())


def _few():
    return made_up(some_scenes(4)), TONES


def test_table_of_a_kind_shows_its_row(text, looked):
    left = np.array([side == "left" for side in looked.facts.sides])
    row = row_of(looked, left)
    cells = rows_of(section(text, "By side"))["left"]
    assert cells == [
        str(left.sum()),
        f"{row.error_box.mean:.4f} ± {row.error_box.half_width:.4f}",
        f"{row.pck:.3f}",
        f"{row.pa_mm:.1f}",
    ]
    total = rows_of(text.split("## By")[0])["all hands"]
    assert total[0] == "60" and total[1].startswith("0.2950 ± ") and total[3] == "29.5"


def test_families_are_all_there_the_worst_first(text):
    rows = rows_of(section(text, "By pose family"))
    rows.pop("pose family")
    assert len(rows) == 22
    means = [-1.0 if cells[1] == "-" else float(cells[1].split()[0]) for cells in rows.values()]
    assert means == sorted(means, reverse=True) and means[-1] == -1
    assert rows["hook"] == ["0", "-", "-", "-"] or int(rows["hook"][0]) > 0


def test_few_hands_have_no_interval():
    few = made_up(some_scenes(1))
    text = page(ASKED, few, TONES)
    (cells,) = [cells for cells in rows_of(section(text, "By side")).values() if cells[0] == "1"]
    assert cells[1] == "0.0000"


def test_tones_show_differences_and_missed_hands(text):
    part = section(text, "The same hands in five skin tones")
    rows = rows_of(part)
    light, dark = rows["0.1 (ITA 51°)"], rows["0.9 (ITA -55°)"]
    assert light[0].startswith("0.1500 ± ") and light[1] == light[3] == "-"
    assert dark[1].startswith("+0.1500 ± ") and dark[3].startswith("-0.300 ± ")
    assert light[4].startswith("0 of 2: 0.0 %") and dark[4].startswith("1 of 2: 50.0 %")
    assert "presence below 0.5" in part and part.strip().startswith("2 scenes")


def test_presence_counts_hands_below_and_pictures_above(looked):
    # All presences lie between 0.41 and 1.
    text = page(dataclasses.replace(ASKED, threshold=0.705), looked, TONES)
    part = section(text, "Hand or no hand")
    rows = rows_of(part)
    assert rows["all hands"][0].startswith("30 of 60: 50.0 % (")
    assert "Pictures without a hand at or above the threshold: 0 of 4: 0.0 %" in part
    others = ("hands", "all hands", "tone ")
    families = {name: cells for name, cells in rows.items() if not name.startswith(others)}
    shares = [float(cells[0].split(": ")[1].split(" ")[0]) for cells in families.values()]
    assert len(shares) == 5 and shares == sorted(shares, reverse=True)
    assert "2 of 4: 50.0 %" in section(page(ASKED, looked, TONES), "Hand or no hand")


def test_sides_by_tone_and_view(text, looked):
    rows = rows_of(section(text, "Left or right"))
    assert rows["all hands"] == ["30 of 60: 50.0 % (37.7 to 62.3)"]
    palms = np.array([view == "palm" for view in looked.facts.views])
    part = int(looked.sides_found[palms].sum())
    assert rows["view palm"][0].startswith(f"{part} of {palms.sum()}: ")
    assert sum(name.startswith("tone ") for name in rows) == 5


def test_network_that_cannot_tell_is_said_to_be_so(looked):
    unknown = np.full(60, np.nan)
    silent = dataclasses.replace(looked, presences=unknown, sides_found=unknown)
    tones = dataclasses.replace(TONES, presences=TONES.presences * np.nan)
    text = page(dataclasses.replace(ASKED, threshold=None), silent, tones)
    assert "cannot tell whether there is a hand" in section(text, "Hand or no hand")
    assert "cannot tell left hands from right" in section(text, "Left or right")
    assert rows_of(section(text, "The same hands in five skin tones"))["0.1 (ITA 51°)"][2] == "-"
    assert "nan" not in text


def test_without_pictures_without_a_hand_nothing_is_said_of_them(looked):
    text = page(ASKED, dataclasses.replace(looked, presences_without_hand=np.zeros(0)), TONES)
    assert "Pictures without a hand" not in section(text, "Hand or no hand")


def test_table():
    assert markdown_table(["a", "b", "c"], [["x", "1", "2"]]).splitlines() == [
        "| a | b | c |",
        "|---|---:|---:|",
        "| x | 1 | 2 |",
    ]
