import json
import os
import re

import numpy as np

from tests.datasets.write_coco import RHD_ROWS, rendered_hands, write_coco
from tf_handgroups.cli import main
from tf_handgroups.datasets.registry import open_dataset


def test_synth_renders_and_draws_a_contact_sheet(capsys, tmp_path):
    out, preview = tmp_path / "renders", tmp_path / "sheet.png"
    arguments = ["synth", "--count", "2", "--out", out, "--image-size", "64", "--workers", "1"]
    arguments += ["--preview", preview]
    assert main([os.fspath(argument) for argument in arguments]) == 0
    assert "2 images in" in re.sub(r"\s+", " ", capsys.readouterr().out)
    assert preview.is_file() and os.listdir(out)


def test_synth_refuses_no_images(fails):
    assert "Received: count=0" in fails("synth", "--count", "0")


def test_convert_coco_gives_a_handjson_folder(capsys, tmp_path):
    hands = rendered_hands(2)
    content = write_coco(tmp_path, hands, RHD_ROWS)
    content["annotations"].append({"image_id": 100, "keypoints": [0, 0, 0] * 21})
    del content["annotations"][0]["hand_type"]
    (tmp_path / "test.json").write_text(json.dumps(content))
    out = tmp_path / "converted"
    arguments = ["convert-coco", tmp_path / "test.json", "--images", tmp_path / "img"]
    arguments += ["--joint-order", "rhd", "--handedness", "left", "--out", out]
    assert main([os.fspath(argument) for argument in arguments]) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "2 hands in 2 images; left out 1 without a labelled joint" in text
    dataset = open_dataset(text.split("--data ")[1].strip())
    assert [sample.handedness for sample in dataset] == ["left", hands[1].handedness]
    for sample, hand in zip(dataset, hands, strict=True):
        np.testing.assert_allclose(sample.xyz_camera_mm, hand.xyz_camera_mm, atol=2e-3)
    assert main([os.fspath(argument) for argument in arguments]) == 2
    assert main([os.fspath(argument) for argument in [*arguments, "--overwrite"]]) == 0


def test_convert_coco_refuses(fails, tmp_path):
    write_coco(tmp_path, rendered_hands(1))
    arguments = ("convert-coco", tmp_path / "test.json", "--images")
    message = fails(*arguments, tmp_path)
    assert re.search(r"test\.json: images\[0\]: .*file_name: expected an image file", message)
    assert "Received: joint_order='x'" in fails(*arguments, tmp_path / "img", "--joint-order", "x")


def test_synth_writes_a_data_card_and_keeps_settings(capsys, tmp_path):
    out = tmp_path / "renders"
    arguments = ["synth", "--count", "2", "--out", out, "--image-size", "32", "--workers", "1"]
    assert main([*map(os.fspath, arguments), "--set", "sleeve=1", "--set", "ring=0"]) == 0
    settings = json.loads((out / "dataset.json").read_text())["settings"]
    assert (settings["sleeve"], settings["ring"]) == (1.0, 0.0)
    card = (out / "data_card.md").read_text()
    assert "sleeve=1, " in card and (out / "data_card.png").is_file()
    # The same command again finds everything done; other settings are another set.
    assert main([*map(os.fspath, arguments), "--set", "sleeve=1", "--set", "ring=0"]) == 0
    capsys.readouterr()
    assert main([*map(os.fspath, arguments), "--set", "sleeve=0"]) == 2
    assert "settings was" in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_synth_refuses_unknown_settings(fails):
    assert "Received: 'hat=1'" in fails("synth", "--count", "1", "--set", "hat=1")
