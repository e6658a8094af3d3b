"""How much memory a model needs to run, measured in a process of its own.

The child process imports nothing but NumPy and the runtime, notes its resident memory, asks
the kernel to forget the peak so far, then reads the model, runs it, and notes the peak. The
difference is what the model adds to an app: file, tensors, unpacked and packed weights, and
scratch memory of the kernels. Linux only, which is where `/proc` is.
"""

import json
import pathlib
import subprocess
import sys

from tf_handgroups.errors import InputError

# Sent to the child as it is, so that nothing of this package is in its memory.
_CHILD = """
import json, pathlib, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

def kilobytes(field):
    text = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(field))

before = kilobytes("VmRSS:")
try:
    pathlib.Path("/proc/self/clear_refs").write_text("5")
except OSError:
    pass  # then the peak may be that of the import, if that was higher
content = pathlib.Path(sys.argv[1]).read_bytes()
interpreter = Interpreter(model_content=content, num_threads=int(sys.argv[2]))
interpreter.allocate_tensors()
for details in interpreter.get_input_details():
    interpreter.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))
for _ in range(3):
    interpreter.invoke()
print(json.dumps({"added": kilobytes("VmHWM:") - before, "resident": kilobytes("VmRSS:")}))
"""

STATUS_FILE = pathlib.Path("/proc/self/status")


def peak_memory_mb(path: pathlib.Path, num_threads: int = 1) -> float | None:
    """Returns how much the resident memory of a process grows by loading and running a model.

    Args:
        path: A `.tflite` file.
        num_threads: Threads of the CPU kernels.

    Returns:
        Megabytes (10^6 bytes) at the peak, or `None` where `/proc` does not tell.

    Raises:
        InputError: If the model cannot be run.
    """
    if not STATUS_FILE.is_file():
        return None
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), str(num_threads)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise InputError(
            f"{path}: expected a model that runs in a process of its own. "
            f"Received: exit code {done.returncode} ({reason[0]}). Convert the model again."
        )
    return json.loads(done.stdout.splitlines()[-1])["added"] * 1024 / 1e6
