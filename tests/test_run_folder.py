"""Run folders: begun, continued, and what is refused."""

import dataclasses
import json

import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.recipes import quicktest
from tf_handgroups.run_folder import RunFolder, read_history

HEADER = "epoch,loss,val_loss\n"


def write_recipe(folder, recipe):
    folder.mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe)))


def test_new_folders(tmp_path):
    RunFolder(tmp_path).check_new()
    RunFolder(tmp_path / "a" / "b").check_new()
    (tmp_path / "something").write_text("")
    with pytest.raises(InputError, match="Received: an existing one"):
        RunFolder(tmp_path).check_new()
    with pytest.raises(InputError, match="Received: an existing one"):
        RunFolder(tmp_path / "something").check_new()


def test_begin_leaves_the_recipe_and_a_place_for_states(tmp_path):
    RunFolder(tmp_path / "run").begin(quicktest(), resume=False, first_epoch=0)
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["steps"] == 600
    assert (tmp_path / "run" / "states").is_dir()
    RunFolder(tmp_path / "run").check_resumable(quicktest())


def test_runs_from_before_a_field_existed_can_be_resumed(tmp_path):
    write_recipe(tmp_path, quicktest())
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    del recipe["fusion"], recipe["decoder_channels"]
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    # Its decoder had the default width, which is not that of `quicktest`.
    widths = (96, 64, 48)
    RunFolder(tmp_path).check_resumable(dataclasses.replace(quicktest(), decoder_channels=widths))
    other = dataclasses.replace(quicktest(), decoder_channels=widths, fusion=False)
    with pytest.raises(InputError, match="other values of fusion"):
        RunFolder(tmp_path).check_resumable(other)


def test_resuming_forgets_epochs_that_are_done_again(tmp_path):
    write_recipe(tmp_path, quicktest())
    history = tmp_path / "history.csv"
    history.write_text(HEADER + "0,3.0,4.0\n1,2.5,3.5\n2,2.0,3.0\n3,1")
    selector = tmp_path / "selector.csv"
    selector.write_text("epoch,step,wrist/0\n0,150,1.0\n1,300,1.0\n2,450,1.0\n3,60")
    run = RunFolder(tmp_path)
    assert run.past_losses(3) == [4.0, 3.5, 3.0]
    run.begin(quicktest(), resume=True, first_epoch=2)
    assert history.read_text() == HEADER + "0,3.0,4.0\n1,2.5,3.5\n"
    assert selector.read_text() == "epoch,step,wrist/0\n0,150,1.0\n1,300,1.0\n"
    assert read_history(tmp_path) == {"loss": [3.0, 2.5], "val_loss": [4.0, 3.5]}
    run.begin(quicktest(), resume=True, first_epoch=0)
    assert not selector.exists() and read_history(tmp_path) == {}
    assert not history.exists() and run.past_losses(0) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected an interrupted run with recipe.json"),
        ("{", r"recipe\.json: expected a recipe. Received: a damaged file"),
        ('{"name": "quicktest"}', "Received: other values of input_size, "),
    ],
)
def test_rejects_resuming(content, message, tmp_path):
    if content is not None:
        (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(InputError, match=message):
        RunFolder(tmp_path).check_resumable(quicktest())


def test_a_finished_run_is_not_resumed(tmp_path):
    write_recipe(tmp_path, quicktest())
    (tmp_path / "run.json").write_text('{"sessions": [], "finished": "2026-01-01"}')
    with pytest.raises(InputError, match="Received: a finished one"):
        RunFolder(tmp_path).check_resumable(quicktest())
