"""The command that labels photographs with a teacher model."""

import pathlib
from typing import Annotated

import typer

from tf_handgroups.commands.options import Out, Overwrite
from tf_handgroups.commands.terminal import progress, say


def pseudo_label(
    source: Annotated[
        pathlib.Path, typer.Argument(help="Folder or tar archive of photographs of hands.")
    ],
    out: Out,
    licence: Annotated[str, typer.Option(help="Licence of the photographs, e.g. MIT.")],
    teacher: Annotated[
        pathlib.Path | None,
        typer.Option(help="Wheel of the teacher, or the folder it is installed in."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a limit: name=value, see the docs.")
    ] = None,
    contact_sheet: Annotated[
        pathlib.Path | None,
        typer.Option(help="Also draw kept and rejected hands to this PNG: look at it."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Labels unlabelled photographs with a teacher model; keeps what can be trusted.

    2D joints and side, as a handjson folder for training, not for evaluation. The teacher
    is MediaPipe's hand model; the error message without it says how to get it.

    Example: `tf-handgroups pseudo-label photographs --licence MIT --teacher .teacher
    --out hands/pseudo --contact-sheet pseudo.png`
    """
    from tf_handgroups.image_file import write_image
    from tf_handgroups.number_fields import with_numbers
    from tf_handgroups.teacher.geometry_checks import LabelLimits
    from tf_handgroups.teacher.pseudo_label import pseudo_label as run_pseudo_label
    from tf_handgroups.teacher.teacher_models import load_teacher

    limits = with_numbers(LabelLimits, set_ or [])
    models = load_teacher(teacher)
    with progress("labelling") as show:
        report = run_pseudo_label(source, out, models, licence, limits, overwrite, show)
    if contact_sheet is not None and report.sheet is not None:
        write_image(contact_sheet, report.sheet, overwrite=True)
        say(f"Contact sheet: {contact_sheet}")
    reasons = ", ".join(f"{reason} {count}" for reason, count in report.rejected.items())
    say(
        f"{report.num_kept} hands from {report.num_pictures} pictures; not kept: "
        f"{reasons or 'none'}. Use them as --data handjson:{out}"
    )
