import json
import os

import numpy as np
import pytest

from tests.convert.test_predict import DotRunner, image_with_dot
from tf_handgroups.convert import predict_files as module
from tf_handgroups.convert.predict import Predictor, full_frame_box
from tf_handgroups.convert.predict_files import predict_files
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.joints import NUM_JOINTS


@pytest.fixture
def runner(monkeypatch):
    """Stands in for the model file; commands/test_prediction.py runs a real one."""
    runner = DotRunner()
    monkeypatch.setattr(module, "Predictor", lambda model, threads, trust: Predictor(runner))
    return runner


@pytest.fixture
def photos(tmp_path):
    """Three photographs in two folders; the dot tells them apart."""
    for number, name in enumerate(("one/a.png", "one/b.png", "two/a.png")):
        write_image(tmp_path / name, image_with_dot(40 + 10 * number, 30))
    return tmp_path


def boxes_file(folder, *hands):
    path = folder / "boxes.json"
    path.write_text(json.dumps({"hands": list(hands)}))
    return path


def result_of(out):
    return json.loads((out / "predictions.json").read_text())


def test_whole_images_without_boxes(runner, photos, tmp_path):
    out = tmp_path / "out"
    assert predict_files("hand.tflite", [photos / "one"], out) == 2
    assert sorted(os.listdir(out)) == ["a_overlay.png", "b_overlay.png", "predictions.json"]
    result = result_of(out)
    assert {key: result[key] for key in ("schema", "model_sha256")} == {
        "schema": 1,
        "model_sha256": "0" * 64,
    }
    assert [hand["image"] for hand in result["hands"]] == [
        str(photos / "one" / name) for name in ("a.png", "b.png")
    ]
    for number, hand in enumerate(result["hands"]):
        assert hand["box_px"] == full_frame_box(120, 80).tolist()
        assert (hand["handedness"], hand["presence"]) == ("right", 0.8808)
        np.testing.assert_allclose(hand["uv_px"][0], (40 + 10 * number, 30), atol=0.2)
        assert np.shape(hand["uv_px"]) == (NUM_JOINTS, 2)
        assert np.shape(hand["xyz_relative"]) == (NUM_JOINTS, 3) and hand["xyz_camera_mm"] is None


def test_overlay_shows_the_hand_over_the_image(runner, photos, tmp_path):
    predict_files("hand.tflite", [photos / "one" / "a.png"], tmp_path / "out")
    image, overlay = read_image(photos / "one/a.png"), read_image(tmp_path / "out/a_overlay.png")
    changed = np.abs(overlay.astype(int) - image).max(axis=-1) > 20
    rows, columns = np.nonzero(changed)
    # The joints lie in a row that starts at the dot.
    assert overlay.shape == image.shape and changed.sum() > 30
    assert abs(np.median(rows) - 30) < 3 and columns.min() > 30


def test_boxes_by_path_with_several_hands(runner, photos, tmp_path):
    boxes = boxes_file(
        photos,
        {"file": "one/a.png", "box_px": [20, 10, 40, 40], "handedness": "left"},
        {"file": "two/a.png", "box_px": [40, 10, 40, 40], "handedness": "right"},
        {"file": "one/a.png", "box_px": [25, 15, 30, 30]},
    )
    inputs = [photos / "two" / "a.png", photos / "one" / "a.png"]
    assert predict_files("m", inputs, tmp_path / "out", boxes=boxes) == 3
    hands = result_of(tmp_path / "out")["hands"]
    assert [hand["box_px"] for hand in hands] == [
        [40, 10, 40, 40],
        [20, 10, 40, 40],
        [25, 15, 30, 30],
    ]
    assert [hand["handedness"] for hand in hands] == ["right", "left", "right"]
    # Two images of one name: their overlays stay apart.
    overlays = sorted(name for name in os.listdir(tmp_path / "out") if name.endswith(".png"))
    assert overlays == ["a_0_overlay.png", "a_1_overlay.png"]


