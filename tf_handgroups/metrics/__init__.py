"""Keras metrics of hand pose, and the NumPy functions they share with `evaluate`."""

from tf_handgroups.metrics.end_point_error import EndPointError
from tf_handgroups.metrics.mpjpe import MPJPE
from tf_handgroups.metrics.pa_mpjpe import PAMPJPE
from tf_handgroups.metrics.pck import PCK
from tf_handgroups.metrics.pck_auc import PCKAUC
from tf_handgroups.metrics.procrustes import procrustes_align

__all__ = ["MPJPE", "PAMPJPE", "PCK", "PCKAUC", "EndPointError", "procrustes_align"]
