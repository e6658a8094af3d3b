"""How far a run is, for the callbacks that depend on it."""

import keras


class StepClock(keras.callbacks.Callback):
    """Counts the training steps of a whole run, also over interruptions; comes first.

    The optimizer's own count will not do: it stands still when a step under float16
    overflows, while the data goes on.

    Args:
        step: Steps done before.

    Example:

    >>> clock = StepClock(step=40)
    >>> clock.on_train_batch_end(0)
    >>> clock.step
    41
    """

    def __init__(self, step: int = 0):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
