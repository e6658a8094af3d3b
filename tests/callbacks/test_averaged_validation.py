import keras
import numpy as np
import pytest

from tf_handgroups.callbacks.averaged_validation import AveragedValidation
from tf_handgroups.optimizers.averaged_weights import averaged
from tf_handgroups.optimizers.selector_rate import SelectorAdamW


def test_validation_sees_the_average_and_training_goes_on_without():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(SelectorAdamW(0.1, use_ema=True, ema_momentum=0.9), "mse")
    x = np.linspace(-1, 1, 8)[:, None]
    data = (x, 2 * x)
    history = model.fit(
        *data, 4, epochs=2, verbose=0, validation_data=data, callbacks=[AveragedValidation()]
    )
    with averaged(model):
        expected = model.evaluate(*data, verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(*data, verbose=0) != pytest.approx(expected, rel=1e-3)
