"""Packages of Debian, downloaded and unpacked as a user, without installing anything."""

import os
import pathlib
import subprocess
from collections.abc import Mapping, Sequence

from tf_handgroups.errors import InputError


def download_packages(
    downloads: pathlib.Path,
    packages: Sequence[str],
    installed: str = "",
    settings: Mapping[str, str] | None = None,
) -> list[pathlib.Path]:
    """Downloads packages with what they depend on, by a private state of apt.

    Args:
        downloads: Folder for that state and the packages.
        packages: Names, as apt-get install takes them.
        installed: Content of the file that says what is there already; nothing by default.
        settings: More of apt's settings, for example its architecture.

    Returns:
        The `.deb` files.

    Raises:
        InputError: If apt-get fails; the message holds what it said.
    """
    state, cache = downloads.absolute() / "state", downloads.absolute() / "cache"
    (state / "lists" / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    (state / "status").write_text(installed)
    options = {
        "APT::Install-Recommends": "false",
        # The user that apt changes to cannot read private folders.
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
        "Dir::State": os.fspath(state),
        "Dir::State::status": os.fspath(state / "status"),
        "Dir::Cache": os.fspath(cache),
        **(settings or {}),
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    run([*apt, "update"])
    run([*apt, "install", "--yes", "--download-only", *packages])
    return sorted((cache / "archives").glob("*.deb"))


def unpack(archive: pathlib.Path, folder: pathlib.Path) -> None:
    """Unpacks the files of a package into a folder; its scripts are not run."""
    run(["dpkg", "-x", os.fspath(archive), os.fspath(folder)])


def run(
    arguments: Sequence[str],
    folder: pathlib.Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs a command.

    Args:
        arguments: The command.
        folder: Where it runs.
        environment: Variables that it gets besides those of this process.

    Raises:
        InputError: If its exit code is not 0; the message holds the end of what it said.
    """
    done = subprocess.run(
        arguments,
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = " ".join((done.stderr or done.stdout).split()[-60:])
        raise InputError(
            f"{arguments[0]} failed. Received: exit code {done.returncode}, {last} "
            "Packages come from where this machine's own tools get theirs."
        )
