"""The figure can be drawn."""

import io

from PIL import Image

from benchmarks.peers_figure import peers_figure
from tests.peers_case import small_results


def test_figure_is_a_picture_with_colours_of_all_networks():
    picture = Image.open(io.BytesIO(peers_figure(small_results()))).convert("RGB")
    assert picture.width > 1000 and picture.height > 700
    colours = {colour for _, colour in picture.getcolors(picture.width * picture.height)}
    assert {(0, 114, 178), (213, 94, 0), (0, 158, 115)} <= colours
