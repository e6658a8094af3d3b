"""Single pictures and whole sequences: the Kotlin library does what Python does, call by call."""

import json
import math
import pathlib

import numpy as np
import pytest

from tests.kotlin.recording import RecordingRunner, write_recording
from tests.kotlin.test_refusals import copied, with_contract
from tf_handgroups.camera import recover_weak_perspective
from tf_handgroups.convert.golden_file import read_arrays
from tf_handgroups.convert.one_euro import OneEuroFilter
from tf_handgroups.convert.predict import HandPrediction, Predictor, full_frame_box
from tf_handgroups.datasets.sample import box_around

BUNDLE = pathlib.Path(__file__).parents[2] / "android_assets"
FRAME_SHAPE = (150, 170, 3)


@pytest.fixture(scope="module")
def hand_picture() -> np.ndarray:
    """A crop of a hand, bytes: the golden one in which the model sees a hand most surely."""
    bundle = json.loads((BUNDLE / "bundle.json").read_text())
    golden = read_arrays(BUNDLE, bundle["variants"][bundle["default"]]["golden"])
    return golden["image"][int(np.argmax(golden["presence"]))]


def frame_with(picture: np.ndarray | None, left: int, top: int) -> np.ndarray:
    """A noisy frame, with a picture in it whose parts beyond the border are cut off."""
    frame = np.random.default_rng(left + top).integers(90, 130, FRAME_SHAPE).astype(np.uint8)
    if picture is not None:
        for row in range(max(0, -top), min(picture.shape[0], frame.shape[0] - top)):
            columns = slice(max(0, -left), min(picture.shape[1], frame.shape[1] - left))
            frame[top + row, max(0, left) : max(0, left) + columns.stop - columns.start] = picture[
                row, columns
            ]
    return frame


def tracked(runner, frames, times, side=None):
    """The rule of the contract, written down again: what is expected of a tracker."""
    predictor = Predictor(runner)
    threshold = runner.contract.tracking.presence_threshold
    smooth = OneEuroFilter(runner.contract.tracking.filter)
    last: HandPrediction | None = None
    results = []
    for frame, time in zip(frames, times, strict=True):
        box = full_frame_box(frame.shape[1], frame.shape[0])
        known = side
        if last is not None:
            box, known = box_around(last.uv_px), last.handedness
        # No hand leaves the picture in the sequences that are shown here.
        [hand] = predictor.predict(frame, [box], [known])
        last = hand if hand.presence >= threshold else None
        if last is None:
            smooth.reset()
            results.append(None)
            continue
        uv_px, z_rel = smooth(time, hand.uv_px, hand.z_rel)
        results.append((hand, uv_px, z_rel, recover_weak_perspective(uv_px, z_rel)))
    return results


def same(found, expected, atol):
    np.testing.assert_allclose(np.ravel(found), np.ravel(expected), rtol=0, atol=atol)


@pytest.mark.parametrize("side", [None, "left", "right"])
def test_single_picture(ask, hand_picture, tmp_path, side):
    frame = frame_with(hand_picture, 30, 12)
    box = (62.0, 40.5, 70.0, 64.0)
    runner = RecordingRunner(BUNDLE)
    [expected] = Predictor(runner).predict(frame, [box], [side])
    write_recording(tmp_path / "recording", runner.calls, [frame])
    request = {"do": "estimate", "folder": str(BUNDLE), "box_px": list(box)}
    request |= {"recording": str(tmp_path / "recording")} | ({"side": side} if side else {})
    [answer] = ask([request])
    result = answer["result"]
    assert result["calls"] == len(runner.calls) == (1 if side else 2)
    assert result["crop"] < 1e-4
    hand = result["hand"]
    assert hand["side"] == expected.handedness
    assert hand["presence"] == pytest.approx(expected.presence, abs=1e-6)
    same(hand["box_px"], box, 0)
    same(hand["uv_px"], expected.uv_px, 1e-3)
    same(hand["z_rel"], expected.z_rel, 1e-4)
    same(hand["xyz_relative"], expected.xyz_relative, 1e-4)


