"""Worker processes of a cluster on this machine, for tests of distribution."""

import contextlib
import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a worker ended: its exit code, what it printed, and when."""

    code: int
    output: str
    time_s: float


def free_addresses(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def run_workers(commands: list[list[str]], limit_s: float = 400.0) -> list[Ended]:
    """Runs one `python ARGUMENT...` per worker, with `TF_CONFIG`, until all have ended.

    Raises:
        TimeoutError: If one has not ended in time; all are killed then.
    """
    cluster = {"worker": free_addresses(len(commands))}
    begin = time.monotonic()
    ended: dict[int, Ended] = {}
    with contextlib.ExitStack() as stack:
        processes = []
        for index, command in enumerate(commands):
            config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
            output = stack.enter_context(tempfile.TemporaryFile("w+"))
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                # All would take the same GPU.
                env=os.environ | {"TF_CONFIG": config, "CUDA_VISIBLE_DEVICES": "-1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            processes.append((process, output))
            stack.callback(process.wait)
            stack.callback(process.kill)
        while len(ended) < len(processes):
            for index, (process, output) in enumerate(processes):
                if index not in ended and process.poll() is not None:
                    output.seek(0)
                    ended[index] = Ended(process.returncode, output.read(), time.monotonic())
            if time.monotonic() - begin > limit_s:
                outputs = []
                for _, output in processes:
                    output.seek(0)
                    outputs.append(output.read()[-2000:])
                raise TimeoutError(f"ended: {ended}; printed: {outputs}")
            time.sleep(0.1)
    return [ended[index] for index in range(len(processes))]
