"""Draws docs/overview.png: new renders with the joints that a model finds in them.

Command: `python docs/draw_overview.py android_assets docs/overview.png`
"""

import sys

import numpy as np

from tf_handgroups.convert.predict import Predictor
from tf_handgroups.draw_hand import draw_hand
from tf_handgroups.image_file import read_image, write_image
from tf_handgroups.synth.render import render_sample
from tf_handgroups.synth.write_shards import sample_seed

ROWS, COLUMNS = 3, 7
SET_SEED = 9  # Neither trained nor validated on.


def main(model: str, out: str) -> None:
    """Renders hands, predicts them and writes one picture."""
    predictor = Predictor(model)
    tiles = []
    index = 0
    while len(tiles) < ROWS * COLUMNS:
        sample = render_sample(sample_seed(SET_SEED, index), 192)
        index += 1
        if sample.presence:
            image = read_image(sample.image)
            hand = predictor.predict(image, [sample.box_px], [sample.handedness])[0]
            tiles.append(draw_hand(image, hand.uv_px))
    rows = [np.hstack(tiles[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
    write_image(out, np.vstack(rows), overwrite=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
