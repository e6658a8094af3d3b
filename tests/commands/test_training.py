import os
import shutil

from tests.hands import make_sample
from tf_handgroups.cli import main
from tf_handgroups.convert.contract import sha256_of
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.recipes import RECIPES


def test_unknown_recipe_lists_the_known(fails):
    message = fails("train", "--recipe", "paper2", "--data", "a:b", "--val", "a:b")
    assert "Received: recipe='paper2'" in message
    assert all(name in message for name in RECIPES)


def test_unknown_field_lists_the_known(fails):
    message = fails("train", "--set", "stepps=3", "--data", "a:b", "--val", "a:b")
    assert "Received: 'stepps'" in message and "steps_per_epoch" in message


def test_train_refuses_an_existing_run(model, capsys, tmp_path):
    write_handjson([make_sample(seed=1)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(model, run / "model.keras")
    before = sha256_of(run / "model.keras")
    arguments = ["train", "--recipe", "quicktest", "--data", data, "--val", data]
    assert main([*arguments, "--out", str(run)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert os.listdir(run) == ["model.keras"] and sha256_of(run / "model.keras") == before
    assert main([*arguments, "--out", str(run), "--resume"]) == 2
    assert "Start without --resume" in capsys.readouterr().err
