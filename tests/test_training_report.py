import dataclasses
import json
import re
import shutil

import keras
import numpy as np
import pytest

from tests.hands import make_sample, tiny_model
from tf_handgroups.errors import InputError
from tf_handgroups.model_file import save_model
from tf_handgroups.recipes import quicktest
from tf_handgroups.run_record import RunRecord
from tf_handgroups.selector_history import append_selector
from tf_handgroups.strategies import make_strategy
from tf_handgroups.training_report import groups_section, titled, write_training_report


class Hands(list):
    kind = "handjson"
    path = "my hands"


HANDS = Hands(make_sample(seed=seed) for seed in range(8))
HISTORY = (
    "epoch,loss,pa_mpjpe_mm,val_loss,val_pa_mpjpe_mm\n0,3.0,40.0,4.0,0.0\n1,2.5,30.0,3.5,0.0\n"
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run folder as `train` leaves it, without the training."""
    folder = tmp_path_factory.mktemp("runs") / "a <b> run"
    folder.mkdir()
    recipe = dataclasses.replace(quicktest(), patience=3)
    (folder / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe)))
    (folder / "history.csv").write_text(HISTORY)
    model = tiny_model()
    save_model(model, folder / "model.keras")
    shares = keras.ops.convert_to_numpy(model.selector.membership())
    for epoch in range(2):
        append_selector(folder / "selector.csv", epoch, 150 * (epoch + 1), shares)
    record = RunRecord(folder)
    for first, last, why in ((0, 170, "KeyboardInterrupt"), (170, 300, "finished")):
        record.begin(recipe, [HANDS], [HANDS], make_strategy("single"), first)
        record.end(last, why, finished=why == "finished")
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / finished.name)


def html_of(folder, data):
    return write_training_report(folder, data).read_text(encoding="utf-8")


def test_samples_in_memory_are_named_as_to_be_filled_in(run):
    assert "KIND:PATH" in html_of(run, [list(HANDS)])
    assert "KIND:PATH" not in html_of(run, [HANDS])


def test_report_says_what_was_trained_how_and_how_to_go_on(run):
    (run / "report.html").write_text("an older one")
    page = html_of(run, [HANDS])
    assert "<b>300</b><span>of 600 steps" in page and "in 2 sessions" in page
    assert "stopped early, because validation no longer improved for 3 epochs" in page
    for row in ("<td>0 - 170</td><td>KeyboardInterrupt", "<td>170 - 300</td><td>finished"):
        assert row in page
    for name in ("steps_per_epoch", "tensorflow 2.", "handjson: 8 samples", "8 validation hands"):
        assert name in page
    # Curves, schedules, two of the selector, best and worst: nothing outside the file.
    assert len(re.findall(r'src="data:image/(?:png|jpeg);base64,', page)) == 6
    assert page.count("src=") == 6 and "<script" not in page and "a <b> run" not in page
    assert "evaluate --model" in page and "handjson:my hands" in page
    assert sorted(path.name for path in run.iterdir())[-3:] == [
        "report.html", "run.json", "selector.csv",
    ]  # fmt: skip


def test_report_of_an_interrupted_run_without_labels(run):
    content = json.loads((run / "run.json").read_text()) | {"finished": None}
    (run / "run.json").write_text(json.dumps(content))
    page = html_of(run, [Hands([make_sample(presence=False)])])
    assert "stopped early" not in page
    assert "could not be measured" in page and "at least one labelled hand" in page


@pytest.mark.parametrize("missing", ["recipe.json", "selector.csv", "model.keras"])
def test_needs_an_epoch(missing, run):
    (run / missing).unlink()
    with pytest.raises(InputError, match=f"expected a run with {missing}"):
        write_training_report(run, [HANDS])
    assert not (run / "report.html").exists()


def test_history_without_3d_labels_has_no_3d_curve():
    history = {"loss": [3.0, 2.0], "pa_mpjpe_mm": [40.0, 30.0], "val_pa_mpjpe_mm": [0.0, 0.0]}
    assert titled(history) == {"loss": [3.0, 2.0], "3D error, aligned (mm)": [40.0, 30.0]}
    assert titled({}) == {}


def test_given_groups_are_not_called_learned():
    shares = np.eye(2)[[0] * 21]
    fixed = dataclasses.replace(quicktest(), num_groups=2, grouping="one_group")
    assert "given, not learned" in groups_section(fixed, shares, [0] * 21)
    learned = groups_section(dataclasses.replace(fixed, grouping=None), shares, [0] * 21)
    assert "given" not in learned and "this group lost its head" in learned