def test_boxes_by_file_name(runner, photos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    boxes = boxes_file(tmp_path / "elsewhere", {"file": "b.png", "box_px": [30, 10, 40, 40]})
    assert predict_files("m", [photos / "one/b.png"], tmp_path / "out", boxes=boxes) == 1
    assert result_of(tmp_path / "out")["hands"][0]["box_px"] == [30, 10, 40, 40]


def test_network_of_the_paper_tells_neither_presence_nor_side(paper_converted, photos, tmp_path):
    boxes = boxes_file(
        photos,
        {"file": "one/a.png", "box_px": [20, 10, 40, 40]},
        {"file": "one/a.png", "box_px": [20, 10, 40, 40], "handedness": "right"},
        {"file": "one/a.png", "box_px": [20, 10, 40, 40], "handedness": "left"},
    )
    model = paper_converted / "paper_float32.tflite"
    assert predict_files(model, [photos / "one/a.png"], tmp_path / "out", boxes=boxes) == 3
    unknown, right, left = result_of(tmp_path / "out")["hands"]
    assert [hand["handedness"] for hand in (unknown, right, left)] == [None, "right", "left"]
    assert [hand["presence"] for hand in (unknown, right, left)] == [None] * 3
    # What is not known is taken for a right hand.
    assert unknown["uv_px"] == right["uv_px"]
    # The left one is that of the mirrored photograph.
    write_image(tmp_path / "flipped" / "a.png", read_image(photos / "one/a.png")[:, ::-1])
    boxes = boxes_file(
        tmp_path / "flipped", {"file": "a.png", "box_px": [59, 10, 40, 40], "handedness": "right"}
    )
    predict_files(model, [tmp_path / "flipped"], tmp_path / "out2", boxes=boxes)
    (flipped,) = result_of(tmp_path / "out2")["hands"]
    uv_px = np.array(flipped["uv_px"])
    uv_px[:, 0] = 119 - uv_px[:, 0]
    np.testing.assert_allclose(left["uv_px"], uv_px, atol=0.02)
    assert np.abs(np.array(left["uv_px"]) - right["uv_px"]).max() > 1  # it does matter


def test_progress_goes_through_every_image(runner, photos, tmp_path):
    seen = []

    def track(items):
        for item in items:
            seen.append(item.name)
            yield item

    predict_files("m", [photos / "one"], tmp_path / "out", track=track)
    assert seen == ["a.png", "b.png"]


def test_same_input_same_file(runner, photos, tmp_path):
    for name in ("x", "y"):
        predict_files("m", [photos / "one"], tmp_path / name)
    for file in os.listdir(tmp_path / "x"):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()


def test_existing_results_need_permission(runner, photos, tmp_path):
    out = tmp_path / "out"
    predict_files("m", [photos / "one"], out)
    with pytest.raises(InputError, match="Received: overwrite=False"):
        predict_files("m", [photos / "two"], out)
    assert len(result_of(out)["hands"]) == 2
    predict_files("m", [photos / "two"], out, overwrite=True)
    assert len(result_of(out)["hands"]) == 1 and "b_overlay.png" not in os.listdir(out)


@pytest.mark.parametrize("content", [b"", b"This is a text.", "truncated"])
def test_one_bad_image_leaves_nothing(runner, photos, tmp_path, content):
    good = (photos / "one/a.png").read_bytes()
    content = good[: len(good) // 2] if content == "truncated" else content
    (photos / "one" / "z.png").write_bytes(content)
    with pytest.raises(InputError, match=r"z\.png: expected .*Received: "):
        predict_files("m", [photos / "one"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_box_outside_names_the_image_and_keeps_old_results(runner, photos, tmp_path):
    out = tmp_path / "out"
    predict_files("m", [photos / "one"], out)
    boxes = boxes_file(photos, {"file": "one/a.png", "box_px": [500, 10, 40, 40]})
    with pytest.raises(InputError, match=r"a\.png: .*120x80 pixels\. Received: box_px="):
        predict_files("m", [photos / "one/a.png"], out, boxes=boxes, overwrite=True)
    assert len(result_of(out)["hands"]) == 2


def test_every_image_needs_a_box(runner, photos, tmp_path):
    boxes = boxes_file(photos, {"file": "one/a.png", "box_px": [20, 10, 40, 40]})
    with pytest.raises(
        InputError, match=r"expected a box for every image\. Received: none for .*b"
    ):
        predict_files("m", [photos / "one"], tmp_path / "out", boxes=boxes)
    assert not runner.calls and not (tmp_path / "out").exists()


def test_ambiguous_names_are_refused(runner, photos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    boxes = boxes_file(
        tmp_path / "elsewhere",
        {"file": "x/a.png", "box_px": [20, 10, 40, 40]},
        {"file": "y/a.png", "box_px": [20, 10, 40, 40]},
    )
    with pytest.raises(InputError, match=r"several entries are called 'a\.png'\. Received: "):
        predict_files("m", [photos / "one/a.png"], tmp_path / "out", boxes=boxes)


def test_nothing_is_read_before_the_inputs_are_known(photos, tmp_path):
    with pytest.raises(InputError, match="Received: no such path"):
        predict_files("absent.tflite", [photos / "none.png"], tmp_path / "out")
    with pytest.raises(InputError, match=r"absent\.tflite: .*Received: no such file"):
        predict_files("absent.tflite", [photos / "one"], tmp_path / "out")
