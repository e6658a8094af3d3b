import os

import keras
import numpy as np
import pytest

from tf_handgroups.callbacks.save_model import SaveModel


def small(**optimizer):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1, **optimizer), "mse")
    return model


def callback_for(model, path, **options):
    callback = SaveModel(path, **options)
    callback.set_model(model)
    return callback


def test_crash_while_saving_keeps_the_last_model(tmp_path):
    class Model:
        optimizer = None

        def save(self, path):
            path.write_text("half")
            raise OSError("no space left")

    target = tmp_path / "model.keras"
    target.write_text("last epoch")
    callback = callback_for(Model(), target)
    with pytest.raises(OSError, match="no space left"):
        callback.on_epoch_end(1)
    assert target.read_text() == "last epoch" and os.listdir(tmp_path) == ["model.keras"]


def test_saves_the_average_and_keeps_training_the_weights(tmp_path):
    model = small(use_ema=True, ema_momentum=0.9)
    model.fit(np.ones((4, 1)), np.ones((4, 1)), batch_size=2, epochs=1, verbose=0)
    own = model.get_weights()[0]
    callback_for(model, tmp_path / "model.keras").on_epoch_end(0)
    average = np.asarray(model.optimizer._model_variables_moving_average[0])
    saved = keras.saving.load_model(tmp_path / "model.keras").get_weights()[0]
    np.testing.assert_array_equal(saved, average)
    np.testing.assert_array_equal(model.get_weights()[0], own)


def test_other_processes_leave_no_file(tmp_path):
    callback_for(small(), tmp_path / "model.keras", writes=False).save()
    assert not os.listdir(tmp_path)
