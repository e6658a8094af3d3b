"""An ARM64 root file system with Python and LiteRT, and the emulator that runs it.

Everything is downloaded as a user, into one folder: with a private state of apt, so that
the machine's own packages stay as they are, and with pip. Debian on x86 only.
"""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import sys
import zipfile

from benchmarks.debian_packages import download_packages, run, unpack
from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.errors import InputError

_TOOLS = ("apt-get", "dpkg")
_EMULATOR_PACKAGE = "qemu-user-static"
_EMULATOR = "qemu-aarch64-static"
# Python for ARM64, and what the wheels are linked against.
_PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "libgcc-s1")
_WHEELS = ("ai-edge-litert", "numpy")
_DESCRIPTION = "sysroot.json"

# LiteRT chooses kernels by what the processor says it can do. With everything that the
# emulator knows the int8 results are wrong, an older processor lacks instructions that
# LiteRT uses without asking, and without /proc/cpuinfo of ARM64 it crashes.
_PROCESSOR = "cortex-a76"
_CORE = """\
processor\t: {core}
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm \
lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1

"""


def versions() -> dict[str, str]:
    """Returns the versions that are installed here, which the ARM64 side has to equal."""
    return {name: importlib.metadata.version(name) for name in _WHEELS}


def build(folder: pathlib.Path) -> None:
    """Makes or replaces the root file system; about a minute and 180 MB.

    Raises:
        InputError: If the machine is not suitable or a download fails; says what lacks.
    """
    check_machine()
    with replacing_folder(folder, overwrite=True) as new:
        root, downloads = new / "root", new / "downloads"
        root.mkdir()
        archives = _download_packages(downloads)
        for archive in archives:
            # Later Debian splits the emulator's package in two.
            target = downloads if archive.name.startswith("qemu-user") else root
            unpack(archive, target)
        programs = [downloads / "usr" / "bin" / name for name in (_EMULATOR, "qemu-aarch64")]
        shutil.copy(next(program for program in programs if program.is_file()), new / _EMULATOR)
        if not (root / "lib").exists():  # newer Debian has everything below /usr
            (root / "lib").symlink_to("usr/lib")
        (root / "proc").mkdir()
        cores = "".join(_CORE.format(core=core) for core in range(4))
        (root / "proc" / "cpuinfo").write_text(cores)
        _install_wheels(_python(root).name.removeprefix("python"), downloads, new / "site")
        shutil.rmtree(downloads)
        (new / _DESCRIPTION).write_text(json.dumps(versions()) + "\n")


def check_machine() -> None:
    """Checks that this machine can build and run the root file system.

    Raises:
        InputError: If it is not x86, or has no apt.
    """
    machine = platform.machine()
    if machine != "x86_64":
        raise InputError(
            f"parity_arm64: expected an x86 machine to emulate ARM64 on. Received: {machine=}. "
            "On ARM64 itself, tf-handgroups bundle --check compares with the x86 results."
        )
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise InputError(
            "parity_arm64: expected Debian with apt-get and dpkg, from whose archive the ARM64 "
            f"system comes. Received: missing={missing}. Use a container with Debian 12."
        )


def missing(folder: pathlib.Path) -> str | None:
    """Returns why nothing can be run in this folder, `None` if all is there."""
    try:
        found = json.loads((folder / _DESCRIPTION).read_text())
    except (OSError, ValueError):
        return f"{folder}: no ARM64 system. Run make parity-arm64 on Debian with an x86 processor."
    if found != versions():
        return (
            f"{folder}: the ARM64 system has {found}, here is {versions()}. "
            "Run make parity-arm64 again."
        )
    return None


def command(folder: pathlib.Path, script: pathlib.Path, *arguments: str) -> list[str]:
    """Returns the command that runs a script in the emulated Python."""
    root = folder / "root"
    return [
        *(os.fspath(folder / _EMULATOR),),
        *("-cpu", _PROCESSOR, "-L", os.fspath(root)),
        *("-E", f"PYTHONPATH={folder / 'site'}", "-E", "PYTHONHOME=/usr"),
        os.fspath(_python(root)),
        os.fspath(script),
        *arguments,
    ]


def _python(root: pathlib.Path) -> pathlib.Path:
    found = sorted((root / "usr" / "bin").glob("python3.*[0-9]"))
    if not found:
        raise InputError(f"{root}: expected a Python 3 in it. Received: none. Build it again.")
    return found[-1]


def _download_packages(downloads: pathlib.Path) -> list[pathlib.Path]:
    """Downloads what runs in the emulator, as on an empty ARM64 machine, and the emulator."""
    architectures = {"APT::Architecture": "arm64", "APT::Architectures::": "amd64"}
    packages = [*_PACKAGES, f"{_EMULATOR_PACKAGE}:amd64"]
    return download_packages(downloads, packages, settings=architectures)


def _install_wheels(python: str, downloads: pathlib.Path, site: pathlib.Path) -> None:
    wheels = downloads / "wheels"
    platforms = [f"manylinux_2_{glibc}_aarch64" for glibc in (28, 27, 17)]
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet"),
            *("--no-deps", "--only-binary=:all:", "--implementation", "cp"),
            *("--python-version", python, *(f"--platform={name}" for name in platforms)),
            *("--dest", os.fspath(wheels)),
            *(f"{name}=={version}" for name, version in versions().items()),
        ]
    )
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
