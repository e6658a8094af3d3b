"""What TensorBoard is given; that being watched changes nothing in a training."""

import dataclasses
import types

import numpy as np

from tests.hands import make_sample
from tests.test_event_log import pictures, read, scalars
from tests.test_training import LONGER, Hands, eager_test, silent, weights_of
from tests.test_training import eagerly as eagerly
from tf_handgroups import training
from tf_handgroups.callbacks import tensorboard_log
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.callbacks.tensorboard_log import TensorBoardLog, choose_samples
from tf_handgroups.event_log import EventLog
from tf_handgroups.training import train

DATA = [Hands(make_sample(seed=seed) for seed in range(5))]
VALIDATION = [Hands(make_sample(seed=seed) for seed in range(10, 13))]


def trained(folder):
    recipe = dataclasses.replace(LONGER, steps=4, steps_per_epoch=2)
    return train(recipe, DATA, VALIDATION, folder, strategy="single", write=silent)


@eager_test
def test_run_is_the_same_watched_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard_log, "EVERY_STEPS", 2)
    monkeypatch.setattr(training, "write_training_report", lambda *_: None)
    watched = trained(tmp_path / "watched")
    for name in ("on_test_end", "on_epoch_end", "on_train_batch_end"):
        monkeypatch.setattr(TensorBoardLog, name, lambda *_, **__: None)
    alone = trained(tmp_path / "alone")
    for one, other in zip(weights_of(watched), weights_of(alone), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "alone" / "tensorboard").exists()

    folder = tmp_path / "watched" / "tensorboard"
    for part in ("train", "validation"):
        assert [step for step, _ in scalars(folder / part, "epoch/loss")] == [2, 4]
    assert [step for step, _ in scalars(folder / "train", "step/loss")] == [2, 4]
    temperatures = [value for _, value in scalars(folder / "train", "progress/temperature")]
    assert temperatures == sorted(temperatures, reverse=True)
    assert all(value > 0 for _, value in scalars(folder / "train", "progress/images_per_second"))
    sizes = [scalars(folder / "train", f"selector/group_{group}_joints") for group in range(2)]
    assert [one + other for (_, one), (_, other) in zip(*sizes, strict=True)] == [21] * 2
    assert scalars(folder / "train", "selector/committed") == [(2, 0), (4, 1)]
    entropy = scalars(folder / "train", "selector/entropy_nats")[0][1]
    assert 0 < entropy <= np.log(2) + 1e-6
    crops = pictures(folder / "validation", "crops/truth_and_prediction")
    assert [step for step, *_ in crops] == [2, 4]
    assert crops[0] != crops[-1]
    selector = pictures(folder / "train", "selector/probabilities")
    assert [step for step, *_ in selector] == [2, 4]


def test_speed_leaves_out_the_first_step_and_validation(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(tensorboard_log, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    clock = StepClock(10)
    with EventLog(tmp_path) as events:
        log = TensorBoardLog(events, clock, 8, {"twice": lambda s: 2 * s}, [], tmp_path / "no.csv")
        for epoch in range(2):
            now[0] += 1000
            log.on_epoch_begin(epoch)
            for batch in range(20):
                now[0] += 100 if batch == 0 else 2
                clock.on_train_batch_end(batch)
                log.on_train_batch_end(batch, {"loss": 1.0, "mpjpe_mm": 0.0, "auc_20_50": 0.0})
    speeds = scalars(tmp_path / "train", "progress/images_per_second")
    assert speeds == [(20, 4.0), (40, 4.0)]
    assert scalars(tmp_path / "train", "progress/twice") == [(20, 40.0), (40, 80.0)]
    assert "step/mpjpe_mm" not in read(tmp_path / "train").Tags()["tensors"]


def test_samples_are_labelled_hands_from_all_over_the_sets():
    absent = make_sample(seed=0, presence=False)
    unlabelled = make_sample(seed=0, visible=np.zeros(21))
    hands = [make_sample(seed=seed) for seed in range(1, 6)]
    first, second = Hands([absent, hands[0], hands[1]]), Hands([hands[2], unlabelled, hands[3]])
    chosen = choose_samples([first, second], count=3)
    assert [sample.sample_id for sample in chosen] == ["hand1", "hand2", "hand4"]
    assert [sample.sample_id for sample in choose_samples([first], count=9)] == ["hand1", "hand2"]
    assert choose_samples([Hands([absent])]) == []
