"""Tries a `.tflite` file in a process of its own, because LiteRT may crash on bad files.

A file that the runtime gets through there may be loaded here. This protects from damaged
files; it is no sandbox for a file that was made to attack.

The child reads models from standard input (a line with the number of bytes, then the
bytes) and answers each with a line of JSON: `{"stage", "message"}`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import Any, BinaryIO

import numpy as np

from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.tflite_file import parse_tflite
from tf_handgroups.errors import InputError

# A hand network takes a tenth of a second and 0.3 GB. Everything in memory but the
# runtime is a small multiple of the file.
MEMORY_BYTES = 2 << 30
MEMORY_FACTOR = 8
CPU_SECONDS = 60
WAIT_SECONDS = 180

# How far a model got.
STRUCTURE, RUNTIME, RAN = "structure", "runtime", "ran"


def try_in_child(content: bytes, where: str = "model", wait_seconds: float = WAIT_SECONDS) -> None:
    """Loads and runs a model once in a child process with limited memory and time.

    Args:
        content: Content of a `.tflite` file.
        where: Name of the file for messages.
        wait_seconds: Longest time to wait for the child.

    Raises:
        InputError: If the child refuses the model, crashes, or needs too much memory or
            time.
    """
    advice = "The file is damaged or was made to do harm: convert the model again."
    with start_child() as child:
        try:
            out, err = child.communicate(frame(content), timeout=wait_seconds)
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"{where}: expected a model that LiteRT runs within {wait_seconds:g} s. Received: "
                f"the process that tried it did not end. {advice}"
            ) from error
        finally:
            child.kill()
    if child.returncode < 0:
        raise InputError(
            f"{where}: expected a model that LiteRT can run. Received: the process that tried it "
            f"died of {signal_name(child.returncode)}. {advice}"
        )
    if child.returncode or not out:
        raise InputError(
            f"{where}: expected a model that LiteRT can run. Received: the process that tried it "
            f"ended with exit code {child.returncode}, {err.decode(errors='replace')[-300:]!r}."
        )
    answer = json.loads(out)
    if answer["stage"] != RAN:
        raise InputError(answer["message"].replace("model:", f"{where}:", 1))


def signal_name(returncode: int) -> str:
    """Returns the name of the signal that a process died of.

    Example:

    >>> signal_name(-11)
    'SIGSEGV'
    """
    with contextlib.suppress(ValueError):
        return signal.Signals(-returncode).name
    return f"signal {-returncode}"


def start_child(errors: int = subprocess.PIPE) -> subprocess.Popen:
    """Starts the process in which models are tried.

    Args:
        errors: Where its standard error goes, as for `subprocess.Popen`.
    """
    # As many threads of linear algebra as processors would each reserve memory.
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tf_handgroups.convert.trial"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=environment,
    )


def frame(content: bytes) -> bytes:
    r"""Returns a model as the child reads it.

    Example:

    >>> frame(b"TFL3")
    b'4\nTFL3'
    """
    return b"%d\n" % len(content) + content


def try_here(content: bytes) -> dict[str, str]:
    """Loads and runs a model once in this process: what the child does.

    Args:
        content: Content of a `.tflite` file.

    Returns:
        `stage`, how far it got (`STRUCTURE`, `RUNTIME`, `RAN`), and `message`.
    """
    stage = STRUCTURE
    try:
        parse_tflite(content)
        stage = RUNTIME
        infer = open_signature(content)
        generator = np.random.default_rng(0)
        inputs: dict[str, Any] = {}
        for name, details in infer.get_input_details().items():
            shape = [int(side) for side in details["shape"]]
            inputs[name] = generator.random(shape, np.float32).astype(details["dtype"])
        infer(**inputs)
    except InputError as error:
        return {"stage": stage, "message": str(error)}
    except MemoryError:
        text = "model: expected a model of ordinary size. Received: it needs too much memory."
        return {"stage": stage, "message": text}
    except Exception as error:  # whatever the runtime makes of garbage
        return {"stage": stage, "message": f"model: LiteRT cannot run this model ({error})."}
    return {"stage": RAN, "message": ""}


def limit_resources(num_bytes: int) -> None:
    """Limits what this process may use for a model of so many bytes, where that exists."""
    try:
        import resource
    except ImportError:  # Windows; the parent still waits no longer than WAIT_SECONDS
        return
    memory = MEMORY_BYTES + MEMORY_FACTOR * num_bytes
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    for kind, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(kind, (limit, hard))


def serve(models: BinaryIO, answers: BinaryIO) -> None:
    """Tries models until there are no more.

    Args:
        models: Stream of `frame`s.
        answers: Receives a line of JSON for each.
    """
    while line := models.readline():
        num_bytes = int(line)
        limit_resources(num_bytes)
        answer = try_here(models.read(num_bytes))
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    # The runtime may print; answers must stay apart.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, answers)
