"""What is wrong or strange with one sample, and what it measures.

Worker processes import this module: it needs neither TensorFlow nor OpenCV.
"""

import dataclasses

import numpy as np

from tf_handgroups.camera import project, reference_bone_mm
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import orientation_of, read_image
from tf_handgroups.joints import BONES, NUM_JOINTS, ROOT_JOINT

MAX_REPROJECTION_PX = 1.0
BONE_RANGE_MM = (5.0, 150.0)
MIN_BOX_INSIDE = 0.5

# What makes a sample suspicious, in the order of the report.
SUSPICIONS = {
    "image_size": "the image has another size than the labels say",
    "exif_turned": "EXIF turns the picture; the labels must fit it as one sees it",
    "box_outside": "less than half of the box lies inside the image",
    "joint_outside": "a joint marked visible lies outside the image",
    "nothing_labelled": "neither a visible joint nor 3D",
    "reprojection": f"3D joints land more than {MAX_REPROJECTION_PX:g} px from the 2D joints",
    "bone": f"reference bone outside {BONE_RANGE_MM[0]:g}-{BONE_RANGE_MM[1]:g} mm; wrong unit?",
    "depth": "a joint is not in front of the camera",
}

_UNKNOWN = float("nan")


@dataclasses.dataclass(frozen=True, eq=False)
class SampleCheck:
    """Findings on one sample.

    Args:
        broken: Why it cannot be used, or `None`.
        suspicious: `{key of SUSPICIONS: what was found}`.
        image_size: `(width, height)` of the decoded image.
        reference_bone_mm: Length of the bone 9-10, NaN if unknown.
        bones_mm: `(20,)` lengths in the order of `joints.BONES`, NaN where unknown.
        root_depth_mm: z of joint 9, NaN if unknown.
        reprojection_px: `(21,)` distance of projected 3D joints from the visible 2D
            joints, NaN where one of them is missing.

    Example:

    >>> SampleCheck(broken="no image").suspicious
    {}
    """

    broken: str | None = None
    suspicious: dict[str, str] = dataclasses.field(default_factory=dict)
    image_size: tuple[int, int] = (0, 0)
    reference_bone_mm: float = _UNKNOWN
    bones_mm: np.ndarray = dataclasses.field(default_factory=lambda: np.full(len(BONES), np.nan))
    root_depth_mm: float = _UNKNOWN
    reprojection_px: np.ndarray = dataclasses.field(
        default_factory=lambda: np.full(NUM_JOINTS, np.nan)
    )


def check_sample(sample: HandSample) -> SampleCheck:
    """Decodes the image of a sample and holds its labels against it and each other.

    Args:
        sample: Any sample.

    Returns:
        `SampleCheck`; an image that cannot be read is no error but a finding.

    Example:

    >>> sample = HandSample(sample_id="0", image=b"no image", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.ones(21), handedness=None,
    ...     box_px=(0, 0, 32, 32))
    >>> check_sample(sample).broken
    'image bytes: expected a JPEG, PNG, WebP or BMP image. ...'
    """
    try:
        height, width = read_image(sample.image).shape[:2]
        orientation = orientation_of(sample.image)
    except InputError as error:
        return SampleCheck(broken=str(error))
    except Exception as error:  # a decoder's surprise must not hide the other samples
        return SampleCheck(broken=f"{type(error).__name__}: {error}")
    suspicious = {}
    if (width, height) != tuple(sample.image_size):
        said = "x".join(str(side) for side in sample.image_size)
        suspicious["image_size"] = f"labels say {said}, the image has {width}x{height}"
    if orientation != 1:
        suspicious["exif_turned"] = f"EXIF orientation {orientation}"
    inside = _share_inside(sample.box_px, width, height)
    if inside < MIN_BOX_INSIDE:
        suspicious["box_outside"] = f"{inside:.0%} of box {_text(sample.box_px)} is inside"
    if not sample.presence:
        return SampleCheck(suspicious=suspicious, image_size=(width, height))

    seen = sample.uv_px[sample.visible]
    outside = ((seen <= -0.5) | (seen >= np.array([width, height]) - 0.5)).any(axis=-1)
    if outside.any():
        suspicious["joint_outside"] = f"{outside.sum()} joints, e.g. {_text(seen[outside][0])}"
    if not sample.visible.any() and sample.xyz_camera_mm is None:
        suspicious["nothing_labelled"] = "no visible joint, no 3D"
    reprojection = _reprojection_px(sample)
    if (reprojection > MAX_REPROJECTION_PX).any():
        joint = int(np.nanargmax(reprojection))
        suspicious["reprojection"] = f"up to {reprojection[joint]:.3g} px, joint {joint}"
    xyz = np.full((NUM_JOINTS, 3), np.nan) if sample.xyz_camera_mm is None else sample.xyz_camera_mm
    xyz = xyz.astype(np.float64)
    bone = float(reference_bone_mm(xyz))
    if np.isnan(bone) and sample.bone_mm is not None:
        bone = sample.bone_mm
    if not (np.isnan(bone) or BONE_RANGE_MM[0] <= bone <= BONE_RANGE_MM[1]):
        suspicious["bone"] = f"{bone:.4g} mm"
    depth = xyz[:, 2]
    if (depth <= 0).any():
        suspicious["depth"] = f"smallest z {np.nanmin(depth):.4g} mm"
    parents, children = np.array(BONES).T
    return SampleCheck(
        suspicious=suspicious,
        image_size=(width, height),
        reference_bone_mm=bone,
        bones_mm=np.linalg.norm(xyz[children] - xyz[parents], axis=-1),
        root_depth_mm=float(depth[ROOT_JOINT]),
        reprojection_px=reprojection,
    )


def check_samples(samples: list[HandSample]) -> list[SampleCheck]:
    """Checks several samples, for a worker process.

    Example:

    >>> check_samples([])
    []
    """
    return [check_sample(sample) for sample in samples]


def _share_inside(box_px: np.ndarray, width: int, height: int) -> float:
    """Share of the box's area inside the image, which reaches from -0.5 to side - 0.5."""
    low = np.maximum(box_px[:2], -0.5)
    high = np.minimum(box_px[:2] + box_px[2:], np.array([width, height]) - 0.5)
    return float(np.prod(np.maximum(high - low, 0) / box_px[2:]))


def _reprojection_px(sample: HandSample) -> np.ndarray:
    distance = np.full(NUM_JOINTS, np.nan)
    xyz, intrinsics = sample.xyz_camera_mm, sample.intrinsics_px
    if xyz is None or intrinsics is None or not (np.diag(intrinsics)[:2] > 0).all():
        return distance
    # NaN is not greater than 0.
    both = sample.visible & (xyz[:, 2] > 0)
    if both.any():
        difference = project(xyz[both], intrinsics) - sample.uv_px[both]
        distance[both] = np.linalg.norm(difference, axis=-1)
    return distance


def _text(numbers: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in numbers) + ")"
