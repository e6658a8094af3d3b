"""Our model beside MediaPipe's hand landmark models: accuracy, speed, size, presence, side.

    make teacher                                     # MediaPipe's wheel, as data, in .teacher
    python -m benchmarks.peers --real ../shared/data --out peers_out
    python -m benchmarks.peers --model converted/model_int8_mixed.tflite ...

`--model` takes bundle folders and `.tflite` files with their contract; the default is
`android_assets`. All networks run in this process, by turns, through the same LiteRT with
the same settings, and see the same hands:

- `real3d_dev`: 150 photographs with 3D joints, all left hands, one camera and one scene.
- `mmpose_samples`: 25 hands of five data sets, in 2D, see `benchmarks.synth_training`.

Every hand is shown turned by six angles, in upright windows about its box with several
margins, in two passes, and in the windows that the true joints
give, among them the one where MediaPipe looks in a video. Writes `peers.json` (everything),
`peers.md` (tables) and `peers.png` into `--out`. `make peers` does all this and puts the last two
into docs/. Takes about 20 minutes on two busy cores.
"""

import argparse
import hashlib
import json
import pathlib
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ai_edge_litert

import tf_handgroups
from benchmarks.peers_accuracy import accuracy_rows, look_at_all
from benchmarks.peers_figure import peers_figure
from benchmarks.peers_latency import latency
from benchmarks.peers_networks import PEERS, Network, load_ours, load_peers
from benchmarks.peers_page import page
from benchmarks.peers_presence import (
    handedness_rows,
    look_at_mirrored,
    pictures_without_hand,
    presence_rows,
    presence_without_hand,
)
from benchmarks.peers_turning import turn_error_rows, turning_rows
from benchmarks.synth_training import mmpose_hands
from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.convert.graph_cost import graph_cost
from tf_handgroups.datasets.handjson import HandJsonDataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError

ROTATIONS = (0.0, 30.0, 60.0, 90.0, 120.0, 180.0)
MARGINS = (1.2, 1.5, 1.8, 2.2, 2.6)
THREADS = (1, 2)
JSON_FILE, PAGE_FILE, FIGURE_FILE = "peers.json", "peers.md", "peers.png"
SCHEMA = 1


def compare(
    networks: Sequence[Network],
    data: Mapping[str, Sequence[HandSample]],
    rotations: Sequence[float] = ROTATIONS,
    margins: Sequence[float] = MARGINS,
    num_renders: int = 300,
    rounds: int = 200,
    on_progress: Callable[[str, float], None] = lambda what, degrees: None,
) -> dict[str, Any]:
    """Returns everything that the page and the figure show.

    Args:
        networks: Ours first, among them one called like the first of `PEERS`.
        data: Hands by the name of their data set.
        rotations: By how many degrees to turn the pictures.
        margins: Of the windows about the boxes.
        num_renders: Rendered pictures without a hand.
        rounds: Timed runs of each file.
        on_progress: Called with what comes next.
    """
    looked = look_at_all(networks, data, rotations, margins, on_progress)
    looked_mirrored = look_at_mirrored(networks, data, rotations, on_progress)
    on_progress("pictures without a hand", 0.0)
    without_hand = presence_without_hand(networks, pictures_without_hand(num_renders))
    # Files by hash: one of ours answers under two names.
    files = {hashlib.sha256(one.content).hexdigest(): one for one in reversed(networks)}
    results = {
        "schema": SCHEMA,
        "versions": {
            "tf_handgroups": tf_handgroups.__version__,
            "ai-edge-litert": ai_edge_litert.__version__,
            "Python": platform.python_version(),
        },
        "data": {name: len(hands) for name, hands in data.items()},
        "rotations": list(rotations),
        "margins": list(margins),
        "files": [
            {
                "network": network.name,
                "sha256": digest,
                "bytes": len(network.content),
                "mmac": graph_cost(network.content, network.name).total / 1e6,
            }
            for digest, network in reversed(files.items())
        ],
        "accuracy": accuracy_rows(looked),
        "turning": turning_rows(looked),
        "turn_errors": turn_error_rows(looked),
        "presence": presence_rows(looked, without_hand),
        "handedness": handedness_rows(looked, looked_mirrored),
    }
    on_progress("latency", 0.0)
    contents = {network.name: network.content for network in reversed(files.values())}
    results["latency"] = latency(contents, next(iter(PEERS)), THREADS, rounds)
    return rounded(results)


def rounded(value: Any, digits: int = 6) -> Any:
    """Returns the value with all numbers rounded, as JSON shall have them."""
    if isinstance(value, dict):
        return {key: rounded(one, digits) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one, digits) for one in value]
    return round(value, digits) if isinstance(value, float) else value


def main(argv: list[str] | None = None) -> int:
    """Compares and writes the results."""
    parser = argparse.ArgumentParser(description="Our model beside MediaPipe's")
    parser.add_argument("--model", type=pathlib.Path, nargs="+", metavar="PATH")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path(".teacher"))
    parser.add_argument("--real", type=pathlib.Path, required=True, help="folder of photographs")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write")
    parser.add_argument("--rounds", type=int, default=200, help="timed runs of each network")
    parser.add_argument("--overwrite", action="store_true")
    options = parser.parse_args(argv)
    try:
        networks = [
            *load_ours(options.model or [pathlib.Path("android_assets")]),
            *load_peers(options.peers),
        ]
        data = {
            "real3d_dev": HandJsonDataset(options.real / "real3d_dev"),
            "mmpose_samples": mmpose_hands(options.real / "mmpose_samples"),
        }
        with replacing_folder(options.out, options.overwrite) as folder:
            results = compare(
                networks,
                data,
                rounds=options.rounds,
                on_progress=lambda what, degrees: print(f"{what}, {degrees:g} degrees", flush=True),
            )
            text = page(results)
            (folder / JSON_FILE).write_text(json.dumps(results, indent=1) + "\n")
            (folder / PAGE_FILE).write_text(text, encoding="utf-8")
            (folder / FIGURE_FILE).write_bytes(peers_figure(results))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
