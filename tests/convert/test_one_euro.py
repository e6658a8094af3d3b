"""Tests of the One-Euro filter."""

import math

import numpy as np
import pytest

from tf_handgroups.convert.one_euro import OneEuroFilter, OneEuroSettings
from tf_handgroups.errors import InputError

SETTINGS = OneEuroSettings(min_cutoff_hz=1.2, beta=5.0, derivative_cutoff_hz=0.8)


def sequence(frames: int = 12, seed: int = 0):
    """Times with uneven steps, and a hand that moves, grows and trembles."""
    generator = np.random.default_rng(seed)
    times = np.cumsum(generator.uniform(0.01, 0.08, frames))
    shape = generator.uniform(-40, 40, (21, 2)) * [1.0, 1.7]
    growth = np.linspace(1, 1.8, frames)[:, None, None]
    uv = [300, 200] + growth * shape + np.linspace(0, 150, frames)[:, None, None]
    uv = uv + generator.normal(0, 2, uv.shape)
    z = generator.normal(0, 0.5, 21) + generator.normal(0, 0.1, (frames, 21))
    return times, uv, z


class PlainFilter:
    """One coordinate, written down from the paper without arrays."""

    def __init__(self, settings):
        self.settings, self.time = settings, None

    def __call__(self, time, x, scale):
        if self.time is None:
            self.time, self.x_hat, self.dx_hat = time, x, 0.0
            return x
        dt = time - self.time

        def smoothing(cutoff):
            tau = 1 / (2 * math.pi * cutoff)
            return 1 / (1 + tau / dt)

        a = smoothing(self.settings.derivative_cutoff_hz)
        self.dx_hat = a * ((x - self.x_hat) / (dt * scale)) + (1 - a) * self.dx_hat
        a = smoothing(self.settings.min_cutoff_hz + self.settings.beta * abs(self.dx_hat))
        self.x_hat = a * x + (1 - a) * self.x_hat
        self.time = time
        return self.x_hat


def test_equals_one_plain_filter_per_coordinate():
    times, uv, z = sequence()
    smooth = OneEuroFilter(SETTINGS)
    plain = [[PlainFilter(SETTINGS) for _ in range(3)] for _ in range(21)]
    for time, joints, depths in zip(times, uv, z, strict=True):
        got_uv, got_z = smooth(time, joints, depths)
        columns = list(zip(*joints, strict=True))
        side = max(max(column) - min(column) for column in columns)
        for joint in range(21):
            for axis in (0, 1):
                expected = plain[joint][axis](time, joints[joint][axis], side)
                assert got_uv[joint, axis] == pytest.approx(expected, abs=1e-4)
            expected = plain[joint][2](time, depths[joint], 1.0)
            assert got_z[joint] == pytest.approx(expected, abs=1e-9)


def test_calms_a_resting_hand_and_follows_a_moving_one():
    generator = np.random.default_rng(3)
    hand = generator.uniform(0, 100, (21, 2))
    smooth, rough_steps, smooth_steps, before = OneEuroFilter(), [], [], None
    for frame in range(60):
        uv = hand + generator.normal(0, 1, (21, 2))
        got, _ = smooth(frame / 30, uv, np.zeros(21))
        if before is not None:
            rough_steps.append(uv - before[0])
            smooth_steps.append(got - before[1])
        before = uv, got
    assert np.std(smooth_steps) < 0.6 * np.std(rough_steps)

    def lag_px(beta):
        moving = OneEuroFilter(OneEuroSettings(beta=beta))
        for frame in range(60):
            truth = hand + np.array([20.0 * frame, 0.0])
            got, _ = moving(frame / 30, truth, np.zeros(21))
        return float(np.mean(truth[:, 0] - got[:, 0]))

    assert 0 < lag_px(8.0) < 0.25 * lag_px(0.0)


def test_speed_is_measured_in_hand_sizes():
    """A hand of thrice the size is smoothed to thrice the coordinates."""
    times, uv, z = sequence(seed=1)
    near, far = OneEuroFilter(SETTINGS), OneEuroFilter(SETTINGS)
    for time, joints, depths in zip(times, uv, z, strict=True):
        got_near, _ = near(time, 3 * joints, depths)
        got_far, _ = far(time, joints, depths)
    np.testing.assert_allclose(got_near, 3 * got_far, atol=1e-3)
    assert np.abs(got_far - uv[-1]).max() > 1  # there is something to compare


