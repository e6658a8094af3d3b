import numpy as np
import pytest

from tf_handgroups.draw_hand import draw_box, draw_hand, draw_text, joint_colour
from tf_handgroups.joints import FINGER_COLOURS_RGB


@pytest.fixture
def image():
    return np.full((200, 240, 3), 90, np.uint8)


@pytest.fixture
def uv():
    """Five vertical fingers, 40 px apart, the wrist at (20, 180)."""
    points = np.zeros((21, 2))
    points[0] = [20.0, 180.0]
    for joint in range(1, 21):
        finger, part = divmod(joint - 1, 4)
        points[joint] = [40.0 + 40 * finger, 130.0 - 30 * part]
    return points


def test_joints_and_bones_lie_where_they_should(image, uv):
    picture = draw_hand(image, uv, thickness_px=3)
    for joint in range(21):
        u, v = uv[joint].astype(int)
        assert picture[v, u].tolist() == list(joint_colour(joint))
    # Half way between the two outer joints of the index finger.
    assert picture[55, 80].tolist() == list(FINGER_COLOURS_RGB["index"])


def test_input_is_left_alone(image, uv):
    draw_hand(image, uv)
    draw_box(image, np.array([10, 10, 50, 50]), label="left")
    assert (image == 90).all()


def test_colours_are_rgb(image, uv):
    red, _, blue = draw_hand(image, uv, thickness_px=3)[130, 40].tolist()
    assert (red, blue) == (213, 0)


def test_invisible_joints_are_dimmed(image, uv):
    visible = np.arange(21) != 4
    picture = draw_hand(image, uv, visible, thickness_px=3)
    tip, next_joint = picture[40, 40].astype(int), picture[70, 40]
    expected = 0.35 * np.array(FINGER_COLOURS_RGB["thumb"]) + 0.65 * 90
    np.testing.assert_allclose(tip, expected, atol=1)
    assert next_joint.tolist() == list(FINGER_COLOURS_RGB["thumb"])


def test_edges_are_anti_aliased(image, uv):
    slanted = uv + np.linspace(0, 25, 21)[:, None]
    assert len(np.unique(draw_hand(image, slanted).reshape(-1, 3), axis=0)) > 50


def test_position_is_exact_to_a_fraction_of_a_pixel(image, uv):
    left, right = (
        draw_hand(image, uv + np.array([shift, 0])).astype(int) for shift in (-0.25, 0.25)
    )
    assert (left != right).any()


def test_joints_that_are_not_finite_are_left_out(image, uv):
    expected = draw_hand(image, uv, thickness_px=2)
    uv[4] = np.nan
    picture = draw_hand(image, uv, thickness_px=2)
    assert (picture[30:50, 30:50] == 90).all()
    np.testing.assert_array_equal(picture[:, 100:], expected[:, 100:])


def test_nothing_to_draw(image):
    assert (draw_hand(image, np.full((21, 2), np.nan)) == 90).all()


@pytest.mark.parametrize("scale", [1e6, 1e12])
def test_far_outside_does_not_fail(image, uv, scale):
    assert draw_hand(image, uv * scale).shape == image.shape
    assert draw_box(image, np.full(4, scale)).shape == image.shape


def test_box(image):
    picture = draw_box(image, np.array([10, 20, 100, 50]), (255, 0, 0), label="right 0.98")
    assert picture[20, 60].tolist() == picture[70, 60].tolist() == [255, 0, 0]
    assert picture[45, 10].tolist() == picture[45, 110].tolist() == [255, 0, 0]
    assert (picture[45, 60] == 90).all()
    assert (picture[5:16, 10:90] != 90).any()


def test_text_beyond_ascii_is_replaced(image):
    other = image.copy()
    draw_text(image, "Händ", (10, 50))
    draw_text(other, "H?nd", (10, 50))
    np.testing.assert_array_equal(image, other)
