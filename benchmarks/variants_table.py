"""Every variant of a network in one table, from the report of its conversion.

    make variants        # converts the shipped network in all recipes and writes docs/variants.md

or, with any conversion:

    tf-handgroups convert --model model.keras --data synth:renders/val --out converted
    python -m benchmarks.variants_table converted/report.json --out variants.md
"""

import argparse
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tf_handgroups.atomic_files import replacing_file
from tf_handgroups.convert.convert import SCHEMA
from tf_handgroups.errors import InputError

HEADINGS = (
    "variant",
    "KB",
    "time, ratio",
    "10-90 %",
    "partitions",
    "mean px",
    "99 % px",
    "max px",
    "2D error",
    "MPJPE",
    "PA-MPJPE",
    "gate",
)
# Measures against the labels, in the order of the headings.
MEASURES = ("epe_px", "mpjpe_mm", "pa_mpjpe_mm")


def read_report(path: pathlib.Path) -> dict[str, Any]:
    """Reads the `report.json` of a conversion.

    Raises:
        InputError: If it is missing or something else.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected the report of a conversion. Received: {error}."
        ) from error
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema != SCHEMA:
        raise InputError(
            f"{path}: expected schema {SCHEMA!r}. Received: schema={schema!r}. Give the "
            "report.json that tf-handgroups convert wrote."
        )
    return report


def table(report: Mapping[str, Any]) -> str:
    """Lays out the variants of a report as markdown."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---|" + "---:|" * (len(HEADINGS) - 2) + "---|"]
    lines += [_row(name, variant) for name, variant in report["variants"].items()]
    crops = report["crops"]
    versions = ", ".join(f"{package} {version}" for package, version in report["versions"].items())
    lines += [
        "",
        f"{crops['validation']} validation crops of {report['input_size']} px; calibrated on "
        f"{crops['calibration']} others. {versions}.",
    ]
    if peaks := _peaks(report["variants"]):
        lines[-1] += f" First row: {peaks}."
    return "\n".join(lines) + "\n"


def _row(name: str, variant: Mapping[str, Any]) -> str:
    speed = variant.get("benchmark")
    ratio = f"{speed['ratio']:.2f}" if speed else "-"
    spread = "{:.2f}-{:.2f}".format(*speed["ratio_spread"]) if speed else "-"
    pixels = variant["parity"]["uv_px"]
    labels = variant["parity"].get("against_labels", {})
    cells = [
        name,
        f"{variant['bytes'] / 1000:,.0f}",
        ratio,
        spread,
        str(variant["graph"]["partitions"]),
        *(_number(pixels[key], "{:.3f}") for key in ("mean", "p99", "max")),
        *(_change(labels.get(measure)) for measure in MEASURES),
        "passed"
        if variant["gate"]["passed"]
        else "failed: " + "; ".join(variant["gate"]["failures"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None, form: str) -> str:
    return "not finite" if value is None else form.format(value)


def _change(change: Mapping[str, float] | None) -> str:
    """An error and how much it grew, in per cent of that of the Keras model."""
    if change is None:
        return "-"
    return (
        f"{_number(change['variant'], '{:.2f}')} ({_number(change['change_percent'], '{:+.1f}')} %)"
    )


def _peaks(variants: Mapping[str, Any]) -> str:
    speed = next((v["benchmark"] for v in variants.values() if v.get("benchmark")), None)
    if speed is None:
        return ""
    return (
        f"{speed['median_ms']:.2f} ms on {speed['threads']} thread, "
        f"{speed['macs']['total'] / 1e6:.0f} MMAC, {100 * speed['peak_share']:.0f} % of the peak"
    )


def page(reports: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """The tables of several reports, each below its name."""
    head = (
        "# Variants\n\nMade by `make variants`. Time is that of one crop over that of the first "
        "row, the files taking turns in one process. Pixels are distances to the Keras model's "
        "joints in the crop. Errors are against the labels (pixels, mm, mm), in brackets their "
        "growth; what the columns mean exactly, and that the gates in pixels presume pictures that "
        "the network can do, is in [convert.md](convert.md).\n"
    )
    parts = [f"\n## {name}\n\n{table(report)}" for name, report in reports]
    return head + "".join(parts)


def main(argv: list[str] | None = None) -> int:
    """Writes the page."""
    parser = argparse.ArgumentParser(description="Tables of converted variants")
    parser.add_argument("reports", type=pathlib.Path, nargs="+", help="report.json of convert")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args(argv)
    try:
        reports = [read_report(path) for path in options.reports]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    text = page([(report["source"]["file"], report) for report in reports])
    with replacing_file(options.out, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
