"""Derivation of the photographs behind the hands."""

import pathlib

import numpy as np
import pytest

from tf_handgroups.assets import derive_background_photos as derivation
from tf_handgroups.errors import InputError

ASSETS = pathlib.Path(derivation.__file__).parent


def panorama_of_directions():
    """Each pixel holds the direction it is seen in: right, up, ahead."""
    height = 256
    latitude = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    longitude = ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5) * 2 * np.pi
    latitude, longitude = np.meshgrid(latitude, longitude, indexing="ij")
    right, ahead = np.cos(latitude) * np.sin(longitude), np.cos(latitude) * np.cos(longitude)
    return np.stack([right, np.sin(latitude), ahead], axis=2).astype(np.float32)


@pytest.mark.parametrize(("heading", "pitch"), [(0, 0), (40, -30), (180, 20), (300, 60)])
def test_views_look_where_they_should(heading, pitch):
    panorama = panorama_of_directions()
    view = derivation.camera_view(panorama, heading, pitch, 80, 65)
    turn, tilt = np.radians(heading), np.radians(pitch)
    ahead = [np.cos(tilt) * np.sin(turn), np.sin(tilt), np.cos(tilt) * np.cos(turn)]
    np.testing.assert_allclose(view[32, 32], ahead, atol=0.02)
    right = np.array([np.cos(turn), 0, -np.sin(turn)])
    reach = np.tan(np.radians(40)) * 64 / 65
    expected = (ahead + reach * right) / np.hypot(1, reach)
    np.testing.assert_allclose(view[32, 64], expected, atol=0.02)
    assert view[0, 32] @ np.cross(ahead, right) > 0.5  # upwards


def test_development_keeps_order_and_saturates_softly():
    ramp = np.linspace(0, 20, 64, dtype=np.float32)[:, None, None].repeat(3, axis=2)
    developed = derivation.developed(ramp)[:, 0, 0].astype(int)
    assert developed[0] == 0 and developed[-1] < 255
    assert (np.diff(developed) > 0).all()


def test_wrong_sources_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"city\.exr: expected a readable file"):
        derivation.derive(tmp_path, tmp_path / "photos.npz")
    (tmp_path / "blender-data").mkdir()
    (tmp_path / "blender-data" / "city.exr").write_bytes(b"another file")
    with pytest.raises(InputError, match=r"expected SHA-256 7094.* Received: "):
        derivation.derive(tmp_path, tmp_path / "photos.npz")


def test_the_asset_holds_what_its_note_says():
    sources = [line.split("  ")[1] for line in derivation.SHA256.split("\n")[1:-1]]
    note = (ASSETS / "PROVENANCE_BACKGROUND_PHOTOS.md").read_text(encoding="utf-8")
    with np.load(ASSETS / "background_photos.npz") as asset:
        names = asset.files
    assert f"{len(names)} small JPEG pictures" in note
    for source in sources:
        folder, stem = source.split("/")[0], source.split("/")[1].split(".")[0]
        assert f"`{folder}`" in note and stem in note
        assert any(name == f"{folder}/{stem}" or name == f"{folder}/{stem}-0" for name in names)
    known = {source.split(".")[0] for source in sources}
    assert {name.rsplit("-", 1)[0] if name[-2] == "-" else name for name in names} == known
    assert (ASSETS / "background_photos.npz").stat().st_size < 1_500_000
