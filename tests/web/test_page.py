"""The page in a headless Chromium: its numbers are Python's, and it says what goes wrong."""

import base64
import json

import numpy as np
import pytest

from tests.web.byte_model import CONTRACT, byte_model
from tests.web.chromium import PageError
from tests.web.conftest import BUNDLE, DONE, READY
from tests.web.golden import check_steps
from tf_handgroups.convert.bundle import read_golden
from tf_handgroups.convert.byte_input import to_bytes
from tf_handgroups.convert.predict import Predictor, full_frame_box
from tf_handgroups.convert.run import LiteRTRunner
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.image_file import write_image

VARIANTS = json.loads((BUNDLE / "bundle.json").read_text())["variants"]
# Other kernels add in another order; what a person or an app could notice is far above.
UV_PX, BONES, LOGIT = 1e-3, 1e-4, 1e-3

RUN_VARIANT = """
async (name) => {
  const { Bundle, Model } = await import("/handgroups.js");
  const { arraysOf } = await import("/test/golden_steps.js");
  const bundle = await Bundle.open("/golden");
  const { contract, model: content } = await bundle.readVariant(name);
  const model = await Model.open(content, contract, "/wasm/");
  const { golden } = bundle.description.variants[name];
  const { shape, values } = arraysOf(await bundle.readFile(golden.file), golden).get("image");
  const size = values.length / shape[0];
  const outputs = [];
  for (let i = 0; i < shape[0]; i++) {
    const crop = Float32Array.from(values.subarray(i * size, (i + 1) * size), (v) => v / 255);
    const results = Object.entries(await model.run(crop));
    outputs.push(Object.fromEntries(results.map(([key, value]) => [key, Array.from(value)])));
  }
  model.close();
  return outputs;
}
"""

DROP = """
(name, type, base64) => new Promise((resolve, reject) => {
  const error = document.querySelector("#error");
  new MutationObserver(() => error.hidden || reject(new Error(error.innerText)))
    .observe(error, { attributes: true });
  document.addEventListener("hand", ({ detail }) => resolve(detail), { once: true });
  const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([content], name, { type }));
  const target = document.querySelector("#drop");
  target.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
})
"""

NEXT_HAND = """
(action) => new Promise((resolve) => {
  document.addEventListener("hand", ({ detail }) => resolve(detail), { once: true });
  eval(action);
})
"""


def drop(page, name, content, kind="image/png"):
    return page.call(DROP, name, kind, base64.b64encode(content).decode())


def png(tmp_path, image):
    path = tmp_path / "hand.png"
    write_image(path, image)
    return path.read_bytes()


def check_hand(found, expected):
    np.testing.assert_allclose(found["uv_px"], expected.uv_px, atol=UV_PX)
    np.testing.assert_allclose(found["xyz_relative"], expected.xyz_relative, atol=BONES)
    np.testing.assert_allclose(found["presence"], expected.presence, atol=1e-3)
    np.testing.assert_allclose(found["box_px"], expected.box_px, atol=0.006)
    assert found["handedness"] == expected.handedness


@pytest.mark.parametrize("variant", VARIANTS)
def test_network_equals_python_on_golden_crops(page, variant):
    golden = read_golden(BUNDLE, VARIANTS[variant]["golden"])
    expected = LiteRTRunner(BUNDLE / VARIANTS[variant]["file"])(golden["image"])
    outputs = page.call(RUN_VARIANT, variant)
    limits = {"uv_px": UV_PX, "z_rel": BONES, "presence": LOGIT, "handedness": LOGIT}
    assert set(outputs[0]) == set(limits)
    for name, limit in limits.items():
        found = np.array([output[name] for output in outputs]).reshape(expected[name].shape)
        np.testing.assert_allclose(found, expected[name], atol=limit, err_msg=name)


RUN_BYTES = """
async (contract, base64, crop) => {
  const { Model } = await import("/handgroups.js");
  const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const model = await Model.open(content, contract, "/wasm/");
  const { maps } = await model.run(Float32Array.from(crop));
  model.close();
  return Array.from(maps);
}
"""


def test_bytes_in_and_int8_out(page):
    """LiteRT.js itself returns no int8 tensors; the build adds them."""
    content = base64.b64encode(byte_model()).decode()
    crop = np.random.default_rng(2).uniform(size=CONTRACT["input"]["shape"])
    crop.flat[:2] = 0, 1
    found = page.call(RUN_BYTES, CONTRACT, content, crop.ravel().tolist())
    np.testing.assert_allclose(found, to_bytes(crop).ravel() / 255, atol=1e-6)


def test_model_that_is_not_as_its_contract_says_is_refused(page):
    content = base64.b64encode(byte_model()).decode()
    other = json.loads(json.dumps(CONTRACT))
    other["outputs"]["maps"]["dtype"] = "float32"
    message = r"maps: int8 1x4x4x3 instead of float32 1x4x4x3"
    with pytest.raises(PageError, match=message):
        page.call(RUN_BYTES, other, content, [0.0] * 48)
    other["model"]["signature"] = "other"
    with pytest.raises(PageError, match="Received: signatures=serving_default"):
        page.call(RUN_BYTES, other, content, [0.0] * 48)
    with pytest.raises(PageError, match="expected a model that LiteRT's browser runtime can run"):
        page.call(RUN_BYTES, CONTRACT, base64.b64encode(b"no model" * 9).decode(), [0.0] * 48)


