"""The command that shows the whole road."""

import pathlib

from tf_handgroups.commands.options import Out, Overwrite, Seed
from tf_handgroups.commands.terminal import console, say


def demo(out: Out = pathlib.Path("demo_out"), overwrite: Overwrite = False, seed: Seed = 0) -> None:
    """The whole road on rendered hands in minutes, ending in one HTML report.

    Renders, trains a small network, hardens, converts, predicts.

    Example: `tf-handgroups demo --out demo_out`
    """
    from tf_handgroups.convert.demo import run_demo

    report = run_demo(out, seed=seed, overwrite=overwrite, console=console)
    say(f"Open {report} in a browser.")
