"""`report.html` of a conversion: every variant's size, speed, differences and worst crops."""

import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_handgroups.convert.op_tables import BACKENDS
from tf_handgroups.convert.parity_gates import UNITS
from tf_handgroups.html_page import figure, jpeg, page, paragraph, table, text

_LABELS = {"epe_px": "2D error, crop px", "mpjpe_mm": "MPJPE, mm", "pa_mpjpe_mm": "PA-MPJPE, mm"}
_STATISTICS = {"mean": "mean", "p99": "99th percentile", "max": "largest"}


def parity_html(result: Mapping[str, Any], pictures: Mapping[str, np.ndarray]) -> str:
    """Returns the report as one page that needs no other file.

    Args:
        result: Content of `report.json` of `convert_model`.
        pictures: Recipe name -> picture of `worst_crops`.
    """
    variants = result["variants"]
    sections = {
        "Sizes, speed and differences": _overview(result),
        "Against the labels": _accuracy(variants),
        "Joint by joint": _joints(variants),
        "Where it differs most": _pictures(pictures),
        "Gates": _gates(variants),
        "Ops by accelerator": _support(variants),
        "Versions": table(["package", "version"], list(result["versions"].items())),
    }
    body = [_summary(result)]
    body += [
        f"<section><h2>{text(title)}</h2>{part}</section>"
        for title, part in sections.items()
        if part
    ]
    return page(f"Conversion of {result['source']['file']}", "".join(body))


def _summary(result: Mapping[str, Any]) -> str:
    failed = [name for name, variant in result["variants"].items() if not variant["gate"]["passed"]]
    count = len(result["variants"])
    verdict = f"{len(failed)} of {count} variants outside their gate: {', '.join(failed)}."
    return (
        f"<h1>{text('Conversion of ' + result['source']['file'])}</h1>"
        + paragraph(
            f"Each variant was run on the same {result['crops']['validation']} crops of "
            f"{result['input_size']} x {result['input_size']} pixels as the Keras model, and "
            "compared by what a runner returns. A gate says how large a difference may be."
        )
        + (
            paragraph(verdict, "bad")
            if failed
            else f'<p class="good">{text(f"All {count} variants are within their gates.")}</p>'
        )
    )


def _overview(result: Mapping[str, Any]) -> str:
    variants = result["variants"]
    rows = [
        ["file, kB", *(f"{v['bytes'] / 1000:,.0f}" for v in variants.values())],
        ["gate", *(_verdict(v["gate"]) for v in variants.values())],
    ]
    for name, unit in _present(variants):
        for key, title in _STATISTICS.items():
            rows.append([f"{name}, {unit}: {title}", *_numbers(variants, name, key)])
    timed = any("benchmark" in variant for variant in variants.values())
    if timed:
        rows += [
            [title, *(_cell(variant.get("benchmark"), cell) for variant in variants.values())]
            for title, cell in _BENCHMARK.items()
        ]
    rows.append(
        ["XNNPACK partitions (share of the ops)", *(_parts(v["graph"]) for v in variants.values())]
    )
    note = (
        "uv_px and xyz_mm are distances per joint; xyz_mm compares the recovered 3D joints, joint "
        "9 on joint 9, with the true length of bone 9-10. "
    )
    if timed:
        note += (
            "Times are one crop on one thread of the converting machine, the files taking turns; "
            "in brackets the 10th and 90th percentile. Memory is what loading and running adds to "
            "a process. The last share compares with one large convolution in the same rounds."
        )
    return table(["", *map(html.escape, variants)], rows, html_cells=True) + paragraph(note, "soft")


_BENCHMARK = {
    "time, ms": lambda row: f"{row['median_ms']:.2f} {_range(row['spread_ms'])}",
    "time, ratio": lambda row: f"{row['ratio']:.2f} {_range(row['ratio_spread'])}",
    "memory, MB": lambda row: "?" if row["memory_mb"] is None else f"{row['memory_mb']:.1f}",
    "multiply-accumulates, millions": lambda row: f"{row['macs']['total'] / 1e6:.0f}",
    "share of the machine's peak": lambda row: f"{row['peak_share']:.0%}",
}