def test_golden_steps_equal_python(page):
    results = page.evaluate(
        """(async () => {
          const library = await import("/handgroups.js");
          const { runGoldenSteps } = await import("/test/golden_steps.js");
          const bundle = await library.Bundle.open("/golden");
          const { contract } = await bundle.readVariant(bundle.variants[0]);
          const read = (name) => bundle.readFile(name);
          return runGoldenSteps(library, contract, read, bundle.description.golden_steps);
        })()"""
    )
    check_steps(results)


@pytest.mark.parametrize("side", ["left", "right"])
def test_dropped_picture_equals_predict(page, hands, side, tmp_path):
    image, _ = hands[side]
    image = image[:400]  # not square
    found = drop(page, "hand.png", png(tmp_path, image))
    box = full_frame_box(image.shape[1], image.shape[0])
    (expected,) = Predictor(BUNDLE).predict(image, [box])
    assert expected.handedness == side
    check_hand(found, expected)
    page.wait_for(DONE)
    assert page.text("#side") == side
    assert page.text("#presence") == f"{100 * expected.presence:.0f} %"
    assert page.text("#status") == "Hand found"
    # Only from here: the page works without any other server.
    assert all(
        address.startswith(("http://127.0.0.1:", "blob:", "data:")) for address in page.requests()
    )


def test_centre_and_dragged_boxes_equal_predict(page, hands, tmp_path):
    image, sample = hands["right"]
    image = np.pad(image, ((0, 0), (100, 20), (0, 0)), mode="edge")
    drop(page, "hand.png", png(tmp_path, image))
    page.wait_for(DONE)
    predictor = Predictor(BUNDLE)
    centre = page.call(NEXT_HAND, "document.querySelector('input[value=centre]').click()")
    side = min(image.shape[:2]) / CROP_MARGIN
    box = [(image.shape[1] - side - 1) / 2, (image.shape[0] - side - 1) / 2, side, side]
    check_hand(centre, predictor.predict(image, [box])[0])
    page.wait_for(DONE)

    area = page.evaluate("document.querySelector('#picture').getBoundingClientRect().toJSON()")
    shown = area["width"] / image.shape[1]
    x, y, width, height = np.add(sample.box_px, [100, 0, 0, 0])
    start = (area["x"] + round(x * shown), area["y"] + round(y * shown))
    end = (area["x"] + round((x + width) * shown), area["y"] + round((y + height) * shown))
    page.evaluate(
        "document.addEventListener('hand', e => { window.dragged = e.detail }, {once: true})"
    )
    page.drag(start, end)
    dragged = page.wait_for("window.dragged")
    assert page.evaluate("document.querySelector('input[value=box]').checked")
    np.testing.assert_allclose(dragged["box_px"], [x, y, width, height], atol=2)
    corners = np.subtract([start, end], [area["x"], area["y"]]) / shown - 0.5
    exact = [*corners[0], *(corners[1] - corners[0])]
    check_hand(dragged, predictor.predict(image, [exact])[0])


def test_variants_can_be_chosen(page, hands, tmp_path):
    image, _ = hands["right"]
    drop(page, "hand.png", png(tmp_path, image))
    page.wait_for(DONE)
    names = page.evaluate("Array.from(document.querySelector('#variant').options, o => o.value)")
    assert names[0] == json.loads((BUNDLE / "bundle.json").read_text())["default"]
    assert set(names) == set(VARIANTS)
    for name in names[::-1]:
        if name == page.evaluate("document.querySelector('#variant').value"):
            continue
        found = page.call(
            NEXT_HAND,
            f"const v = document.querySelector('#variant'); v.value = '{name}'; "
            "v.dispatchEvent(new Event('change'))",
        )
        box = full_frame_box(image.shape[1], image.shape[0])
        check_hand(found, Predictor(BUNDLE / VARIANTS[name]["file"]).predict(image, [box])[0])
        assert VARIANTS[name]["file"] in page.evaluate("document.body.textContent")


def test_every_joint_stands_in_the_legend_once(page):
    contract = json.loads((BUNDLE / next(iter(VARIANTS.values()))["contract"]).read_text())
    groups = page.evaluate(
        "Array.from(document.querySelectorAll('#groups li'), li => li.textContent)"
    )
    assert len(groups) == len(set(contract["grouping"]))
    for number, text in enumerate(groups):
        names = []
        for part in text.split(maxsplit=2)[2].split("; "):
            finger, *rest = part.split(maxsplit=1)
            names += [f"{finger}_{n.lower()}" for n in rest[0].split(", ")] if rest else [finger]
        expected = [
            name
            for name, group in zip(contract["joints"]["names"], contract["grouping"], strict=True)
            if group == sorted(set(contract["grouping"]))[number]
        ]
        assert names == expected


