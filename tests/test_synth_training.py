"""The benchmark of synthetic sets: what it trains, measures and shows."""

import copy
import dataclasses
import json

import numpy as np
import pytest

from benchmarks import synth_training
from tests.hands import make_sample, tiny_model
from tf_handgroups import camera
from tf_handgroups.datasets.shards import ShardDataset, ShardWriter
from tf_handgroups.datasets.write_handjson import write_handjson
from tf_handgroups.errors import InputError
from tf_handgroups.model_file import save_model
from tf_handgroups.recipes.recipe import Recipe


def exact(samples):
    return [
        {
            "uv_px": np.nan_to_num(sample.uv_px),
            "z_rel": np.zeros(21)
            if sample.xyz_camera_mm is None or np.isnan(sample.xyz_camera_mm).any()
            else camera.relative_depth(sample.xyz_camera_mm),
        }
        for sample in samples
    ]


def write_set(folder, count=5, **info):
    folder.mkdir()
    with ShardWriter(folder / "shard-00000-of-00001.tfrecord") as writer:
        for seed in range(count):
            writer.write(make_sample(seed=seed))
    content = {"kind": "synth", "version": 1, "seed": 3, "count": count, **info}
    (folder / "dataset.json").write_text(json.dumps({**content, "shards": ["shard"]}))
    return folder


def small_recipe(steps=2):
    return Recipe("small", steps=steps, batch_size=2)


@pytest.fixture
def trained(monkeypatch):
    """Stands in for training, which has tests of its own; keeps what it was asked for."""
    calls = []

    def train(recipe, train_data, validation_data, out, **options):
        calls.append((recipe, train_data, len(validation_data[0]), options))
        save_model(tiny_model(num_groups=2), out / "model.keras")

    monkeypatch.setattr(synth_training, "train", train)
    return calls


def two_measures(predict):
    hands = [make_sample(seed=seed) for seed in range(2)]
    return [
        {"data": "real3d_dev", **synth_training.measures_of(predict, hands, degrees)}
        for degrees in (0, 90)
    ]


def test_schedule_is_fixed():
    recipe = synth_training.benchmark_recipe(steps=70, seed=4)
    assert (recipe.name, recipe.input_size, recipe.batch_size) == ("mobile", 64, 32)
    assert (recipe.precision, recipe.steps, recipe.seed) == ("mixed_bfloat16", 70, 4)
    assert recipe.augmentation.rotation_deg == 180.0


def test_exact_predictions_have_no_error():
    hands = [make_sample(seed=seed) for seed in range(3)]
    for degrees in (0.0, 30.0, 90.0):
        row = synth_training.measures_of(exact, hands, degrees)
        assert row["rotation_deg"] == degrees and row["num_hands"] == 3
        assert row["epe_box"] < 1e-6 and row["pck_0.05"] == row["pck_0.2"] == 1
    # PA-MPJPE only where every hand has 3D joints.
    hands[1] = dataclasses.replace(hands[1], xyz_camera_mm=None)
    assert "pa_mpjpe_mm" not in synth_training.measures_of(exact, hands, 0)


def test_shares_are_of_the_box():
    sample = make_sample()
    side = float(sample.box_px[2:].max())

    def off(samples):
        # A third of the joints each: 0.03, 0.07 and 0.15 of the box.
        share = np.repeat([0.03, 0.07, 0.15], 7)[:, None] * side
        return [{"uv_px": s.uv_px + share * [1, 0], "z_rel": np.zeros(21)} for s in samples]

    row = synth_training.measures_of(off, [sample], 0)
    expected = [1 / 3, 2 / 3, 1]
    assert [row[f"pck_{share:g}"] for share in (0.05, 0.1, 0.2)] == pytest.approx(expected)
    assert row["epe_box"] == pytest.approx(0.25 / 3, rel=1e-4)


