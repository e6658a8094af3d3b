"""tf_handgroups: 3D hand-pose networks that learn their own joint groups.

The names below are imported when first used, so that `import tf_handgroups` and the
command line's `--help` do not wait for TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tf_handgroups.convert.convert import convert_model as convert_model
    from tf_handgroups.convert.predict import Predictor as Predictor
    from tf_handgroups.datasets.registry import open_dataset as open_dataset
    from tf_handgroups.datasets.sample import HandSample as HandSample
    from tf_handgroups.errors import GateError as GateError
    from tf_handgroups.errors import InputError as InputError
    from tf_handgroups.evaluation import evaluate as evaluate
    from tf_handgroups.hardening import harden as harden
    from tf_handgroups.model_file import load_model as load_model
    from tf_handgroups.model_file import save_model as save_model
    from tf_handgroups.models.hand_pose_model import HandPoseModel as HandPoseModel
    from tf_handgroups.protocols import get_protocol as get_protocol
    from tf_handgroups.recipes import get_recipe as get_recipe
    from tf_handgroups.training import train as train

__version__ = "0.1.0"

_HOMES = {
    "GateError": "errors",
    "HandPoseModel": "models.hand_pose_model",
    "HandSample": "datasets.sample",
    "InputError": "errors",
    "Predictor": "convert.predict",
    "convert_model": "convert.convert",
    "evaluate": "evaluation",
    "get_protocol": "protocols",
    "get_recipe": "recipes",
    "harden": "hardening",
    "load_model": "model_file",
    "open_dataset": "datasets.registry",
    "save_model": "model_file",
    "train": "training",
}

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
