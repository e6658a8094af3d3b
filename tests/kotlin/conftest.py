"""The Kotlin library, compiled once, and a way to ask it something."""

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.kotlin import toolchain

PROJECT = pathlib.Path(__file__).parents[2] / "android_assets" / "kotlin"
LIBRARY = PROJECT / "library" / "src" / "main" / "kotlin" / "dev" / "handgroups"
DRIVER = pathlib.Path(__file__).parent / "driver"


@pytest.fixture(scope="session")
def compiler() -> None:
    """Skips without a compiler, or fails where it is required."""
    if reason := toolchain.missing():
        if os.environ.get("HANDGROUPS_REQUIRE_KOTLIN"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def core(compiler) -> pathlib.Path:
    """Classes of the library without its Android layer, and of the driver of these tests."""
    sources = [*sorted(LIBRARY.glob("*.kt")), DRIVER]
    return toolchain.compiled("core", sources, options=["-Xexplicit-api=strict"])


@pytest.fixture(scope="session")
def ask(core, tmp_path_factory) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Carries out requests in one JVM and returns their answers, see `driver/Main.kt`."""

    def carry_out(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("asked")
        (folder / "requests.json").write_text(json.dumps(requests, allow_nan=False))
        files = [os.fspath(folder / name) for name in ("requests.json", "answers.json")]
        toolchain.run(core, "dev.handgroups.driver.MainKt", *files)
        return json.loads((folder / "answers.json").read_text())

    return carry_out
