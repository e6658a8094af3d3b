import types

import pytest

from tf_handgroups.callbacks.early_stop import EarlyStop


class Saver:
    """Counts how often the model was saved."""

    def __init__(self):
        self.count, self.model = 0, None

    def set_model(self, model):
        self.model = model

    def save(self):
        self.count += 1


def run(losses, before=(), patience=2):
    saver = Saver()
    callback = EarlyStop(patience, saver, before)
    callback.set_model(types.SimpleNamespace(stop_training=False))
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if callback.model.stop_training:
            return epoch, saver.count
    return None, saver.count


def test_stops_after_too_long_and_saves_the_best():
    assert run([5.0, 4.0, 4.5, 4.0, 3.0]) == (3, 2)
    assert run([5.0, 4.0, 3.0]) == (None, 3)
    assert run([5.0, 4.0, 4.5, 3.9, 4.0, 4.0]) == (5, 3)


@pytest.mark.parametrize("cut", range(4))
def test_resumed_run_stops_at_the_same_epoch(cut):
    losses = [5.0, 4.0, 4.5, 4.2, 1.0]
    stopped, _ = run(losses[cut:], losses[:cut])
    assert run(losses)[0] == 3
    assert stopped == 3 - cut


def test_a_loss_that_is_no_number_is_no_improvement():
    assert run([float("nan"), float("nan")]) == (1, 0)


def test_a_run_that_was_cut_when_it_was_done_does_not_go_on():
    assert EarlyStop(2, Saver(), [5.0, 4.0, 4.5, 4.2]).done
    assert not EarlyStop(2, Saver(), [5.0, 4.0, 4.5]).done
