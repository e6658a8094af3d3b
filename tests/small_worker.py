"""A worker that shows what processes agree on, or which mends Keras' `fit` needs, as JSON.

`python -m tests.small_worker agree|mend`
"""

import json
import sys

from tf_handgroups.quiet_start import import_tensorflow_quietly

OWN = ("_maybe_symbolic_build", "train_step", "test_step")


def agreements(strategy) -> dict:
    from tf_handgroups.strategies import any_process, is_chief, same_in_all_processes

    index = strategy.cluster_resolver.task_id
    return {
        "chief": is_chief(strategy),
        "any of none": any_process(strategy, False),
        "any of the last": any_process(strategy, index == 1),
        "same": same_in_all_processes(strategy, 2**32 - 1),
        "different": same_in_all_processes(strategy, index),
    }


def fits(strategy) -> dict:
    """How `fit` ends with all mends, and with each of them undone."""
    import keras
    import numpy as np
    import tensorflow as tf

    from tf_handgroups.multiworker_fit import mend_fit

    batch = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    data = tf.data.Dataset.from_tensors(batch).repeat()

    def fit(undone: str | None) -> str:
        keras.utils.set_random_seed(1)
        with strategy.scope():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
        methods = {name: getattr(model, name) for name in OWN}
        mend_fit(model, strategy)
        if undone is not None:
            setattr(model, undone, methods[undone])
        try:
            model.fit(
                data,
                steps_per_epoch=2,
                validation_data=data,
                validation_steps=1,
                shuffle=False,
                verbose=0,
            )
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "fine"

    return {undone or "mended": fit(undone) for undone in (None, *OWN)}


if __name__ == "__main__":
    import_tensorflow_quietly()
    from tf_handgroups.strategies import make_strategy

    made = make_strategy("multiworker")
    print(json.dumps({"agree": agreements, "mend": fits}[sys.argv[1]](made)))
