"""Networks that know where the one hand of `map_picture` is, for the comparison with peers."""

import functools
import pathlib
from unittest import mock

import numpy as np

from benchmarks import peers, peers_networks
from benchmarks.peers_networks import MediaPipeNetwork, OneWay, OurNetwork
from benchmarks.peers_presence import PHOTOGRAPHS, RENDERS
from tests.hands import encode_png
from tests.teacher.fake_teacher import SIZE, FakeTeacher, map_matrix, map_picture, right_hand
from tf_handgroups.crop import transform_points
from tf_handgroups.datasets.sample import HandSample, box_around
from tf_handgroups.joints import REFERENCE_BONE

ROOT = pathlib.Path(__file__).parents[1]
SHIPPED = ROOT / "android_assets" / "handpose_mobile_synth_128_int8_mixed.tflite"


def the_hand() -> FakeTeacher:
    """A right hand with bent fingers; a pixel is 3 mm."""
    return FakeTeacher(right_hand(30))


def sample_of(hand: FakeTeacher, handedness: str | None = "right", **changes) -> HandSample:
    """The hand as labelled, in weak perspective."""
    values = {
        "sample_id": "0",
        "image": encode_png(map_picture()),
        "image_size": SIZE,
        "uv_px": hand.uv,
        "visible": np.ones(21),
        "handedness": handedness,
        "box_px": box_around(hand.uv),
        "xyz_camera_mm": 36 * hand.xyz + [0, 0, 500],
    }
    return HandSample(**(values | changes))


class FakeRunner:
    """Of our file: joints and depth of the hand, and logits.

    Args:
        hand: That it knows.
        error_px: Added to every u in pixels of the crop.
        heads: Whether it has presence and handedness.
    """

    input_size = 128

    def __init__(self, hand: FakeTeacher, error_px: float = 0.0, heads: bool = True):
        self.hand, self.error_px, self.heads = hand, error_px, heads
        self.num_crops = 0

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        self.num_crops += len(crops)
        results = [self._look(crop) for crop in crops]
        return {name: np.stack([result[name] for result in results]) for name in results[0]}

    def _look(self, crop):
        assert crop.shape == (128, 128, 3)
        matrix = map_matrix(crop)
        xyz = self.hand.xyz
        bone = np.linalg.norm(xyz[REFERENCE_BONE[1]] - xyz[REFERENCE_BONE[0]])
        as_right = self.hand.is_right == (np.linalg.det(matrix[:, :2]) > 0)
        found = {
            "uv_px": transform_points(matrix, self.hand.uv) + np.array([self.error_px, 0]),
            "z_rel": (xyz[:, 2] - xyz[9, 2]) / bone,
        }
        if self.heads:
            found |= {
                "presence": np.array([3.0 if as_right else 2.0]),
                "handedness": np.array([2.0 if as_right else -1.0]),
            }
        return found


def our_network(finds_side: bool = False, content: bytes = b"", **options) -> OurNetwork:
    name = "ours" + peers_networks.SIDE_FOUND * finds_side
    return OurNetwork(OneWay(FakeRunner(the_hand(), **options)), name, content, finds_side)


def their_network(name: str, content: bytes = b"", noise_px: float = 0.0) -> MediaPipeNetwork:
    network = MediaPipeNetwork.__new__(MediaPipeNetwork)
    network.name, network.content = name, content
    network._landmarks = FakeTeacher(right_hand(30), noise_px=noise_px).landmarks
    return network


@functools.cache
def small_results() -> dict:
    """The comparison of two files in few pictures, as it is written."""
    content = SHIPPED.read_bytes()
    networks = [
        our_network(content=content, error_px=1.0),
        our_network(True, content=content, error_px=1.0),
        *(
            their_network(name, content + bytes(index + 1), noise_px=4.0)
            for index, name in enumerate(peers.PEERS)
        ),
    ]
    sample = sample_of(the_hand())
    flat = sample_of(the_hand(), None, xyz_camera_mm=None)
    data = {"real3d_dev": [sample, sample], "mmpose_samples": [flat]}
    # These networks can read no other picture.
    others = [(kind, map_picture(), sample.box_px) for kind in (RENDERS, PHOTOGRAPHS)]
    with mock.patch.object(peers, "pictures_without_hand", lambda count: iter(others)):
        return peers.compare(networks, data, (0.0, 90.0), (1.5, 2.0), rounds=2)
