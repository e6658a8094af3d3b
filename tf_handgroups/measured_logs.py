"""Logs without the numbers that were measured on nothing."""

from collections.abc import Mapping

# The area comes from the same joints as the error.
_ERRORS = {
    "mpjpe_mm": ("mpjpe_mm", "auc_20_50"),
    "pa_mpjpe_mm": ("pa_mpjpe_mm",),
    "z_rel_loss": ("z_rel_loss",),
}


def measured(logs: Mapping[str, float] | None) -> dict[str, float]:
    """Leaves out the 3D errors if no sample had a 3D label.

    Keras' metrics and losses are then exactly 0, as sums over nothing; an error that was
    measured never is.

    Args:
        logs: As Keras gives them to callbacks; also with `val_` before the names.

    Example:

    >>> measured({"loss": 1.5, "mpjpe_mm": 0.0, "auc_20_50": 0.0, "val_mpjpe_mm": 20.0})
    {'loss': 1.5, 'val_mpjpe_mm': 20.0}
    """
    logs = dict(logs or {})
    for prefix in ("", "val_"):
        for error, names in _ERRORS.items():
            if logs.get(prefix + error) == 0:
                for name in names:
                    logs.pop(prefix + name, None)
    return logs
