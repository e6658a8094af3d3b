"""Saves the model after every epoch."""

import pathlib
import tempfile

import keras

from tf_handgroups.model_file import save_model
from tf_handgroups.optimizers.averaged_weights import averaged


class SaveModel(keras.callbacks.Callback):
    """Saves the model, with averaged weights; a crash never leaves half a file.

    Args:
        path: Where the `.keras` file shall be.
        writes: Whether this process keeps the file. With several workers all have to
            save, because reading some of the variables takes all of them.
    """

    def __init__(self, path: pathlib.Path, writes: bool = True):
        super().__init__()
        self.path = path
        self.writes = writes

    def save(self) -> None:
        """Saves the model now."""
        with averaged(self.model):
            if self.writes:
                save_model(self.model, self.path, overwrite=True)
                return
            with tempfile.TemporaryDirectory() as folder:
                save_model(self.model, pathlib.Path(folder) / self.path.name)

    def on_epoch_end(self, epoch, logs=None):
        self.save()
