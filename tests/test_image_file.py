import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from tf_handgroups.errors import InputError
from tf_handgroups.image_file import orientation_of, read_image, upright_size_of, write_image


@pytest.fixture
def picture():
    rows, columns = np.mgrid[:40, :60]
    return np.stack([rows * 4, columns * 4, 120 + 0 * rows], axis=-1).astype(np.uint8)


def encode(array, kind="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_lossless_round_trip(tmp_path, picture, suffix):
    write_image(tmp_path / f"a{suffix}", picture)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), picture)
    np.testing.assert_array_equal(read_image(str(tmp_path / f"a{suffix}")), picture)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_lossy_round_trip(tmp_path, picture, suffix):
    write_image(tmp_path / f"a{suffix}", picture)
    got = read_image((tmp_path / f"a{suffix}").read_bytes()).astype(int)
    # Red and blue exchanged would be off by far more.
    assert np.abs(got - picture).mean() < 3


def test_grey_alpha_and_palette_become_rgb(picture):
    grey = picture[..., 0]
    np.testing.assert_array_equal(read_image(encode(grey)), np.stack([grey] * 3, axis=-1))
    alpha = np.concatenate([picture, 0 * picture[..., :1]], axis=-1)
    np.testing.assert_array_equal(read_image(encode(alpha)), picture)
    stream = io.BytesIO()
    Image.fromarray(grey).convert("P").save(stream, "PNG")
    assert read_image(stream.getvalue()).shape == (40, 60, 3)


def test_sixteen_bit_grey_keeps_its_shades():
    shades = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    got = read_image(encode(shades))[..., 1]
    np.testing.assert_array_equal(got, (shades >> 8).astype(np.uint8))


def test_exif_orientation_is_applied(picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    got = read_image(encode(picture, "PNG", exif=exif))
    np.testing.assert_array_equal(got, np.rot90(picture, k=-1))


# The stored picture of each orientation, from the upright one (EXIF 2.3, tag 0x0112).
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, k=-1),
}


def with_orientation(array, orientation, kind="PNG"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(np.ascontiguousarray(array), kind, exif=exif)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_orientation_is_found_and_applied(tmp_path, picture, kind, orientation):
    data = with_orientation(STORED[orientation](picture), orientation, kind)
    (tmp_path / "a.jpg").write_bytes(data)
    assert orientation_of(data) == orientation_of(tmp_path / "a.jpg") == orientation
    assert upright_size_of(data) == (60, 40)
    assert np.abs(read_image(data).astype(int) - picture).mean() < 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_nonsense_orientation_is_upright(picture, orientation):
    data = with_orientation(picture, orientation)
    assert orientation_of(data) == 1
    np.testing.assert_array_equal(read_image(data), picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_no_orientation_is_upright(picture, kind):
    assert orientation_of(encode(picture, kind)) == 1


def test_orientation_after_the_pixels(picture):
    data = with_orientation(STORED[8](picture), 8)
    at = data.index(b"eXIf") - 4
    end = at + 12 + int.from_bytes(data[at : at + 4], "big")
    late = data[:at] + data[end:-12] + data[at:end] + data[-12:]
    assert orientation_of(late) == 8
    np.testing.assert_array_equal(read_image(late), picture)


def test_orientation_does_not_decode(picture):
    """The pixels may even be missing."""
    for kind, pixels in (("JPEG", b"\xff\xda"), ("PNG", b"IDAT")):
        data = with_orientation(picture, 6, kind)
        assert orientation_of(data[: data.index(pixels) + 30]) == 6
        with pytest.raises(InputError, match="Received: damaged or truncated data"):
            read_image(data[: data.index(pixels) + 30])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_damaged_exif_counts_the_same_for_both(picture, kind):
    """PNG guards it with a checksum."""
    data = with_orientation(picture, 6, kind)
    at = data.index(b"MM\0*" if b"MM\0*" in data else b"II*\0")
    rng = np.random.default_rng(0)
    shapes = set()
    for _ in range(200):
        changed = bytearray(data)
        for place in rng.integers(at, at + 22, 2):
            changed[place] = rng.integers(256)
        shape = read_image(bytes(changed)).shape
        assert shape == ((60, 40, 3) if orientation_of(bytes(changed)) > 4 else (40, 60, 3))
        shapes.add(shape)
    assert len(shapes) == 2


def test_damaged_exif_is_no_reason_to_refuse(picture):
    data = encode(picture, "JPEG", exif=b"Exif\0\0" + b"MM\0*" + b"\xff" * 20)
    assert read_image(data).shape == (40, 60, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated(tmp_path, kind, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    data = encode(noise, kind)
    file = tmp_path / "broken.jpg"
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"broken\.jpg: expected a .*Received: "):
        read_image(file)


@pytest.mark.parametrize("data", [b"", b"this is text", b"\xff\xd8\xff", b"BM" + b"\0" * 4])
def test_not_an_image(tmp_path, data):
    (tmp_path / "text.jpg").write_bytes(data)
    for read in (read_image, orientation_of, upright_size_of):
        with pytest.raises(InputError, match=r"text\.jpg: expected a .*Received: "):
            read(tmp_path / "text.jpg")


def test_image_format_that_is_not_listed(picture):
    with pytest.raises(InputError, match="expected a JPEG, PNG, WebP or BMP image"):
        read_image(encode(picture, "TIFF"))


@pytest.mark.parametrize("name", ["absent.png", "folder", "nul\0.png"])
def test_unreadable_path(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"expected a readable image file\. Received: "):
        read_image(tmp_path / name)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 100, 3), (100, 7, 3)])
def test_too_small(shape):
    with pytest.raises(InputError, match=f"Received: size={shape[1]}x{shape[0]}"):
        read_image(encode(np.zeros(shape, np.uint8)))


def test_eight_pixels_are_enough():
    assert read_image(encode(np.zeros((8, 8, 3), np.uint8))).shape == (8, 8, 3)


def png_header(width, height):
    """A PNG that claims a size and holds next to no data."""

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7100, 10_000, 60_000])
def test_too_many_pixels_is_seen_before_decoding(side):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for read in (read_image, orientation_of, upright_size_of):
            with pytest.raises(InputError, match="expected at most max_pixels=50000000"):
                read(png_header(side, side))


def test_max_pixels_can_be_set(picture):
    assert read_image(encode(picture), max_pixels=2400).shape == (40, 60, 3)
    with pytest.raises(InputError, match="Received: size=60x40"):
        read_image(encode(picture), max_pixels=2399)


def test_write_refuses_to_overwrite(tmp_path, picture):
    write_image(tmp_path / "a.png", picture)
    with pytest.raises(InputError, match="overwrite=False"):
        write_image(tmp_path / "a.png", picture)
    write_image(tmp_path / "a.png", 255 - picture, overwrite=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), 255 - picture)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_write_rejects_suffix(tmp_path, picture):
    with pytest.raises(InputError, match="Received: path="):
        write_image(tmp_path / "a.gif", picture)


@pytest.mark.parametrize(
    "bad", [np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((0, 9, 3), np.uint8)]
)
def test_write_rejects_arrays(tmp_path, bad):
    with pytest.raises(InputError, match="Received: dtype="):
        write_image(tmp_path / "a.png", bad)
    assert not list(tmp_path.iterdir())
