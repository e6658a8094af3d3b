"""`predict` on files: images and boxes in, `predictions.json` and overlays out."""

import json
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.convert.detector import FullFrame, HandDetector, detected_boxes
from tf_handgroups.convert.predict import Predictor, find_images
from tf_handgroups.datasets.handjson import HandBox, read_boxes
from tf_handgroups.draw_hand import draw_hand
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image, write_image

SCHEMA = 1
PREDICTIONS_FILE = "predictions.json"


def predict_files(
    model: str | os.PathLike,
    inputs: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    *,
    boxes: str | os.PathLike | None = None,
    detector: HandDetector | None = None,
    handedness: str | None = None,
    num_threads: int = 1,
    trust: bool = False,
    overwrite: bool = False,
    track: Callable[[list], Iterable] = iter,
) -> int:
    """Predicts all hands of image files; writes everything or nothing.

    Args:
        model: A `.keras` or `.tflite` file, or a bundle folder.
        inputs: Image files and folders of images.
        out: Folder for `predictions.json` and one overlay per image.
        boxes: `handjson` file whose entries name images by path or file name.
        detector: Finds the boxes where no file does; by default each image is one hand's
            window.
        handedness: `"left"` or `"right"` for hands whose side no file states.
        num_threads: Threads for LiteRT.
        trust: Whether a `.tflite` file may come without its contract, see `load_runner`.
        overwrite: Whether an existing `out` may be replaced.
        track: Wraps the list of images to show progress.

    Returns:
        The number of hands.

    Raises:
        InputError: If the model, an image or a box cannot be used.
    """
    images = find_images([pathlib.Path(path) for path in inputs])
    hands_of = _boxes_by_image(images, boxes)
    predictor = Predictor(model, num_threads, trust)
    hands = []
    with replacing_folder(out, overwrite) as folder:
        for path in track(images):
            pixels = read_image(path)
            if boxes is None:
                areas = detected_boxes(detector or FullFrame(), pixels)
                sides = [handedness] * len(areas)
            else:
                areas = [hand.box_px for hand in hands_of[path]]
                sides = [hand.handedness or handedness for hand in hands_of[path]]
            try:
                predictions = predictor.predict(pixels, areas, sides)
            except InputError as error:
                raise InputError(f"{path}: {error}") from error
            overlay = pixels
            for hand in predictions:
                overlay = draw_hand(overlay, hand.uv_px)
                hands.append({"image": os.fspath(path)} | hand.to_json())
            write_image(folder / _overlay_name(path, images), overlay)
        result = {"schema": SCHEMA, "model_sha256": predictor.runner.sha256, "hands": hands}
        text = json.dumps(result, indent=1, allow_nan=False)
        (folder / PREDICTIONS_FILE).write_text(text + "\n", encoding="utf-8")
    return len(hands)


def _overlay_name(path: pathlib.Path, images: list[pathlib.Path]) -> str:
    """Returns a name that stays distinct when two folders hold the same file name."""
    alike = [other for other in images if other.name == path.name]
    number = f"_{alike.index(path)}" if len(alike) > 1 else ""
    return f"{path.stem}{number}_overlay.png"


def _boxes_by_image(
    images: list[pathlib.Path], boxes: str | os.PathLike | None
) -> dict[pathlib.Path, list[HandBox]]:
    """Assigns boxes to images: by path, or by file name where that is unambiguous."""
    if boxes is None:
        return {path: [] for path in images}
    entries = read_boxes(boxes)
    result = {}
    for path in images:
        same = [hand for hand in entries if hand.image.resolve() == path.resolve()]
        if not same:
            same = [hand for hand in entries if hand.image.name == path.name]
            if len({hand.image for hand in same}) > 1:
                raise InputError(
                    f"{boxes}: several entries are called {path.name!r}. "
                    f"Received: {path}. Put the boxes file beside the images' folder."
                )
        if not same:
            raise InputError(
                f"{boxes}: expected a box for every image. Received: none for {path}. "
                "Add an entry with this `file`, or leave out --boxes."
            )
        result[path] = same
    return result