def test_run_is_trained_measured_and_not_repeated(trained, tmp_path, capsys):
    dataset = ShardDataset(write_set(tmp_path / "set"))
    arguments = ([dataset], small_recipe(), tmp_path / "out")
    folder = synth_training.run_set("mine", *arguments, two_measures)
    assert folder == tmp_path / "out" / "mine_seed0"
    assert trained == [(small_recipe(), [dataset], 5, {"strategy": "single", "resume": False})]
    results = json.loads((folder / "results.json").read_text())
    assert results["presentations"] == 4 and results["minutes"] >= 0 and results["seed"] == 0
    assert results["set"] == {"kind": "synth", "version": 1, "seed": 3, "count": 5}
    assert results["versions"]["Keras"] and results["recipe"]["steps"] == 2
    assert [row["rotation_deg"] for row in results["measures"]] == [0, 90]
    before = (folder / "results.json").read_bytes()

    def never(predict):
        raise AssertionError("measured again")

    assert synth_training.run_set("mine", *arguments, never) == folder
    assert "finished before" in capsys.readouterr().out
    assert (folder / "results.json").read_bytes() == before
    with pytest.raises(InputError, match="other steps or on another set"):
        synth_training.run_set("mine", [dataset], small_recipe(4), tmp_path / "out", never)
    other = ShardDataset(write_set(tmp_path / "other", version=2))
    with pytest.raises(InputError, match="other steps or on another set"):
        synth_training.run_set("mine", [other], small_recipe(), tmp_path / "out", never)

    # Measuring failed: training is not repeated.
    (folder / "results.json").unlink()
    synth_training.run_set("mine", *arguments, two_measures)
    assert len(trained) == 1
    again = json.loads((folder / "results.json").read_text())
    assert again["measures"] == results["measures"]


def test_set_may_be_mixed_with_other_data(trained, tmp_path):
    renders = write_set(tmp_path / "set")
    write_handjson([make_sample(seed=1)], tmp_path / "web")
    datasets = synth_training.open_set(f"{renders},handjson:{tmp_path / 'web'}?weight=2.5")
    out = tmp_path / "out"
    folder = synth_training.run_set("mixed", datasets, small_recipe(), out, lambda predict: [])
    assert trained[0][1] == datasets and trained[0][2] == 5
    results = json.loads((folder / "results.json").read_text())
    assert results["set"]["kind"] == "synth" and results["path"] == str(renders)
    (mixed,) = results["set"]["with"]
    assert mixed.startswith("handjson:") and mixed.endswith(", weight 2.5")
    alone = synth_training.open_set(f"handjson:{tmp_path / 'web'}")
    assert synth_training.described_set(alone)["data"].startswith("handjson:")


def test_interrupted_run_continues(trained, tmp_path):
    dataset = ShardDataset(write_set(tmp_path / "set"))
    run = tmp_path / "out" / "mine_seed0" / "training"
    run.mkdir(parents=True)
    (run / "recipe.json").write_text("{}")
    folder = synth_training.run_set(
        "mine", [dataset], small_recipe(), tmp_path / "out", lambda predict: []
    )
    assert trained[0][-1] == {"strategy": "single", "resume": True}
    # Its first part was not timed.
    assert json.loads((folder / "results.json").read_text())["minutes"] is None


def results_of(name, pa, finished, minutes: float | None = 9.5):
    row = {"data": "real3d_dev", "num_hands": 150, "pa_mpjpe_mm": pa, "epe_box": 0.05}
    turned = {**row, "rotation_deg": 90.0, "pa_mpjpe_mm": pa + 1}
    row |= {"rotation_deg": 0.0, "mean_hand_pa_mpjpe_mm": 17.99}
    pck = {"pck_0.05": 0.3, "pck_0.1": 0.5, "pck_0.2": 0.75, "epe_box": 0.2, "num_hands": 25}
    return {
        "name": name,
        "seed": 0,
        "set": {"kind": "synth", "settings": {"ring": 0.5}},
        "recipe": {"input_size": 96, "precision": "mixed_bfloat16"},
        "presentations": 96000,
        "minutes": minutes,
        "finished": finished,
        "versions": {"Keras": "3"},
        "measures": [row, turned, {"data": "mmpose_samples", "rotation_deg": 0.0, **pck}],
    }


