"""Makes the figures of `tests/reference_figures.npz` for any salt, with PyTorch.

    python -m benchmarks.reference_figures --salt thumb: --out tests/reference_figures.npz

Needs `pip install torch`. A salt seeds weights and images, see `tests.reference_state`;
its figures bear its name without the colon. Figures of other salts in the file stay. Those
of `handgroups` were computed by the authors' own network, so the file's are not made here.
"""

import argparse
import pathlib
import sys

import numpy as np

from benchmarks.torch_network import backbone_outputs, load_torch_network, predict
from tests.reference_state import reference_input, reference_state


def figures(salt: str) -> dict[str, np.ndarray]:
    """Computes what the network of a salt returns.

    Args:
        salt: Any text, such as `handgroups:`.

    Returns:
        Float32 arrays: `uv_hard (2, 21, 2)` in pixels and `depth_hard (2, 21)` with each
        joint from its most likely group, `uv_uniform` and `depth_uniform` with the mean of
        all groups, `heatmap_backbone_mean (2, 21)` and `feature_backbone_mean (2, 256)`,
        means over the grid; and the int64 `groups (21,)`.
    """
    state, images = reference_state(salt), reference_input(salt)
    network = load_torch_network(state)
    logits = state["meta_S.weight"]
    groups = logits.argmax(axis=1)
    num_groups = logits.shape[1]
    hard = np.eye(num_groups, dtype=np.float32)[groups]
    uv_hard, depth_hard = predict(network, images, hard)
    uv_uniform, depth_uniform = predict(network, images, np.full_like(logits, 1 / num_groups))
    features, heatmaps = backbone_outputs(network, images)
    return {
        "uv_hard": uv_hard,
        "depth_hard": depth_hard,
        "uv_uniform": uv_uniform,
        "depth_uniform": depth_uniform,
        "heatmap_backbone_mean": heatmaps.mean(axis=(2, 3)),
        "feature_backbone_mean": features.mean(axis=(2, 3)),
        "groups": groups,
    }


def main(argv: list[str] | None = None) -> int:
    """Adds the figures of one or more salts to a file."""
    parser = argparse.ArgumentParser(description="Figures of the paper's network for a salt")
    parser.add_argument("--salt", action="append", required=True, help="may be repeated")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="an .npz file")
    options = parser.parse_args(argv)
    arrays = {}
    if options.out.exists():
        with np.load(options.out) as known:
            arrays = dict(known)
    for salt in options.salt:
        for name, array in figures(salt).items():
            arrays[f"{salt.removesuffix(':')}_{name}"] = array
    with options.out.open("wb") as file:
        np.savez(file, **arrays)
    print(f"{options.out}: figures of {', '.join(options.salt)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
