"""The command line: `tf-handgroups COMMAND`.

Exit codes: 0 done, 1 failure while running, 2 unusable arguments or input, 3 a
quality gate not met. It never asks questions and replaces nothing without
`--overwrite`. The commands lie in `tf_handgroups.commands`.
"""

import os
import sys

import typer

from tf_handgroups.commands.ablation import ablate
from tf_handgroups.commands.check import check_data
from tf_handgroups.commands.conversion import benchmark, bundle, convert
from tf_handgroups.commands.data import convert_coco, synth
from tf_handgroups.commands.data_service import data_dispatcher, data_worker
from tf_handgroups.commands.demo import demo
from tf_handgroups.commands.evaluation import evaluate, plot_pck
from tf_handgroups.commands.pack import pack, show_batch
from tf_handgroups.commands.prediction import predict
from tf_handgroups.commands.pseudo_label import pseudo_label
from tf_handgroups.commands.reference import import_reference
from tf_handgroups.commands.terminal import errors
from tf_handgroups.commands.training import train
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.quiet_start import import_tensorflow_quietly

# Along the road from data to an app, which is the order of --help.
COMMANDS = (
    demo,
    synth,
    pack,
    convert_coco,
    pseudo_label,
    check_data,
    show_batch,
    train,
    data_dispatcher,
    data_worker,
    import_reference,
    evaluate,
    plot_pck,
    ablate,
    predict,
    convert,
    bundle,
    benchmark,
)

# What Typer returns after Ctrl-C.
TYPER_INTERRUPTED = 130

app = typer.Typer(
    help="Train 3D hand-pose networks that learn their joint groups; ship them as LiteRT bundles.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        argv: Arguments without the program's name; those of the process if `None`.

    Example:

    >>> main(["train", "--recipe", "none", "--data", "a:b", "--val", "a:b", "--out", "run"])
    2
    """
    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments and "--help" not in arguments:
            import_tensorflow_quietly()
        result = app(args=arguments, prog_name="tf-handgroups", standalone_mode=False)
        if result == TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except InputError as error:
        return _fail(error, 2)
    except GateError as error:
        return _fail(error, 3)
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        return 1
    except KeyboardInterrupt:
        errors.print("Interrupted.")
        return 1
    except Exception as error:
        # Typer's own usage errors know how to print themselves and their exit code.
        show = getattr(error, "show", None)
        if callable(show):
            show()
            return int(getattr(error, "exit_code", 2))
        if os.environ.get("HANDGROUPS_DEBUG"):
            raise
        return _fail(error, 1)


def _fail(error: Exception, code: int) -> int:
    message = str(error) or type(error).__name__
    errors.print("error:", style="bold red", end=" ")
    errors.print(message, markup=False, highlight=False)
    return code


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main())
