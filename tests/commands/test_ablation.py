import dataclasses
import json

from tests.hands import make_sample
from tf_handgroups.ablation import ablate as module
from tf_handgroups.cli import main
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.recipes import quicktest


def arguments(tmp_path, *more):
    write_handjson([make_sample(seed=1)], tmp_path / "hands", overwrite=True)
    data = f"handjson:{tmp_path / 'hands'}"
    return ["--data", data, "--val", data, *more]


def test_rejects_unusable_arguments(fails, tmp_path):
    some = arguments(tmp_path)
    assert "Received: grid='large'" in fails("ablate", *some, "--grid", "large")
    assert "Received: recipe='large'" in fails("ablate", *some, "--recipe", "large")
    assert "Received: 'stepps'" in fails("ablate", *some, "--set", "stepps=1")
    assert "Received: 'photos'" in fails("ablate", *some, "--test", "photos")
    twice = ["--test", f"a=handjson:{tmp_path / 'hands'}"] * 2
    assert "every name once" in fails("ablate", *some, *twice)
    assert "Received: validation" in fails(
        "ablate", *some, "--test", f"validation=handjson:{tmp_path / 'hands'}"
    )


def test_passes_everything_on(monkeypatch, capsys, tmp_path):
    received = {}

    def stand_in(grid, recipe, train_data, validation_data, out, **more):
        received.update(grid=grid, recipe=recipe, sizes=(len(train_data[0]), len(validation_data)))
        received.update(more)
        return out / "report.html"

    monkeypatch.setattr(module, "ablate", stand_in)
    grid = {"budget": "a", "variants": [{"name": "a", "title": "t"}], "comparisons": []}
    (tmp_path / "mine.json").write_text(json.dumps(grid))
    test = f"photos=handjson:{tmp_path / 'hands'}"
    some = arguments(
        tmp_path, "--test", test, "--grid", str(tmp_path / "mine.json"), "--seeds", "4",
        "--set", "steps=7", "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert main(["ablate", *some]) == 0
    assert str(tmp_path / "out" / "report.html") in capsys.readouterr().out
    assert received["recipe"] == dataclasses.replace(quicktest(), steps=7)
    assert received["grid"].budget == "a" and received["num_seeds"] == 4
    assert received["sizes"] == (1, 1) and len(received["test_data"]["photos"]) == 1
