"""Runs recorded calls of LiteRT models; executed by the emulated ARM64 Python.

Needs nothing but LiteRT and NumPy. Arguments: a folder with `calls.json`, a list of
`{"model": PATH, "calls": [[input names]]}`. Input `name` of call `i` of model `m` is
`m_i_name.npy` in the folder; outputs are written as `m_i_out_name.npy`.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main(folder: str) -> None:
    """Runs all calls of `calls.json`."""
    place = pathlib.Path(folder)
    for number, entry in enumerate(json.loads((place / "calls.json").read_text())):
        interpreter = Interpreter(model_path=entry["model"], num_threads=1)
        infer = interpreter.get_signature_runner()
        for index, names in enumerate(entry["calls"]):
            start = f"{number}_{index}"
            results = infer(**{name: np.load(place / f"{start}_{name}.npy") for name in names})
            for name, values in results.items():
                np.save(place / f"{start}_out_{name}.npy", values)


if __name__ == "__main__":
    main(sys.argv[1])
