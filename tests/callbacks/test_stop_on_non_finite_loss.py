import math

import pytest

from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.callbacks.stop_on_non_finite_loss import StopOnNonFiniteLoss


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_stops_and_keeps_the_batch(loss):
    kept = []
    callback = StopOnNonFiniteLoss(StepClock(7), lambda step: kept.append(step) or "here.npz")
    callback.on_train_batch_end(0, {"loss": 1e30})
    callback.on_train_batch_end(0)
    assert not kept
    with pytest.raises(FloatingPointError, match=r"in step 7\. Its batch is kept in here\.npz"):
        callback.on_train_batch_end(3, {"loss": loss})
    assert kept == [7]
