"""The page's modules without a browser, on Node: units, types, golden steps, exact crops."""

import base64
import json
import os
import subprocess

import numpy as np
import pytest

from tests.web.conftest import BUNDLE, ROOT
from tests.web.golden import check_steps
from tf_handgroups.crop import CROP_RULE, crop_image, crop_matrix

WEB = ROOT / "web"


def run(node, *arguments, **options):
    done = subprocess.run(
        [node, *map(os.fspath, arguments)], cwd=WEB, capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_units(node):
    files = sorted((WEB / "test").glob("*.test.js"))
    assert len(files) >= 4
    assert "# fail 0" in run(node, "--test", "--test-reporter=tap", *files)


def test_types(node):
    run(node, WEB / "node_modules" / "typescript" / "bin" / "tsc")


def test_golden_steps_equal_python(node):
    check_steps(json.loads(run(node, WEB / "test" / "print_golden_steps.js", BUNDLE)))


def test_crops_equal_python_bit_by_bit(node):
    """An int8 model turns the last bit of a crop into tenths of a pixel of its joints."""
    generator = np.random.default_rng(3)
    cases, expected = [], []
    for index in range(24):
        height, width = generator.integers(8, 400, 2)
        image = generator.integers(0, 256, (height, width, 3)).astype(np.uint8)
        x, y = generator.uniform(-20, 0.7 * width), generator.uniform(-20, 0.7 * height)
        box = [x, y, generator.uniform(3, 600), generator.uniform(3, 600)]
        if index % 3 == 0:  # windows of simple proportions, where ties are frequent
            box = [(width - 321) / 2, (height - 321) / 2, 320, 320]
        size, mirror = int(generator.choice([32, 64, 128])), bool(index % 2)
        cases.append(
            {
                "width": int(width),
                "height": int(height),
                "pixels": base64.b64encode(image.tobytes()).decode(),
                "box": box,
                "mirror": mirror,
                "rule": CROP_RULE | {"size_px": size},
            }
        )
        expected.append(crop_image(image, crop_matrix(box, size, mirror=mirror), size))
    printed = run(node, WEB / "test" / "print_crops.js", input=json.dumps(cases))
    for text, crop in zip(json.loads(printed), expected, strict=True):
        found = np.frombuffer(base64.b64decode(text), "<f4").reshape(crop.shape)
        np.testing.assert_array_equal(found, crop)


@pytest.mark.parametrize("name", ["handgroups.js", "main.js", "index.html", "sample.jpg"])
def test_page_is_built(page_folder, name):
    assert (page_folder / name).stat().st_size > 100


def test_page_holds_the_bundle_and_the_kernels(page_folder):
    description = json.loads((BUNDLE / "bundle.json").read_text())
    for entry in description["variants"].values():
        for name in (entry["file"], entry["contract"]):
            assert (page_folder / "bundle" / name).read_bytes() == (BUNDLE / name).read_bytes()
    kernels = {path.name for path in (page_folder / "wasm").iterdir()}
    assert {"litert_wasm_internal.wasm", "litert_wasm_compat_internal.wasm"} <= kernels


def test_packages_are_pinned():
    """And the lock file says nothing about where they come from."""
    described = json.loads((WEB / "package.json").read_text())
    packages = described["dependencies"] | described["devDependencies"]
    lock = json.loads((WEB / "package-lock.json").read_text())["packages"]
    for name, version in packages.items():
        assert version[0].isdigit()
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in entry for name, entry in lock.items() if name)
    assert not any("resolved" in entry for entry in lock.values())


def test_folder_that_is_no_bundle_is_told(node, tmp_path):
    done = subprocess.run(
        [node, "build.js", "--bundle", tmp_path, "--out", tmp_path / "page"],
        cwd=WEB,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "expected a bundle folder with bundle.json" in done.stderr
    assert not (tmp_path / "page").exists()