def test_space_view_turns(page, hands, tmp_path):
    drop(page, "hand.png", png(tmp_path, hands["right"][0]))
    page.wait_for(DONE)
    look = "document.querySelector('#space').toDataURL()"
    views = [page.evaluate(look)]
    area = page.evaluate("document.querySelector('#space').getBoundingClientRect().toJSON()")
    middle = (area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.drag(middle, (middle[0] + 60, middle[1] + 20))
    views.append(page.evaluate(look))
    press = (
        "document.querySelector('#space').dispatchEvent(new KeyboardEvent('keydown', {key: %r}))"
    )
    page.evaluate(press % "ArrowLeft")
    views.append(page.evaluate(look))
    assert len(set(views)) == 3
    page.evaluate(press % "Home")
    assert page.evaluate(look) == views[0]


@pytest.fixture
def unchanged(site):
    yield
    site.changed = {}


def refused(tab, site, changed):
    site.changed = changed
    tab.go(site.address)
    tab.wait_for("!document.querySelector('#error').hidden")
    assert tab.evaluate("document.querySelector('#file').disabled")
    return tab.text("#error")


def test_tampered_bundles_are_refused(new_page, site, unchanged):
    tab = new_page()
    default = json.loads((BUNDLE / "bundle.json").read_text())["default"]
    entry = VARIANTS[default]
    model = bytearray((BUNDLE / entry["file"]).read_bytes())
    model[len(model) // 2] ^= 1
    message = refused(tab, site, {f"/bundle/{entry['file']}": bytes(model)})
    assert f"{entry['file']}: expected SHA-256" in message and "is not used" in message

    contract = (BUNDLE / entry["contract"]).read_bytes()
    other = contract.replace(b'"margin": 1.5', b'"margin": 1.4')
    assert other != contract
    message = refused(tab, site, {f"/bundle/{entry['contract']}": other})
    assert f"{entry['contract']}: expected SHA-256" in message

    description = (BUNDLE / "bundle.json").read_bytes()
    other = description.replace(b'"default": "int8_mixed"', b'"default": "float16"')
    assert other != description
    message = refused(tab, site, {"/bundle/bundle.json": other})
    assert "bundle.json: expected SHA-256" in message

    message = refused(tab, site, {"/bundle/SHA256SUMS": b""})
    assert "expected SHA-256 in the list of the bundle" in message


def test_file_that_is_no_image_is_told(fresh_page):
    page = fresh_page
    with pytest.raises(
        PageError, match=r"notes\.txt: expected an image that this browser can read"
    ):
        drop(page, "notes.txt", b"no image", "text/plain")
    assert not page.evaluate("document.querySelector('#welcome').hidden")


def test_camera_that_is_not_allowed_is_told(fresh_page):
    page = fresh_page
    page.evaluate("document.querySelector('#camera').click()")
    page.wait_for("!document.querySelector('#error').hidden")
    assert "The camera was not allowed" in page.text("#error")
    assert page.text("#camera") == "Use camera"


def test_camera_is_followed(fresh_page, chromium, site, hands):
    page = fresh_page
    _, sample = hands["left"]
    chromium.send(
        "Browser.grantPermissions",
        permissions=["videoCapture"],
        origin=site.address,
        browserContextId=page.context,
    )
    page.evaluate("document.addEventListener('hand', e => { window.latest = e.detail })")
    page.evaluate("document.querySelector('#camera').click()")
    page.wait_for("document.querySelector('#status').innerText === 'Following a hand'")
    assert page.evaluate("document.querySelector('#error').hidden")
    # Where it looks is now where the hand is; the first frame was looked at as a whole.
    box = page.wait_for("window.latest.box_px[2] < 300 && window.latest.box_px")
    np.testing.assert_allclose(box, sample.box_px, atol=40)
    latest = page.evaluate("window.latest")
    error = np.linalg.norm(np.subtract(latest["uv_px"], sample.uv_px), axis=1)
    assert error.mean() < 0.1 * max(sample.box_px[2:])
    assert latest["handedness"] == "left"
    page.evaluate("document.querySelector('#camera').click()")
    assert page.text("#camera") == "Use camera"


@pytest.mark.parametrize(
    ("name", "viewport"),
    [
        ("desktop", {"width": 1280, "height": 900, "dark": True}),
        ("phone", {"width": 390, "height": 844, "scale": 2, "mobile": True}),
    ],
)
def test_page_fits_the_window(new_page, site, hands, tmp_path, screenshots, name, viewport):
    tab = new_page(**viewport)
    tab.go(site.address)
    tab.wait_for(READY)
    tab.screenshot(screenshots / f"{name}_empty.png")
    drop(tab, "hand.png", png(tmp_path, hands["left"][0]))
    tab.wait_for(DONE)
    tab.screenshot(screenshots / f"{name}.png")
    assert tab.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert (screenshots / f"{name}.png").stat().st_size > 20_000
