import numpy as np
import pytest

from benchmarks import tracking_jitter as module
from benchmarks.rendered_sequence import TrueFrame
from benchmarks.tracking_jitter import Track
from tests.moving_hand import Z_REL, DotsRunner, empty_frame, frame_with_hand, joints_between
from tf_handgroups.convert.one_euro import OneEuroFilter, OneEuroSettings
from tf_handgroups.convert.predict import Predictor

COUNT = 60
SIDE_PX = 100.0
WAY = np.array([40.0, 20.0])


def track(seen=None, delay=0.0):
    """A hand whose box has a side of 100 px and that swings once to the right and back."""
    times = np.arange(COUNT) / 30

    def at(places):
        hand = np.linspace([0.0, 0.0], [SIDE_PX, 40.0], 21)
        return hand + 60 * np.sin(2 * np.pi * places / COUNT)[:, None, None] * [1.0, 0.0]

    truth = at(np.arange(COUNT))
    seen = at(np.arange(COUNT) - delay) if seen is None else truth + seen
    return Track(times, seen, np.tile(Z_REL, (COUNT, 1)), truth, np.tile(Z_REL, (COUNT, 1)), 1)


def test_jitter_is_what_changes_from_frame_to_frame():
    noise = np.random.default_rng(0).normal(0, 2.0, (COUNT, 21, 2))
    # Two coordinates, and twice the variance of one frame in each.
    np.testing.assert_allclose(
        module.thousandths([module.jitter(track(noise))]), 1000 * 2 * 2.0 / SIDE_PX, rtol=0.05
    )
    constant = np.random.default_rng(1).normal(0, 9.0, (21, 2)) + np.zeros((COUNT, 1, 1))
    assert module.thousandths([module.jitter(track(constant))]) < 1e-9
    lost = noise.copy()
    lost[10] = np.nan
    assert np.isfinite(module.thousandths([module.jitter(track(lost))]))


def test_depth_jitter_is_in_bones():
    still = track()
    z_rel = still.z_rel + 0.1 * (np.arange(COUNT) % 2)[:, None]
    moving = Track(still.time_s, still.uv_px, z_rel, still.true_uv_px, still.true_z_rel, 1)
    np.testing.assert_allclose(module.thousandths([module.depth_jitter(moving)]), 100.0)


@pytest.mark.parametrize("delay", [0.0, 1.5, 3.0])
def test_lag_is_the_delay_of_the_truth(delay):
    delayed = track(delay=delay)
    # A constant error of every joint is no lag.
    delayed.uv_px[:] += np.random.default_rng(0).normal(0, 9.0, (21, 2))
    assert abs(module.lag_frames([delayed]) - delay) < 0.1


def test_filter_starts_anew_after_a_lost_frame():
    seen = np.random.default_rng(0).normal(0, 2.0, (COUNT, 21, 2))
    seen[20] = np.nan
    settings = OneEuroSettings(1.0, 2.0, 1.0)
    before, after = track(seen), module.smoothed(track(seen), settings)
    smooth = OneEuroFilter(settings)
    for number in (*range(20), *range(21, COUNT)):
        if number == 21:
            smooth.reset()
        uv, z = smooth(number / 30, before.uv_px[number], before.z_rel[number])
        np.testing.assert_allclose(after.uv_px[number], uv)
        np.testing.assert_allclose(after.z_rel[number], z)
    assert np.isnan(after.uv_px[20]).all() and module.smoothed(before, None) is before


def dots_frames(motion, seed, count):
    for number in range(count):
        red = np.array([40.0 + number, 40.0])
        image = frame_with_hand(red, red + WAY)
        if number == 3:
            image = empty_frame()
        yield TrueFrame(number / 30, image, joints_between(red, red + WAY), Z_REL)


def test_tracker_is_shown_the_frames_and_its_own_joints_are_kept():
    found = module.follow(Predictor(DotsRunner()), list(dots_frames(None, 0, 6)))
    assert found.num_tracks == 2 and np.isnan(found.uv_px[3]).all()
    kept = [0, 1, 2, 4, 5]
    assert np.abs(found.uv_px - found.true_uv_px)[kept].max() < 0.5


def test_prints_a_row_per_setting_and_draws(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(module, "frames_of", dots_frames)
    monkeypatch.setattr(module, "Predictor", lambda model: Predictor(DotsRunner()))
    picture = tmp_path / "tracking.png"
    assert module.main(["--out", str(picture), "--hands", "2", "--frames", "8"]) == 0
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(module.SETTINGS) and rows[1].startswith("| unsmoothed | ")
    assert {row.count("|") for row in rows} == {10}
    assert "still 2, sway 2, fingers 2, sweep 2" in printed
    assert picture.stat().st_size > 5_000


def test_defaults_are_in_the_table():
    assert OneEuroSettings() in module.SETTINGS
