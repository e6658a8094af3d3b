"""Stops when validation no longer improves, and keeps the best model."""

from collections.abc import Sequence

import keras

from tf_handgroups.callbacks.save_model import SaveModel


class EarlyStop(keras.callbacks.Callback):
    """Saves the model when `val_loss` is the best so far; stops after too long without.

    What came before an interruption is read from the history, so that a resumed run
    stops where an uninterrupted one does.

    Args:
        patience: Epochs without improvement after which training stops, at least 1.
        save: Saves the model.
        before: `val_loss` of the epochs that a resumed run had finished.

    Example:

    >>> import pathlib
    >>> EarlyStop(2, SaveModel(pathlib.Path("model.keras")), before=[3.0, 2.0, 2.5]).waited
    1
    """

    def __init__(self, patience: int, save: SaveModel, before: Sequence[float] = ()):
        super().__init__()
        self.patience = patience
        self.save_best = save
        self.best, self.waited = float("inf"), 0
        for loss in before:
            self._better(loss)

    def set_model(self, model):
        super().set_model(model)
        self.save_best.set_model(model)

    def on_epoch_end(self, epoch, logs=None):
        if self._better((logs or {})["val_loss"]):
            self.save_best.save()
        self.model.stop_training = self.done

    @property
    def done(self) -> bool:
        """Whether validation has not improved for too long."""
        return self.waited >= self.patience

    def _better(self, loss: float) -> bool:
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        return not self.waited
