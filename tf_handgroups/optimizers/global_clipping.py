"""Clipping by the gradient of the whole batch, on however many replicas."""

import keras


class GlobalClipping(keras.optimizers.Optimizer):
    """Sums gradients over all replicas before an optimizer of Keras clips them.

    Keras 3 clips on each replica and sums afterwards: then `global_clipnorm` bounds each
    replica's share instead of the sum, and two replicas train another network than one
    device does. With other backends than TensorFlow, Keras has the sum from the start.

    To be named before the optimizer among the base classes.

    Example:

    >>> class ClippedSGD(GlobalClipping, keras.optimizers.SGD):
    ...     pass
    >>> ClippedSGD(0.1, global_clipnorm=1.0).global_clipnorm
    1.0
    """

    def _clip_gradients(self, grads):
        if keras.backend.backend() == "tensorflow":
            pairs = super()._all_reduce_sum_gradients([(grad, None) for grad in grads])
            grads = [grad for grad, _ in pairs]
        return super()._clip_gradients(grads)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """Leaves the gradients alone: they were summed before they were clipped."""
        return grads_and_vars