@pytest.mark.parametrize("side", [None, "left"])
def test_hand_that_moves_vanishes_and_returns(ask, hand_picture, tmp_path, side):
    flipped = np.ascontiguousarray(hand_picture[:, ::-1])
    frames = [frame_with(hand_picture, 21 + 4 * step, 11 - 3 * step) for step in range(6)]
    frames += [frame_with(None, step, 0) for step in range(3)]
    frames += [frame_with(flipped, 25 - 3 * step, 11 + 2 * step) for step in range(6)]
    times = (1000.0 + np.cumsum(np.random.default_rng(2).uniform(0.02, 0.05, 15))).tolist()
    runner = RecordingRunner(BUNDLE)
    expected = tracked(runner, frames, times, side)
    if side is None:
        seen = [None if found is None else found[0].handedness for found in expected]
        assert None not in seen[:6] and set(seen[6:9]) == {None} and None not in seen[9:]
        assert len(set(seen[:6])) == 1 and set(seen[9:]) == {"left", "right"} - set(seen[:6])
        # Two looks where a track may begin, one where it goes on and where it ends.
        assert len(runner.calls) == (2 + 5) + (1 + 2 + 2) + (2 + 5)
    write_recording(tmp_path / "recording", runner.calls, frames)
    request = {"do": "track", "folder": str(BUNDLE), "recording": str(tmp_path / "recording")}
    [answer] = ask([request | {"times": times} | ({"side": side} if side else {})])
    result = answer["result"]
    assert result["calls"] == len(runner.calls)
    assert result["crop"] < 1e-4
    for found, wanted in zip(result["hands"], expected, strict=True):
        if wanted is None:
            assert found == {"hand": None, "unsmoothed": None}
            continue
        hand, uv_px, z_rel, xyz_relative = wanted
        assert found["hand"]["side"] == hand.handedness
        assert found["hand"]["presence"] == pytest.approx(hand.presence, abs=1e-6)
        same(found["hand"]["box_px"], hand.box_px, 1e-3)
        same(found["hand"]["uv_px"], uv_px, 1e-3)
        same(found["hand"]["z_rel"], z_rel, 1e-4)
        same(found["hand"]["xyz_relative"], xyz_relative, 1e-4)
        same(found["unsmoothed"]["uv_px"], hand.uv_px, 1e-3)


def given(runner: RecordingRunner, **changes) -> dict[str, np.ndarray]:
    """Outputs of a network that is sure of a right hand, but for the changes."""
    grid = np.stack([np.arange(21) % 5, np.arange(21) // 5], -1) * 12.0 + 30
    outputs = {
        "uv_px": grid,
        "z_rel": np.zeros(21),
        "presence": np.array([3.0]),
        "handedness": np.array([1.0]),
    }
    return {name: np.float32(changes.get(name, value)) for name, value in outputs.items()}


def test_track_ends_where_its_box_leaves_the_picture(ask, tmp_path):
    runner = RecordingRunner(BUNDLE)
    size = runner.input_size
    crop = np.zeros((size, size, 3), np.float32)
    beyond = given(runner, uv_px=np.full((21, 2), -4.0 * size))
    # Found with two looks, its joints are beyond the border; then found again.
    sure = given(runner)
    unsure = given(runner, handedness=np.array([0.0]))
    calls = [(crop, beyond), (crop, unsure), (crop, sure), (crop, unsure)]
    frames = [np.zeros(FRAME_SHAPE, np.uint8)] * 3
    write_recording(tmp_path / "recording", calls, frames)
    request = {"do": "track", "folder": str(BUNDLE), "recording": str(tmp_path / "recording")}
    [answer] = ask([request | {"times": [0.0, 0.1, 0.2]}])
    result = answer["result"]
    assert [found["hand"] is None for found in result["hands"]] == [False, True, False]
    assert result["calls"] == 4


def test_presence_at_the_threshold_is_enough(ask, tmp_path):
    runner = RecordingRunner(BUNDLE)
    threshold = runner.contract.tracking.presence_threshold
    logit = math.log(threshold / (1 - threshold))
    crop = np.zeros((runner.input_size,) * 2 + (3,), np.float32)
    calls = [
        (crop, given(runner, presence=np.array([value]))) for value in (logit, logit, logit - 0.01)
    ]
    write_recording(tmp_path / "recording", calls, [np.zeros(FRAME_SHAPE, np.uint8)] * 3)
    request = {"do": "track", "folder": str(BUNDLE), "recording": str(tmp_path / "recording")}
    [answer] = ask([request | {"times": [0.0, 0.1, 0.2], "side": "right"}])
    assert [found["hand"] is None for found in answer["result"]["hands"]] == [False, False, True]


def test_time_that_stands_still_is_refused(ask, tmp_path):
    runner = RecordingRunner(BUNDLE)
    crop = np.zeros((runner.input_size,) * 2 + (3,), np.float32)
    calls = [(crop, given(runner))] * 3
    write_recording(tmp_path / "recording", calls, [np.zeros(FRAME_SHAPE, np.uint8)] * 3)
    request = {"do": "track", "folder": str(BUNDLE), "recording": str(tmp_path / "recording")}
    [answer] = ask([request | {"times": [0.5, 0.5], "side": "right"}])
    assert answer["type"] == "InputException"
    assert "expected a time later than that of the frame before, 0.5 s" in answer["error"]


def test_bundle_of_an_earlier_version_cannot_be_tracked(ask, tmp_path):
    old = copied(tmp_path / "old")
    with_contract(old, lambda contract: contract.pop("tracking"))
    runner = RecordingRunner(BUNDLE)
    crop = np.zeros((runner.input_size,) * 2 + (3,), np.float32)
    frames = [np.zeros(FRAME_SHAPE, np.uint8)]
    write_recording(tmp_path / "recording", [(crop, given(runner))], frames)
    common = {"folder": str(old), "recording": str(tmp_path / "recording"), "side": "right"}
    refused, taken = ask(
        [
            {"do": "track", "times": [0.0], **common},
            {"do": "estimate", "box_px": [10, 10, 50, 50], **common},
        ]
    )
    assert "expected a contract with a section tracking" in refused["error"]
    assert "convert and bundle the model again to follow hands" in refused["error"]
    assert taken["result"]["hand"]["side"] == "right"
