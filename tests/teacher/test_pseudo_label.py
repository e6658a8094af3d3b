import csv
import json
import os

import numpy as np
import pytest

from tests.hands import encode_png
from tests.teacher.fake_teacher import FakeTeacher, map_picture, right_hand
from tests.teacher.test_pictures import write_tar
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.teacher import pseudo_label as module
from tf_handgroups.teacher.geometry_checks import LabelLimits
from tf_handgroups.teacher.pseudo_label import pseudo_label


class ByBlue(FakeTeacher):
    """Sees a hand only in pictures with full blue; in others it finds nothing."""

    def palms(self, crop):
        if crop[..., 2].max() < 0.9:
            return np.zeros((2016, 18)), np.full(2016, -20.0)
        return super().palms(crop)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write_image(folder / "a.png", map_picture())
    write_image(folder / "b.png", np.zeros((160, 200, 3), np.uint8))
    write_image(folder / "sub" / "c.png", map_picture())
    (folder / "d.png").write_bytes(b"no picture")
    return folder


def rejected(out):
    with (out / "rejected.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_writes_hands_reasons_and_provenance(photos, tmp_path):
    teacher, out, seen = ByBlue(right_hand()), tmp_path / "out", []
    report = pseudo_label(
        photos, out, teacher, "MIT", on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (report.num_pictures, report.num_kept) == (4, 2)
    assert report.rejected == {"no_hand": 1, "unreadable": 1}
    hands = list(HandJsonDataset(out))
    assert len(hands) == 2
    for hand in hands:
        np.testing.assert_allclose(hand.uv_px, teacher.uv, atol=0.2)
        assert hand.handedness == "right" and hand.visible.all() and hand.xyz_camera_mm is None
        np.testing.assert_array_equal(read_image(hand.image), map_picture())
    entries = json.loads((out / "annotations.json").read_text())["hands"]
    assert [entry["source"] for entry in entries] == ["a.png#0", "sub/c.png#0"]
    assert [row[0] for row in rejected(out)] == ["b.png", "d.png"]
    assert rejected(out)[1][1].startswith("unreadable ")
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["source_licence"] == "MIT" and provenance["source"] == "photos"
    assert provenance["limits"]["max_spread"] == LabelLimits().max_spread
    assert len(provenance["teacher"]["sha256"]) == 2
    assert (provenance["num_kept"], provenance["rejected"]) == (2, report.rejected)
    assert report.sheet.shape == (192, 2 * 192, 3)


def test_the_same_from_an_archive_and_again(photos, tmp_path):
    tar = write_tar(
        tmp_path / "p.tar", *((f"./{name}", data) for name, data in contents(photos).items())
    )
    for out, source in (("folder", photos), ("tar", tar), ("again", tar)):
        pseudo_label(source, tmp_path / out, ByBlue(right_hand(), noise_px=0.5), "MIT")
    assert contents(tmp_path / "tar") == contents(tmp_path / "again")
    first, second = (HandJsonDataset(tmp_path / name) for name in ("folder", "tar"))
    assert len(first) == len(second) == 2


def test_rejected_hands_are_listed_and_drawn(photos, tmp_path):
    limits = LabelLimits(min_presence=0.99)
    report = pseudo_label(photos, tmp_path / "out", ByBlue(right_hand()), "MIT", limits)
    assert report.num_kept == 0 and report.rejected["presence"] == 2
    assert rejected(tmp_path / "out")[0] == ["a.png#0", "presence 0.97, limit 0.99"]
    assert report.sheet.shape == (192, 2 * 192, 3)


def test_an_unsure_joint_has_no_label(photos, tmp_path):
    class OneUnsure(ByBlue):
        def landmarks(self, crop):
            seen = super().landmarks(crop)
            seen.uv_px[8] += self._generator.normal(0, 15, 2)
            return seen

    pseudo_label(photos, tmp_path / "out", OneUnsure(right_hand()), "MIT")
    (hand, _) = HandJsonDataset(tmp_path / "out")
    assert np.flatnonzero(~hand.visible).tolist() == [8] and np.isnan(hand.uv_px[8]).all()


def test_sheet_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHEET_KEPT", 3)
    picture = encode_png(map_picture())
    tar = write_tar(tmp_path / "p.tar", *((f"{i}.png", picture) for i in range(5)))
    report = pseudo_label(tar, tmp_path / "out", FakeTeacher(right_hand()), "MIT")
    assert report.num_kept == 5 and report.sheet.shape == (192, 3 * 192, 3)


@pytest.mark.parametrize("licence", ["", "  "])
def test_a_licence_is_needed(photos, tmp_path, licence):
    with pytest.raises(InputError, match="Received: licence="):
        pseudo_label(photos, tmp_path / "out", ByBlue(right_hand()), licence)


def test_replaces_nothing_and_leaves_nothing_behind(photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        pseudo_label(photos, out, ByBlue(right_hand()), "MIT")
    assert os.listdir(out) == ["mine.txt"]
    pseudo_label(photos, out, ByBlue(right_hand()), "MIT", overwrite=True)
    assert "mine.txt" not in os.listdir(out)

    def interrupt(done, total):
        raise KeyboardInterrupt

    before = contents(out)
    with pytest.raises(KeyboardInterrupt):
        pseudo_label(
            photos, out, ByBlue(right_hand()), "CC0", overwrite=True, on_progress=interrupt
        )
    assert contents(out) == before and sorted(os.listdir(tmp_path)) == ["out", "photos"]
