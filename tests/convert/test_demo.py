import base64
import json
import re

import numpy as np
import pytest
from rich.console import Console

from tf_handgroups.convert import demo
from tf_handgroups.convert.contract import read_contract
from tf_handgroups.errors import InputError
from tf_handgroups.image_file import read_image
from tf_handgroups.model_file import hardened_metadata, load_model

TINY = demo.DemoSize(
    num_train=64,
    num_validation=20,
    num_held_out=12,
    image_size=64,
    recipe="quicktest",
    steps=6,
    steps_per_epoch=3,
    overrides=("group_channels=8", "decoder_channels=(16, 16, 16)"),
    num_calibration=10,
    num_typical=3,
    num_worst=2,
    timed_runs=3,
    num_workers=1,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished demo; tests must not change it. Returns its folder and what it printed."""
    out = tmp_path_factory.mktemp("demo") / "out"
    with (out.parent / "log.txt").open("w+") as log:
        report = demo.run_demo(out, seed=1, console=Console(file=log, width=120), size=TINY)
        log.seek(0)
        printed = log.read()
    assert report == out / "report.html"
    return out, printed


@pytest.fixture(scope="module")
def page(finished):
    return (finished[0] / "report.html").read_text(encoding="utf-8")


def test_writes_models_predictions_and_nothing_large(finished):
    out, _ = finished
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {"report.html", "run/model.keras", "run/hardened.keras", "run/history.csv"} <= found
    for variant in demo.VARIANTS:
        contract = read_contract(out / "converted" / f"demo_hand_{variant}.contract.json")
        assert "synth: 64 samples" in contract.values["training_data"]
    assert hardened_metadata(load_model(out / "run" / "hardened.keras"))["recipe"] == "quicktest"
    predictions = json.loads((out / "predictions" / "predictions.json").read_text())
    assert len(predictions["hands"]) == 5
    for hand in predictions["hands"]:
        assert (out / hand["image"]).is_file()
        assert np.shape(hand["uv_px"]) == (21, 2)
    assert len(list((out / "predictions").glob("*_overlay.png"))) == 5
    # Neither the renders nor the temporary folder are left.
    assert not list(out.rglob("*.tfrecord"))
    assert sorted(path.name for path in out.parent.iterdir()) == ["log.txt", "out"]


def test_announces_every_stage(finished):
    for number, name in enumerate(demo.STAGES, start=1):
        assert f"{number}/{len(demo.STAGES)} {name}" in finished[1]


def test_report_needs_nothing_else(page):
    assert not re.search(r"https?:|<script|<link|@import|url\(|srcset", page)
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == page.count("<img ") == 5 + 5  # predictions; sheet and plots
    for source in sources:
        start, _, data = source.partition(",")
        assert re.fullmatch(r"data:image/(png|jpeg);base64", start)
        assert min(read_image(base64.b64decode(data, validate=True)).shape[:2]) > 100


def test_report_has_all_sections_and_matches_the_files(finished, page):
    out, _ = finished
    assert page.count("<section>") == page.count("<h2>") == 9
    for word in ("Training", "group", "Hardening", "int8_mixed", "Predictions", "own hands"):
        assert re.search(rf"<h2>[^<]*{word}|<th>{word}", page), word
    report = json.loads((out / "converted" / "report.json").read_text())
    for variant in report["variants"].values():
        assert f"<td>{variant['bytes'] / 1000:,.0f}</td>" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower()


def test_refuses_existing_results_before_any_work(tmp_path, monkeypatch):
    (tmp_path / "thesis.txt").write_text("mine")
    monkeypatch.setattr(demo, "write_synthetic_shards", None)
    with pytest.raises(InputError, match="Received: overwrite=False"):
        demo.run_demo(tmp_path, size=TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise FloatingPointError("the loss became nan")

    monkeypatch.setattr(demo, "train", fail)
    size = demo.DemoSize(
        num_train=2, num_validation=2, num_held_out=2, image_size=64, num_workers=1
    )
    with pytest.raises(FloatingPointError):
        demo.run_demo(tmp_path / "out", size=size, console=Console(quiet=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("flags: fpu avx512_bf16 sse", "mixed_bfloat16"), ("flags: fpu avx2", "float32")],
)
def test_precision_follows_the_processor(flags, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "CPU_INFO", tmp_path / "cpuinfo")
    demo.CPU_INFO.write_text(flags)
    assert demo.demo_recipe(TINY, seed=3).precision == expected
    assert demo.demo_recipe(TINY, seed=3).seed == 3
    demo.CPU_INFO.unlink()
    assert demo.demo_recipe(TINY, seed=3).precision == "float32"


def test_chooses_no_hand_twice():
    assert demo.choose_cases(3, num_typical=8, num_worst=4) == [2, 1, 0]
    assert demo.choose_cases(1, num_typical=2, num_worst=0) == [0]
