import io
import json
import types

import numpy as np
import pytest

from tests.moving_hand import DotsRunner, frame_with_hand
from tf_handgroups.convert.detector import CentreBox
from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.track import HandTracker
from tf_handgroups.convert.track_file import TrackFile
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.convert.video import Frame

SOURCE = types.SimpleNamespace(name='my "hand".mp4', width=160, height=120, rate_hz=29.97)


def test_file_is_json_with_a_line_a_frame():
    rule = TrackingRule(0.3, OneEuroSettings(2.0, 4.0, 1.5))
    tracker = HandTracker(Predictor(DotsRunner()), CentreBox(0.6), rule)
    text = io.StringIO()
    file = TrackFile(text, SOURCE, tracker, "ab" * 32)
    image = frame_with_hand((60, 50), (100, 65))
    pictures = (np.zeros_like(image), image, image, np.zeros_like(image), image)
    hands = []
    for number, picture in enumerate(pictures):
        frame = Frame(number, number / 29.97, picture)
        hands.append(tracker.update(frame.image, frame.time_s))
        file.add(frame, hands[-1])
    file.end(interrupted=True)
    result = json.loads(text.getvalue())
    assert list(result) == [
        "schema",
        "model_sha256",
        "source",
        "width",
        "height",
        "rate_hz",
        "tracking",
        "landmarks",
        "frames",
        "interrupted",
    ]
    assert result["schema"] == "tf_handgroups.track/1" and result["model_sha256"] == "ab" * 32
    assert (result["source"], result["width"], result["height"]) == ('my "hand".mp4', 160, 120)
    assert result["rate_hz"] == 29.97 and result["interrupted"] is True
    assert result["tracking"] == rule.to_json()
    assert result["landmarks"].startswith("smoothed")
    frames = result["frames"]
    assert [frame["frame"] for frame in frames] == list(range(5))
    np.testing.assert_allclose([f["time_s"] for f in frames], np.arange(5) / 29.97, atol=1e-6)
    assert [frame["track"] for frame in frames] == [None, 0, 0, None, 1]
    for frame, hand in zip(frames, hands, strict=True):
        assert frame["hand"] == (None if hand is None else hand.to_json())
    assert sum(line.startswith('  {"frame": ') for line in text.getvalue().splitlines()) == 5


@pytest.mark.parametrize("interrupted", [True, False])
def test_video_of_which_nothing_was_read_is_json_too(interrupted):
    text = io.StringIO()
    file = TrackFile(text, SOURCE, HandTracker(Predictor(DotsRunner())), None)
    file.end(interrupted)
    result = json.loads(text.getvalue())
    assert result["frames"] == [] and result["model_sha256"] is None
    assert result["interrupted"] is interrupted
