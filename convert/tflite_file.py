"""Reads and writes the flatbuffer of a `.tflite` file, distrusting what it reads."""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert.flatbuffer_check import check_structure
from tf_handgroups.errors import InputError

FILE_IDENTIFIER = b"TFL3"

# Constants are aligned so in files of the TensorFlow converter; the schema asks for it.
_ALIGNMENT = 16


def parse_tflite(content: bytes, where: str = "model") -> Any:
    """Reads the whole flatbuffer; a damaged file fails here instead of crashing the runtime.

    Args:
        content: Content of a `.tflite` file.
        where: Name of the file for the message.

    Returns:
        `ModelT` object of the LiteRT schema. All constants are in `buffers[i].data`, also
        those that the file keeps behind the flatbuffer.

    Raises:
        InputError: If this is not a complete `.tflite` file whose parts refer to each
            other correctly.

    Example:

    >>> parse_tflite(b"<html>not a model</html>", "hand.tflite")
    Traceback (most recent call last):
    ...
    tf_handgroups.errors.InputError: hand.tflite: expected a LiteRT model (file identifier TFL3). \
Received: 24 bytes starting with b'<html>no'. Convert the model again or copy the file anew.
    """
    content = bytes(content)
    advice = "Convert the model again or copy the file anew."
    if content[4:8] != FILE_IDENTIFIER:
        raise InputError(
            f"{where}: expected a LiteRT model (file identifier TFL3). "
            f"Received: {len(content)} bytes starting with {content[:8]!r}. {advice}"
        )
    try:
        check_structure(content)
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        _check_references(model)
        _read_outside_buffers(model, content)
    except Exception as error:  # flatbuffers raises whatever the garbage leads to
        raise InputError(
            f"{where}: expected a complete LiteRT model. Received: {len(content)} bytes that "
            f"cannot be read ({type(error).__name__}: {error}), perhaps truncated. {advice}"
        ) from error
    if not model.subgraphs or not model.operatorCodes:
        raise InputError(
            f"{where}: expected a LiteRT model with at least one op. Received: none. {advice}"
        )
    return model


def pack_tflite(model: Any) -> bytes:
    """Returns the content of a `.tflite` file for a model of `parse_tflite`."""
    builder = _AlignedBuilder(1024)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuilder(flatbuffers.Builder):
    """Aligns vectors as the schema says, which its generated Python code forgets."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:
        if elemSize * numElems >= _ALIGNMENT:
            alignment = _ALIGNMENT
        return super().StartVector(elemSize, numElems, alignment)


def _check_references(model: Any) -> None:
    """Checks the numbers by which ops, tensors and constants refer to each other."""
    buffers, graphs = model.buffers or [], model.subgraphs or []
    if model.externalBuffers or model.externalBufferGroups:
        raise ValueError("constants in other files")
    for graph in graphs:
        tensors, operators = graph.tensors or [], graph.operators or []
        for tensor in tensors:
            _check_numbers([tensor.buffer], len(buffers), "buffer of a tensor")
            if tensor.externalBuffer:
                raise ValueError("constants in other files")
            if tensor.shape is not None and any(int(side) < 0 for side in tensor.shape):
                raise ValueError("a tensor with a negative side")
        _check_numbers(graph.inputs, len(tensors), "input of the graph")
        _check_numbers(graph.outputs, len(tensors), "output of the graph")
        for operator in operators:
            _check_numbers([operator.opcodeIndex], len(model.operatorCodes or []), "code of an op")
            # -1 stands for an optional input that is not there.
            _check_numbers(operator.inputs, len(tensors), "input of an op", lowest=-1)
            _check_numbers(operator.outputs, len(tensors), "output of an op")
            _check_numbers(operator.intermediates, len(tensors), "intermediate of an op")
    for signature in model.signatureDefs or []:
        _check_numbers([signature.subgraphIndex], len(graphs), "graph of a signature")
        tensors = graphs[signature.subgraphIndex].tensors or []
        for names in (signature.inputs, signature.outputs):
            numbers = [entry.tensorIndex for entry in names or []]
            _check_numbers(numbers, len(tensors), "tensor of a signature")
    for entry in model.metadata or []:
        _check_numbers([entry.buffer], len(buffers), "buffer of metadata")


def _check_numbers(numbers: Any, count: int, what: str, lowest: int = 0) -> None:
    if numbers is None or not len(numbers):
        return
    if int(min(numbers)) < lowest or int(max(numbers)) >= count:
        found = sorted({int(number) for number in numbers})
        raise ValueError(f"{what}: {found[0]} to {found[-1]} of {count}")


def _read_outside_buffers(model: Any, content: bytes) -> None:
    """Moves constants that lie behind the flatbuffer into it.

    The quantizer writes them so; packing the model anew would lose them otherwise.
    """
    outside = 0
    for buffer in model.buffers or []:
        if buffer.offset > 1:  # 0 and 1 mean that there is no constant outside
            outside += buffer.size
            if buffer.offset + buffer.size > len(content) or outside > len(content):
                raise ValueError(f"a constant of {buffer.size} bytes at byte {buffer.offset}")
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
