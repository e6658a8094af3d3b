import csv
import dataclasses
import re

import pytest

from tests.ablation.conftest import ERRORS, make_small_grid
from tests.ablation.fake_runs import write_measures
from tf_handgroups.ablation.paired_statistics import mean_interval
from tf_handgroups.ablation.report import write_results
from tf_handgroups.ablation.run_measures import Measure


class Hands(list):
    kind = "handjson"

    def __init__(self, path):
        super().__init__([1, 2])
        self.path = path


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("grid")
    measured_on = {"validation": [Hands("v")], "photos": [Hands("p")]}
    grid, recipe, runs = make_small_grid(out)
    (out / "grouping.md").write_text("an older one")
    page = write_results(out, grid, recipe, runs, [Hands("t")], measured_on)
    assert page == out / "report.html"
    return out


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_tables_for_programs(written):
    results = read(written / "results.csv")
    assert set(results[0]) == {
        "variant", "seed", "data", "form", "measure", "value", "num_hands",
    }  # fmt: skip
    chosen = [
        float(row["value"]) for row in results
        if (row["variant"], row["data"], row["form"], row["measure"])
        == ("one", "validation", "hardened", "2d/epe_box")
    ]  # fmt: skip
    assert chosen == ERRORS["one"]
    comparisons = read(written / "comparisons.csv")
    # Three comparisons of three measures, and of the one that photographs allow.
    assert len(comparisons) == 3 * 3 + 3
    assert len(read(written / "groups.csv")) == 21 * 14


def test_markdown_has_every_number_with_its_interval(written):
    text = (written / "grouping.md").read_text()
    assert "an older one" not in text
    for variant, errors in ERRORS.items():
        interval = mean_interval(errors)
        cell = f"{interval.mean * 100:.2f} ± {interval.half_width * 100:.2f}"
        assert re.search(rf"\| {variant} \| {len(errors)} \| {re.escape(cell)} \|", text)
    assert "no difference found: the interval holds zero" in text
    assert "0.0312 with 6" in text and "0.5 with 2" in text
    # Photographs without 3D labels have one main measure.
    photos = text.partition("## Means on photos")[2]
    assert photos.splitlines()[2] == "| variant | runs | 2D error (% of the box) |"
    for name in re.findall(r"\(figures/([a-z0-9-]+\.png)\)", text):
        assert (written / "figures" / name).read_bytes()[1:4] == b"PNG"
    assert {path.name for path in (written / "figures").iterdir()} == set(
        re.findall(r"\(figures/([a-z0-9-]+\.png)\)", text)
    )


def test_every_row_has_its_commands(written):
    text = (written / "grouping.md").read_text()
    assert "tf-handgroups ablate --grid small.json --seeds 6 --recipe quicktest" in text
    assert f"--test photos=handjson:p --out {written}" in text
    for variant, change in {
        "one": "--set num_groups=1", "three": "--data", "drawn": "--set grouping=random",
    }.items():  # fmt: skip
        (command,) = re.findall(rf"^tf-handgroups train .*--out rerun/{variant}$", text, re.M)
        assert change in command and "--data handjson:t --val handjson:v" in command
        assert f"evaluate --model rerun/{variant}/model.keras --data handjson:p" in text


def test_says_how_the_step_was_chosen_and_copes_with_unlabelled_data(tmp_path):
    grid, recipe, runs = make_small_grid(tmp_path)
    runs = [run for run in runs if run.recipe.seed == 0]
    for run in runs:
        write_measures(run.folder, "bare", [Measure("hardened", "model/weights", 9.0, 0)])
    recipe = dataclasses.replace(recipe, patience=2)
    measured_on = {"validation": [Hands("v")], "bare": [Hands("b")]}
    write_results(tmp_path, grid, recipe, runs, [Hands("t")], measured_on)
    text = (tmp_path / "grouping.md").read_text()
    assert "the best epoch, which was chosen on the validation data" in text
    assert "No hand has labels for the measures of this table." in text
    assert "## Comparisons on bare" not in text
    assert "one seed: nothing can be said" in text and "± inf" not in text


def test_page_needs_no_other_file(written):
    page = (written / "report.html").read_text(encoding="utf-8")
    pictures = len(list((written / "figures").iterdir()))
    assert page.count('src="data:image/png;base64,') == page.count("src=") == pictures
    assert "<script" not in page and "Does grouping help?" in page
