import json
import os
import signal

import numpy as np
import pytest

from tests.convert.test_video import FakeCapture
from tests.moving_hand import DotsRunner, empty_frame, frame_with_hand
from tf_handgroups.convert.detector import FullFrame
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.predict_video import VideoSummary, predict_video
from tf_handgroups.convert.track import HandTracker
from tf_handgroups.convert.video import FrameSource, open_video, writing_video
from tf_handgroups.errors import InputError

COUNT = 10
# Where no hand is to be seen.
EMPTY = (4, 5)


def dots(number):
    return np.array([40.0 + 2 * number, 40.0]), np.array([80.0 + 2 * number, 60.0])


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    with writing_video(path, 160, 120, 25.0) as write:
        for number in range(COUNT):
            write(empty_frame() if number in EMPTY else frame_with_hand(*dots(number)))
    return path


def run(clip, out, outputs=None, **options):
    runner = DotsRunner() if outputs is None else DotsRunner(outputs)
    with open_video(clip) as source:
        return predict_video(HandTracker(Predictor(runner), FullFrame()), source, out, **options)


def result_of(out):
    return json.loads((out / "predictions.json").read_text())


def test_one_entry_and_one_picture_per_frame(clip, tmp_path):
    out = tmp_path / "out"
    seen = []
    summary = run(
        clip,
        out,
        model_sha256="1" * 64,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert sorted(os.listdir(out)) == ["overlay.mp4", "predictions.json"]
    assert (summary.num_frames, summary.num_hands, summary.num_tracks) == (COUNT, COUNT - 2, 2)
    assert summary.seconds > 0 and summary.frames_per_s == COUNT / summary.seconds
    assert summary.knows_presence and not summary.interrupted
    assert seen == [(number + 1, COUNT) for number in range(COUNT)]
    result = result_of(out)
    assert result["model_sha256"] == "1" * 64 and result["interrupted"] is False
    for number, frame in enumerate(result["frames"]):
        assert (frame["hand"] is None) == (number in EMPTY)
        if frame["hand"]:
            # Behind by a few frames' motion at most, and with the codec's losses.
            assert np.abs(np.array(frame["hand"]["uv_px"][0]) - dots(number)[0]).max() < 8
    with open_video(out / "overlay.mp4") as overlay, open_video(clip) as source:
        pairs = list(zip(overlay, source, strict=True))
        assert overlay.rate_hz == 25.0 and len(pairs) == COUNT
    for drawn, original in pairs:
        changed = np.abs(drawn.image.astype(int) - original.image).max(axis=-1) > 60
        assert changed.any() == (drawn.number not in EMPTY)


def test_interrupt_keeps_what_was_done(clip, tmp_path):
    said = []

    def stop_at_three(done, total):
        if done == 3:
            signal.raise_signal(signal.SIGINT)

    summary = run(clip, tmp_path / "out", progress=stop_at_three, say=said.append)
    assert summary.interrupted and summary.num_frames == 3
    assert said == ["Stopping after this frame; once more Ctrl-C keeps nothing."]
    result = result_of(tmp_path / "out")
    assert result["interrupted"] is True and len(result["frames"]) == 3
    with open_video(tmp_path / "out" / "overlay.mp4") as overlay:
        assert len(list(overlay)) == 3


def test_second_interrupt_keeps_nothing(clip, tmp_path):
    def stop_twice(done, total):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(clip, tmp_path / "out", progress=stop_twice, say=lambda line: None)
    assert os.listdir(tmp_path) == ["clip.mp4"]


def test_window_sees_the_overlay_and_may_stop(clip, tmp_path):
    pictures = []

    def window(picture):
        pictures.append(picture)
        return len(pictures) == 2

    summary = run(clip, tmp_path / "out", window=window)
    assert summary.interrupted and summary.num_frames == 2
    with open_video(clip) as source:
        first = next(iter(source)).image
    assert (pictures[0] != first).any() and pictures[0].shape == first.shape


def test_error_in_the_middle_leaves_nothing(clip, tmp_path):
    class Broken(DotsRunner):
        def __call__(self, crops):
            if self.num_crops > 4:
                raise RuntimeError("broken")
            return super().__call__(crops)

    with open_video(clip) as source, pytest.raises(RuntimeError, match="broken"):
        predict_video(HandTracker(Predictor(Broken())), source, tmp_path / "out")
    assert os.listdir(tmp_path) == ["clip.mp4"]


def test_existing_results_need_permission(clip, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious.txt").write_text("old")
    with pytest.raises(InputError, match="Received: overwrite=False"):
        run(clip, out)
    assert os.listdir(out) == ["precious.txt"]
    run(clip, out, overwrite=True)
    assert sorted(os.listdir(out)) == ["overlay.mp4", "predictions.json"]


def test_network_that_knows_neither_presence_nor_side(clip, tmp_path):
    summary = run(clip, tmp_path / "out", outputs=("uv_px", "z_rel"))
    assert not summary.knows_presence
    assert (summary.num_hands, summary.num_tracks) == (COUNT, 1)
    hand = result_of(tmp_path / "out")["frames"][0]["hand"]
    assert hand["presence"] is None and hand["handedness"] is None


def test_camera_has_no_end_to_tell(tmp_path):
    ticks = iter(np.arange(20) / 20)
    source = FrameSource(FakeCapture([0] * 5, rate_hz=20.0), "camera 0", lambda: next(ticks))
    seen = []
    summary = predict_video(
        HandTracker(Predictor(DotsRunner())),
        source,
        tmp_path / "out",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (5, None) and summary.num_frames == 5
    times = [frame["time_s"] for frame in result_of(tmp_path / "out")["frames"]]
    np.testing.assert_allclose(times, np.arange(5) / 20, atol=1e-6)


def test_speed_counts_all_the_time():
    assert VideoSummary(num_frames=90, seconds=4.5).frames_per_s == 20
