"""The page, built once, and a browser that opens it."""

import os
import pathlib

import pytest

from tests.web.chromium import Chromium
from tests.web.site import Site
from tf_handgroups.image_file import read_image
from tf_handgroups.synth.render import render_sample
from tf_handgroups.synth.settings import SynthSettings
from web import toolchain

ROOT = pathlib.Path(__file__).parents[2]
BUNDLE = ROOT / "android_assets"

READY = "document.readyState === 'complete' && !document.querySelector('#file').disabled"
# Every picture is looked at five times, for the median of the times.
DONE = "document.querySelector('#time-parts').innerText.startsWith('Median of 5')"

# One plain hand in every picture.
SETTINGS = SynthSettings(
    everyday=1, negatives=0, held_object=0, second_hand=0, occluder=0, glove=0, border=0,
    photo_background=0,
)  # fmt: skip
SEEDS = {"right": 7026, "left": 7006}  # of which the network is sure


def require(with_browser: bool) -> None:
    """Skips, or fails where the tools must be there."""
    if reason := toolchain.missing(with_browser):
        if os.environ.get("HANDGROUPS_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def node() -> str:
    require(with_browser=False)
    return os.fspath(toolchain.node() or "")


@pytest.fixture(scope="session")
def page_folder(node, tmp_path_factory) -> pathlib.Path:
    """The built page."""
    folder = tmp_path_factory.mktemp("web") / "page"
    toolchain.build_page(folder, BUNDLE)
    return folder


@pytest.fixture(scope="session")
def video(tmp_path_factory) -> pathlib.Path:
    """What the browser's camera films: a rendered hand that does not move."""
    sample = render_sample(SEEDS["left"], 480, SETTINGS)
    path = tmp_path_factory.mktemp("video") / "hand.mjpeg"
    path.write_bytes(sample.image * 2)
    return path


@pytest.fixture(scope="session")
def chromium(page_folder, video):
    require(with_browser=True)
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={video}"]
    browser = Chromium(toolchain.browser() or [], flags)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(page_folder):
    folders = {"": page_folder, "/golden": BUNDLE, "/test": ROOT / "web" / "test"}
    with Site(folders) as running:
        yield running


@pytest.fixture
def new_page(chromium):
    """Opens tabs, which are closed after the test."""
    pages = []

    def open_page(**viewport):
        pages.append(chromium.page(**viewport))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def ready_page(chromium, site):
    tab = chromium.page()
    tab.go(site.address)
    tab.wait_for(READY)
    return tab


@pytest.fixture
def page(ready_page, site):
    """The page, opened once for all tests, with the default variant and no box."""
    ready_page.evaluate(
        """(() => {
          document.querySelector("input[value=full]").click();
          const variants = document.querySelector("#variant");
          if (variants.selectedIndex === 0) return;
          variants.selectedIndex = 0;
          variants.dispatchEvent(new Event("change"));
        })()"""
    )
    ready_page.wait_for(READY)
    # An earlier test's picture is looked at again; only then is the page at rest.
    ready_page.wait_for(f"document.querySelector('#picture').hidden || {DONE}")
    return ready_page


@pytest.fixture
def fresh_page(new_page, site):
    """A page of its own, ready for a picture."""
    tab = new_page()
    tab.go(site.address)
    tab.wait_for(READY)
    return tab


@pytest.fixture(scope="session")
def hands():
    """A rendered left and a rendered right hand, as pictures without losses."""
    samples = {side: render_sample(seed, 480, SETTINGS) for side, seed in SEEDS.items()}
    return {side: (read_image(sample.image), sample) for side, sample in samples.items()}


@pytest.fixture
def screenshots(tmp_path) -> pathlib.Path:
    """Where screenshots go; `HANDGROUPS_SCREENSHOTS` names a folder to keep them in."""
    folder = pathlib.Path(os.environ.get("HANDGROUPS_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
