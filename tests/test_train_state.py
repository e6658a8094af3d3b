"""States: everything in, everything out, damaged ones passed over."""

import os

import keras
import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.train_state import (
    KEPT,
    TrainState,
    add_metrics,
    capture,
    latest_state,
    restore,
    state_files,
    state_variables,
    write_state,
)


def trained(steps=3, **optimizer):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1, **optimizer), "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(2 * steps, 2))
    model.fit(x, x[:, :1], batch_size=2, verbose=0, shuffle=False)
    return model


def values_of(model):
    return {name: np.asarray(v) for name, v in state_variables(model).items()}


def test_a_state_holds_weights_optimizer_and_metrics():
    names = list(state_variables(trained(use_ema=True)))
    assert {name.partition("/")[0] for name in names} == {"model", "optimizer", "metrics"}
    assert sum(name.startswith("model/") for name in names) == 4
    # Two moments and an average of each weight besides what Adam counts.
    assert sum(name.startswith("optimizer/") for name in names) >= 3 * 4


def test_round_trip(tmp_path):
    source, target = trained(5, use_ema=True), trained(2, use_ema=True)
    path = write_state(capture(source, 5), tmp_path)
    assert path.name == "state-000000005.npz"
    state = latest_state(tmp_path)
    assert state.step == 5
    metrics = {name: v for name, v in values_of(target).items() if name.startswith("metrics/")}
    restore(target, state)
    expected = values_of(source) | metrics
    for name, value in values_of(target).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_metrics_go_on_from_what_was_counted():
    model = trained(4)
    before = values_of(model)
    add_metrics(model, capture(model, 4))
    after = values_of(model)
    metrics = [name for name in before if name.startswith("metrics/")]
    assert len(metrics) == 4 and all(before[name] > 0 for name in metrics)
    for name in metrics:
        np.testing.assert_allclose(after[name], 2 * before[name], rtol=1e-6)


def test_the_newest_are_kept(tmp_path):
    for step in (1, 2, 10, 30):
        write_state(TrainState(step, {"a": np.zeros(1)}), tmp_path)
    assert [step for step, _ in state_files(tmp_path)] == [30, 10]
    assert len(os.listdir(tmp_path)) == KEPT


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "pickled"])
def test_a_damaged_state_falls_back_to_the_one_before(damage, tmp_path):
    for step in (1, 2):
        newest = write_state(TrainState(step, {"a": np.full(1000, float(step))}), tmp_path)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 255
    if damage == "pickled":
        np.savez(newest, a=np.array([object()], object))
    else:
        cuts = {"truncated": content[: len(content) // 2], "empty": b"", "flipped": content}
        newest.write_bytes(cuts[damage])
    lines = []
    state = latest_state(tmp_path, lines.append)
    assert state.step == 1 and (state.values["a"] == 1).all()
    assert len(lines) == 1 and "state-000000002.npz: this state is damaged" in lines[0]


def test_all_states_damaged(tmp_path):
    write_state(TrainState(1, {"a": np.zeros(1)}), tmp_path).write_bytes(b"PK")
    with pytest.raises(InputError, match="Received: 1 states, all damaged"):
        latest_state(tmp_path, lambda line: None)


def test_no_state(tmp_path):
    (tmp_path / "state-x.npz").write_text("not ours")
    assert latest_state(tmp_path) is None
    assert latest_state(tmp_path / "missing") is None


def test_a_full_disk_leaves_the_last_state(tmp_path, monkeypatch):
    write_state(TrainState(1, {"a": np.zeros(1)}), tmp_path)

    def full(file, **values):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        write_state(TrainState(2, {"a": np.zeros(1)}), tmp_path)
    assert os.listdir(tmp_path) == ["state-000000001.npz"]


def test_rejects_the_state_of_another_model():
    with pytest.raises(InputError, match="Received: another's, 14 variables instead of 18"):
        restore(trained(use_ema=True), capture(trained(), 1))
