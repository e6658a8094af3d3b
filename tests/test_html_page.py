import io
import re

import numpy as np
from PIL import Image

from tf_handgroups.html_page import figure, jpeg, page, paragraph, table, text
from tf_handgroups.plots import bar_comparison


def test_text_from_outside_cannot_become_markup():
    hostile = '<script>alert("1")</script> & `<b>`'
    for made in (
        text(hostile),
        paragraph(hostile),
        table([hostile], [[hostile]]),
        figure(jpeg(np.zeros((8, 8, 3), np.uint8)), hostile),
        page(hostile, ""),
    ):
        assert "<script" not in made
        assert "<b>" not in made
        assert "&lt;script&gt;" in made


def test_caption_cannot_leave_the_alt_attribute():
    made = figure(jpeg(np.zeros((8, 8, 3), np.uint8)), 'a" onerror="x')
    assert re.search(r'alt="a&quot; onerror=&quot;x"', made)


def test_html_cells_are_taken_as_they_are():
    assert "<td><b>1</b></td>" in table(["n"], [["<b>1</b>"]], html_cells=True)


def test_picture_kind_follows_the_bytes():
    assert "data:image/png;" in figure(bar_comparison({"a": 1.0}, "ms"), "bars")
    assert "data:image/jpeg;" in figure(jpeg(np.zeros((8, 8, 3), np.uint8)), "photo")


def test_wide_pictures_scroll():
    picture = jpeg(np.zeros((8, 8, 3), np.uint8))
    assert '<div class="scroll"><img class="wide chart"' in figure(picture, "", True, True)
    assert "scroll" not in figure(picture, "")


def test_jpeg_keeps_size_and_colour():
    pixels = np.full((20, 30, 3), (200, 40, 90), np.uint8)
    image = Image.open(io.BytesIO(jpeg(pixels)))
    assert image.size == (30, 20)
    assert np.abs(np.asarray(image, int) - pixels).max() < 8


def test_page_suits_phone_and_dark_mode():
    made = page("title", "<p>body</p>")
    assert 'name="viewport"' in made
    assert "prefers-color-scheme: dark" in made
    assert made.count("<body>") == made.count("</html>") == 1
