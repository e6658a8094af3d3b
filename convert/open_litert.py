"""Prepares a LiteRT model for running, with a message for whatever may be wrong with it."""

from typing import Any

from ai_edge_litert.interpreter import Interpreter

from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError


def open_signature(content: bytes, where: str = "model", num_threads: int = 1) -> Any:
    """Prepares a LiteRT model without contract; prefer `LiteRTRunner`.

    Args:
        content: Content of a `.tflite` file.
        where: Name of the model for messages.
        num_threads: Threads of the CPU kernels.

    Returns:
        The signature runner, called with `image=(1, S, S, 3)`.

    Raises:
        InputError: If the content is damaged, an op is unknown to the runtime, or the
            file has no signature.
    """
    parse_tflite(content, where)
    advice = "Convert the model again with tf-handgroups convert."
    try:
        interpreter = Interpreter(model_content=content, num_threads=num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{where}: LiteRT cannot load this model ({error}). {advice}") from error
    if len(interpreter.get_signature_list()) != 1:
        raise InputError(
            f"{where}: expected one signature. "
            f"Received: signatures={sorted(interpreter.get_signature_list())}. {advice}"
        )
    return interpreter.get_signature_runner()