def test_hand_that_is_a_single_point_counts_as_one_pixel():
    smooth = OneEuroFilter(OneEuroSettings(min_cutoff_hz=1.0, beta=1.0))
    smooth(0.0, np.zeros((21, 2)), np.zeros(21))
    got, _ = smooth(1.0, np.ones((21, 2)), np.zeros(21))
    plain = PlainFilter(smooth.settings)
    plain(0.0, 0.0, 1.0)
    np.testing.assert_allclose(got, plain(1.0, 1.0, 1.0))


def test_first_frame_and_frame_after_reset_pass_unchanged():
    times, uv, z = sequence(frames=3)
    smooth = OneEuroFilter()
    first = smooth(times[0], uv[0], z[0])
    np.testing.assert_array_equal(first[0], uv[0])
    np.testing.assert_array_equal(first[1], z[0])
    second = smooth(times[1], uv[1], z[1])
    assert np.abs(second[0] - uv[1]).max() > 0.1
    smooth.reset()
    again = smooth(times[0], uv[0], z[0])  # an earlier time is fine now
    np.testing.assert_array_equal(again[0], uv[0])
    np.testing.assert_array_equal(smooth(times[1], uv[1], z[1])[0], second[0])


def test_results_are_the_caller_s_own():
    times, uv, z = sequence(frames=2)
    expected, smooth = OneEuroFilter(), OneEuroFilter()
    expected(times[0], uv[0], z[0])
    got_uv, got_z = smooth(times[0], uv[0], z[0])
    got_uv[:], got_z[:] = 0, 0
    for one, other in zip(
        smooth(times[1], uv[1], z[1]), expected(times[1], uv[1], z[1]), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("step_s", [0.0, -0.1])
def test_rejects_times_that_do_not_increase_and_goes_on(step_s):
    times, uv, z = sequence(frames=3)
    smooth, expected = OneEuroFilter(), OneEuroFilter()
    for frame in (0, 1):
        smooth(times[frame], uv[frame], z[frame])
        expected(times[frame], uv[frame], z[frame])
    with pytest.raises(InputError, match=r"frame before, .* Received: time_s="):
        smooth(times[1] + step_s, uv[2], z[2])
    np.testing.assert_array_equal(
        smooth(times[2], uv[2], z[2])[0], expected(times[2], uv[2], z[2])[0]
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("which", ["time", "uv", "z"])
def test_rejects_values_that_are_not_finite(bad, which):
    times, uv, z = sequence(frames=1)
    smooth = OneEuroFilter()
    values = {"time": times[0], "uv": uv[0], "z": z[0]}
    if which == "time":
        values["time"] = bad
    else:
        values[which].flat[5] = bad
    with pytest.raises(InputError, match=r"finite numbers. Received: time_s=.*coordinates"):
        smooth(values["time"], values["uv"], values["z"])
    # Nothing of it is remembered.
    clean = sequence(frames=1)[1][0]
    np.testing.assert_array_equal(smooth(0.0, clean, np.zeros(21))[0], clean)


@pytest.mark.parametrize(("uv", "z"), [((2, 21, 2), (21,)), ((21, 2), (21, 1)), ((20, 2), (20,))])
def test_rejects_other_shapes(uv, z):
    with pytest.raises(InputError, match=r"Received: uv_px\.shape="):
        OneEuroFilter()(0.0, np.zeros(uv), np.zeros(z))


@pytest.mark.parametrize("name", ["min_cutoff_hz", "beta", "derivative_cutoff_hz"])
@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, "1", None, True])
def test_rejects_settings(name, bad):
    with pytest.raises(InputError, match=f"Received: {name}="):
        OneEuroSettings(**{name: bad})


def test_only_beta_may_be_zero():
    assert OneEuroSettings(beta=0.0).beta == 0
    for name in ("min_cutoff_hz", "derivative_cutoff_hz"):
        with pytest.raises(InputError, match=f"{name} as a finite number, greater than 0"):
            OneEuroSettings(**{name: 0.0})