def test_table_shows_differences_to_the_first():
    text = synth_training.table([results_of("old", 14.0, "1"), results_of("new", 12.5, "2", None)])
    lines = text.splitlines()
    assert lines[2].startswith("| old, seed 0 | 0° | 14.00 | 0.0500 | 0.2000 | 0.300 |")
    assert lines[4].startswith("| new, seed 0 | 0° | 12.50 (-1.50) | 0.0500 (+0.0000) |")
    assert lines[5].startswith("| new, seed 0 | 90° | 13.50 (-1.50) | 0.0500 (+0.0000) | - |")
    assert len({line.count("|") for line in lines[:6]}) == 1
    assert "96000 presentations at 96 px, mixed_bfloat16, 9.5 minutes; Keras 3." in text
    assert 'Set: kind "synth", settings {"ring": 0.5}.' in text and "interrupted" in text
    assert "- real3d_dev: 150 hands; a constant pose has PA-MPJPE 17.99 mm." in lines
    assert "- mmpose_samples: 25 hands." in lines


def test_main_writes_the_table_of_all_runs(tmp_path, capsys):
    out = tmp_path / "out"
    for name, finished in (("a", "2026-02"), ("b", "2026-01")):
        (out / name).mkdir(parents=True)
        (out / name / "results.json").write_text(json.dumps(results_of(name, 14.0, finished)))
    assert synth_training.main(["--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.index("| b, seed 0") < printed.index("| a, seed 0")
    assert (out / "table.md").read_text(encoding="utf-8") + "\n" == printed


def test_main_trains_every_set(tmp_path, monkeypatch, capsys):
    write_handjson([make_sample()], tmp_path / "real" / "real3d_dev")
    monkeypatch.setattr(synth_training, "mmpose_hands", lambda folder: [make_sample(seed=1)])
    asked = []

    def run_set(name, datasets, recipe, out, measure):
        rows = measure(exact)
        paths = [dataset.path.name for dataset in datasets]
        asked.append((name, paths, recipe.steps, recipe.seed, len(rows)))
        content = {**copy.deepcopy(results_of(name, 1.0, name)), "measures": rows}
        (out / name).mkdir(parents=True)
        (out / name / "results.json").write_text(json.dumps(content))

    monkeypatch.setattr(synth_training, "run_set", run_set)
    sets = [f"{name}={write_set(tmp_path / name)}" for name in ("one", "two")]
    arguments = ["--out", str(tmp_path / "out"), "--real", str(tmp_path / "real"), "--seed", "7"]
    write_handjson([make_sample(seed=2)], tmp_path / "web")
    arguments += ["--also", f"web={tmp_path / 'web'}", "--rotations", "0", "30", "60"]
    assert synth_training.main(["--set", *sets, *arguments]) == 0
    steps = synth_training.STEPS
    assert asked == [("one", ["one"], steps, 7, 9), ("two", ["two"], steps, 7, 9)]
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| two, seed 0 | 60° |") for line in lines)
    assert any(line.endswith("| web EPE/box |") for line in lines)
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_main_refuses(tmp_path, capsys):
    assert synth_training.main(["--out", str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err
    arguments = ["--out", str(tmp_path), "--real", str(tmp_path), "--set"]
    assert synth_training.main([*arguments, f"a={tmp_path}"]) == 2
    assert "real3d_dev" in capsys.readouterr().err
    for bad in ("a", "a=", "a/b=c", "=c"):
        with pytest.raises(SystemExit):
            synth_training.main([*arguments, bad])
        assert "expected NAME=FOLDER" in capsys.readouterr().err


def test_real_photographs(shared_data):
    hands = synth_training.mmpose_hands(shared_data / "mmpose_samples")
    assert len(hands) == 25 and len({hand.sample_id for hand in hands}) == 25
    rows = synth_training.measure_on(shared_data, (0.0, 90.0))(exact)
    places = [(row["data"], row["rotation_deg"], row["num_hands"]) for row in rows]
    assert places == [
        ("real3d_dev", 0, 150),
        ("real3d_dev", 90, 150),
        ("mmpose_samples", 0, 25),
        ("mmpose_samples", 90, 25),
    ]
    assert all(row["epe_box"] < 1e-5 and row["pck_0.05"] == 1 for row in rows)
    assert rows[1]["pa_mpjpe_mm"] == pytest.approx(rows[0]["pa_mpjpe_mm"], rel=1e-3)
    assert rows[0]["pa_mpjpe_mm"] < 1.5 and rows[1]["mean_hand_pa_mpjpe_mm"] > 17
