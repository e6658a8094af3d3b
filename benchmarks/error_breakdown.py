"""Where a model errs: by pose, view, skin tone, hand size, distance and things in the picture.

    python -m benchmarks.error_breakdown --model android_assets --count 2000 --out breakdown_out

Renders scenes of the default settings of `synth`, with seeds that no training set has, and shows
them to the model as `evaluate` does: box and side as labelled. Whether it finds the side is asked
apart. Then it renders `--paired` further scenes in five skin tones each, everything else
equal. Writes into `--out`:

- `breakdown.md`: all numbers, for the model's card;
- `breakdown.png`: errors by skin tone, view and pose family, with intervals;
- `failures.jpg`: the worst hands, and pictures without a hand that are most taken for one.

The same arguments give the same files. With the default numbers it takes a few minutes.
"""

import argparse
import pathlib
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.error_breakdown_figure import breakdown_figure
from benchmarks.error_breakdown_hands import FIRST_SEED, look_at_scenes, scenes_of
from benchmarks.error_breakdown_page import FIGURE_FILE, SHEET_FILE, Asked, page
from benchmarks.error_breakdown_sheet import failures_sheet
from benchmarks.error_breakdown_tones import TONES, look_at_tones
from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.commands.terminal import progress
from tf_handgroups.convert.predict import Predictor
from tf_handgroups.convert.track import tracking_rule_of
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import write_image
from tf_handgroups.synth.settings import SynthSettings

PAGE_FILE = "breakdown.md"
COUNT, PAIRED = 2000, 200


def break_down(
    predictor: Predictor,
    count: int,
    paired: int,
    folder: pathlib.Path,
    command: str,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Measures and writes the three files.

    Args:
        predictor: The model.
        count: Scenes for the tables.
        paired: Further scenes, which are rendered in all tones.
        folder: Where the files go.
        command: That repeats it, for the page.
        on_progress: Called with pictures done and in all.

    Returns:
        The page.

    Raises:
        InputError: If a number is too small, no scene has a hand, or the contract does not
            say what presence means.
    """
    for name, value, least, usual in (("count", count, 1, COUNT), ("paired", paired, 2, PAIRED)):
        if value < least:
            raise InputError(
                f"error_breakdown: expected {name} of at least {least}. "
                f"Received: {name}={value}. The default is {usual}."
            )
    total = count + paired * len(TONES)
    runner = predictor.runner
    # Asked first, as a contract may not say it; a Keras model always has the default.
    threshold = tracking_rule_of(runner).presence_threshold
    looked = look_at_scenes(
        predictor,
        scenes_of(count, FIRST_SEED, SynthSettings()),
        lambda done: on_progress(done, total),
    )
    in_tones = look_at_tones(
        predictor, paired, on_progress=lambda done: on_progress(count + done, total)
    )
    if np.isnan(looked.presences).any():
        threshold = None
    asked = Asked(command, runner.name, runner.sha256, threshold)
    text = page(asked, looked, in_tones)
    (folder / PAGE_FILE).write_text(text, encoding="utf-8")
    title = f"{runner.name}, {len(looked.pa_mm)} rendered hands, 95 % intervals"
    (folder / FIGURE_FILE).write_bytes(breakdown_figure(looked, in_tones, title))
    write_image(folder / SHEET_FILE, failures_sheet(looked.worst, looked.seeming))
    return text


def main(argv: list[str] | None = None) -> int:
    """Measures and prints the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="android_assets", help="what predict takes")
    parser.add_argument("--count", type=int, default=COUNT, help="scenes for the tables")
    parser.add_argument("--paired", type=int, default=PAIRED, help="scenes in five skin tones")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write")
    parser.add_argument("--overwrite", action="store_true")
    options = parser.parse_args(argv)
    name = pathlib.Path(options.model).name
    command = (
        f"python -m benchmarks.error_breakdown --model {name} --count {options.count} "
        f"--paired {options.paired}"
    )
    try:
        predictor = Predictor(options.model)
        with (
            replacing_folder(options.out, options.overwrite) as folder,
            progress("rendering and predicting") as show,
        ):
            text = break_down(
                predictor, options.count, options.paired, folder, command, on_progress=show
            )
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
