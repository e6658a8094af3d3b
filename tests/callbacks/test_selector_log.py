import types

import numpy as np

from tf_handgroups.callbacks.selector_log import SelectorLog
from tf_handgroups.callbacks.step_clock import StepClock
from tf_handgroups.layers.joint_group_selector import JointGroupSelector
from tf_handgroups.selector_history import read_selector


def test_every_epoch_adds_a_row(tmp_path):
    selector = JointGroupSelector(2)
    selector.build((1, 2, 21, 1))
    log = SelectorLog(tmp_path / "selector.csv", StepClock(150))
    log.set_model(types.SimpleNamespace(selector=selector))
    log.on_epoch_end(2)
    selector.logits.assign(np.tile([[9.0, -9.0]], (21, 1)))
    log.clock.step = 200
    log.on_epoch_end(3)
    steps, probabilities = read_selector(tmp_path / "selector.csv")
    assert steps.tolist() == [150, 200]
    np.testing.assert_allclose(probabilities[0], 0.5)
    np.testing.assert_allclose(probabilities[1], np.tile([[1, 0]], (21, 1)), atol=2e-4)
    assert (tmp_path / "selector.csv").read_text().splitlines()[1].startswith("2,150,")