def _accuracy(variants: Mapping[str, Any]) -> str:
    rows = []
    for measure, title in _LABELS.items():
        for name, variant in variants.items():
            change = variant["parity"].get("against_labels", {}).get(measure)
            if change:
                rows.append(
                    [
                        title,
                        name,
                        str(change["num_hands"]),
                        _number(change["keras"], 3),
                        _number(change["variant"], 3),
                        _number(change["change_percent"], 2, sign=True),
                        _number(change["at_least_percent"], 2, sign=True),
                    ]
                )
    if not rows:
        return ""
    head = ["error", "variant", "hands", "Keras", "variant", "growth, %", "certain growth, %"]
    return table(head, rows) + paragraph(
        "Both models on the same hands. MPJPE: joint 9 on its truth, with the true length of bone "
        "9-10 (`root-relative` of `evaluate`); PA-MPJPE: after the best scale, rotation and shift "
        "(`procrustes`). The certain growth is the growth less its one-sided uncertainty at 95 %; "
        "below zero, chance explains the difference. The gate looks at that of MPJPE.",
        "soft",
    )


def _joints(variants: Mapping[str, Any]) -> str:
    parts = []
    for name, unit in _present(variants):
        columns = {
            recipe: variant["joints"][name]
            for recipe, variant in variants.items()
            if name in variant["joints"]
        }
        if not columns:
            continue
        joints = next(iter(variants.values()))["joints"]["names"]
        rows = [
            [joint]
            + [
                f"{_number(column['mean'][i], 3)} / {_number(column['max'][i], 2)}"
                for column in columns.values()
            ]
            for i, joint in enumerate(joints)
        ]
        parts.append(
            f"<details><summary>{text(f'{name}, {unit}: mean / largest')}</summary>"
            + table(["joint", *columns], rows)
            + "</details>"
        )
    return "".join(parts)


def _pictures(pictures: Mapping[str, np.ndarray]) -> str:
    return "".join(
        figure(
            jpeg(picture),
            f"{name}: the crops with the largest mean 2D difference, worst first. Dimmed: the "
            "Keras model; bright: the variant; red lines join the two places of a joint.",
            wide=True,
        )
        for name, picture in pictures.items()
    )


def _gates(variants: Mapping[str, Any]) -> str:
    parts = []
    for name, variant in variants.items():
        gate = variant["gate"]
        limits = ", ".join(
            f"{key} <= {limit:g} {UNITS[key.split('.')[0]]}"
            for key, limit in gate["limits"].items()
        )
        parts.append(f"<h3>{text(name)}: {_verdict(gate)}</h3>")
        if gate["failures"]:
            parts.append(paragraph(f"Received: {'; '.join(gate['failures'])}.", "bad"))
        parts += [paragraph(limits), paragraph(gate["justification"], "soft")]
    return "".join(parts)


def _support(variants: Mapping[str, Any]) -> str:
    parts = [
        paragraph(
            "As documented, not measured: where the ops of a file run, according to the published "
            "lists of each accelerator. What `depends` may run with newer runtimes or drivers."
        )
    ]
    for name, variant in variants.items():
        support = variant["op_support"]
        rows = [
            [
                BACKENDS[key].title,
                *(str(support[key][verdict]) for verdict in ("runs", "depends", "falls_back")),
                _not_running(support[key]["ops"]),
            ]
            for key in BACKENDS
        ]
        head = ["accelerator", "run", "depend", "fall back", "which, and why"]
        parts.append(f"<h3>{text(name)}</h3>" + table(head, rows))
    return "".join(parts)


def _not_running(ops: list[Mapping[str, Any]]) -> str:
    reasons: dict[str, list[str]] = {}
    for op in ops:
        if op["reason"]:
            reasons.setdefault(op["reason"], []).append(f"{op['op']} x{op['count']}")
    return "; ".join(f"{reason}: {', '.join(names)}" for reason, names in reasons.items())


def _present(variants: Mapping[str, Any]) -> list[tuple[str, str]]:
    units = [variant["parity"]["units"] for variant in variants.values()]
    return list(units[0].items())


def _numbers(variants: Mapping[str, Any], name: str, key: str) -> list[str]:
    return [_number(variant["parity"][name][key], 3) for variant in variants.values()]


def _number(value: float | None, digits: int, sign: bool = False) -> str:
    return "none" if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


def _cell(row: Mapping[str, Any] | None, cell: Any) -> str:
    return "" if row is None else cell(row)


def _range(spread: list[float]) -> str:
    return f"[{spread[0]:.2f}-{spread[1]:.2f}]"


def _parts(graph: Mapping[str, Any]) -> str:
    if graph["partitions"] is None:
        return "?"
    return f"{graph['partitions']} ({graph['delegated_share']:.0%})"


def _verdict(gate: Mapping[str, Any]) -> str:
    css, word = ("good", "passed") if gate["passed"] else ("bad", "failed")
    return f'<span class="{css}">{word}</span>'
