"""The command that finds hands in images, videos and camera pictures."""

import contextlib
import enum
import pathlib
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from tf_handgroups.commands.options import Model, Out, Overwrite, Threads, Trust
from tf_handgroups.commands.terminal import errors, progress, say
from tf_handgroups.errors import InputError

if TYPE_CHECKING:
    from tf_handgroups.convert.predict_video import VideoSummary


DEFAULT_DETECTOR = "full-frame"


class Handedness(enum.StrEnum):
    """Sides of `predict`."""

    LEFT = "left"
    RIGHT = "right"


def predict(
    model: Model,
    out: Out,
    inputs: Annotated[
        list[pathlib.Path] | None,
        typer.Argument(help="Images, folders of images, or one video."),
    ] = None,
    camera: Annotated[
        int | None, typer.Option(min=0, help="Follow a hand before this camera: 0 is the first.")
    ] = None,
    boxes: Annotated[
        pathlib.Path | None,
        typer.Option(help="handjson file with `file`, `box_px`, `handedness` of each hand."),
    ] = None,
    detector: Annotated[
        str,
        typer.Option(
            help="Where hands are looked for without --boxes, in a video until one is found: "
            "full-frame, centre, centre:SHARE, mediapipe or mediapipe:FOLDER (see make teacher)."
        ),
    ] = DEFAULT_DETECTOR,
    handedness: Annotated[
        Handedness | None, typer.Option(help="Side of all hands whose side no file states.")
    ] = None,
    threads: Threads = 1,
    trust: Trust = False,
    overwrite: Overwrite = False,
) -> None:
    """Finds the 21 joints of hands: predictions.json and overlays.

    Without --boxes and --detector the whole image is taken as one hand's window. In a video
    one hand is followed from frame to frame by its own joints, which are smoothed. Ctrl-C
    keeps what was done.

    Example: `tf-handgroups predict --model android_assets photo.jpg --boxes boxes.json
    --out result`
    """
    from tf_handgroups.convert.detector import make_detector
    from tf_handgroups.convert.predict import Predictor
    from tf_handgroups.convert.predict_files import predict_files
    from tf_handgroups.convert.predict_video import predict_video
    from tf_handgroups.convert.track import HandTracker
    from tf_handgroups.convert.video import VIDEO_SUFFIXES, open_camera, open_video
    from tf_handgroups.convert.video_window import can_show, open_window

    paths = inputs or []
    videos = [path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES]
    _check_inputs(paths, videos, camera, boxes)
    if boxes is not None and detector != DEFAULT_DETECTOR:
        raise InputError(
            "predict: expected either --boxes or --detector. "
            f"Received: boxes={str(boxes)!r}, detector={detector!r}."
        )
    finder = make_detector(detector)
    if not videos and camera is None:
        count = predict_files(
            model,
            paths,
            out,
            boxes=boxes,
            detector=finder,
            handedness=handedness,
            num_threads=threads,
            trust=trust,
            overwrite=overwrite,
            track=lambda items: track(items, "predicting", console=errors),
        )
        say(f"{count} hands in {out / 'predictions.json'}, overlays beside it.")
        return
    with contextlib.ExitStack() as stack:
        if camera is None:
            source = stack.enter_context(open_video(videos[0]))
        else:
            source = stack.enter_context(open_camera(camera))
        predictor = Predictor(model, threads, trust)
        tracker = HandTracker(predictor, finder, handedness=handedness)
        window = None
        if camera is not None:
            window = open_window("tf-handgroups") if can_show() else None
            say(_how_to_stop(has_window=window is not None))
        show = stack.enter_context(progress("following"))
        summary = predict_video(
            tracker,
            source,
            out,
            model_sha256=predictor.runner.sha256,
            overwrite=overwrite,
            progress=show,
            say=errors.print,
            window=window,
        )
    _report(summary, out, source.num_frames)
    if summary.interrupted and camera is None:
        raise typer.Exit(1)


def _check_inputs(
    paths: list[pathlib.Path],
    videos: list[pathlib.Path],
    camera: int | None,
    boxes: pathlib.Path | None,
) -> None:
    if bool(paths) == (camera is not None):
        raise InputError(
            "predict: expected images, folders, a video, or --camera N. "
            f"Received: inputs={[str(path) for path in paths]}, camera={camera}."
        )
    if videos and len(paths) > 1:
        raise InputError(
            "predict: expected one video at a time, without other inputs. "
            f"Received: inputs={[str(path) for path in paths]}. Run it once for each."
        )
    if boxes is not None and (videos or camera is not None):
        raise InputError(
            "predict: expected no boxes for a video or a camera, where a hand is followed by its "
            f"own joints. Received: boxes={str(boxes)!r}. Use --detector for the first one."
        )


def _how_to_stop(has_window: bool) -> str:
    if has_window:
        return "q or Escape in the window, or Ctrl-C here, ends it."
    return "Ctrl-C ends it. This OpenCV has no window here: look at overlay.mp4 afterwards."


def _report(summary: "VideoSummary", out: pathlib.Path, expected: int | None) -> None:
    if not summary.knows_presence:
        say(
            "This network cannot tell whether there is a hand: a track ends only beyond the "
            "picture's border."
        )
    if summary.interrupted:
        of = "" if expected is None else f" of {expected}"
        say(f"Interrupted after {summary.num_frames}{of} frames; these are kept.")
    elif expected is not None and summary.num_frames < expected:
        say(f"The file announces {expected} frames; only {summary.num_frames} could be read.")
    say(
        f"A hand in {summary.num_hands} of {summary.num_frames} frames, in {summary.num_tracks} "
        f"tracks, {summary.frames_per_s:.1f} frames/s: {out / 'predictions.json'}, overlay.mp4 "
        "beside it."
    )
