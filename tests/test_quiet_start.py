import subprocess
import sys


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_import_is_silent_and_stderr_works_afterwards():
    done = run(
        "import sys\n"
        "from tf_handgroups.quiet_start import import_tensorflow_quietly\n"
        "import_tensorflow_quietly()\n"
        "assert 'tensorflow' in sys.modules\n"
        "print('heard', file=sys.stderr)"
    )
    assert done.returncode == 0
    assert done.stderr == "heard\n"


def test_notes_are_shown_when_the_import_fails():
    done = run(
        "import os, sys, importlib.abc\n"
        "class Broken(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'tensorflow':\n"
        "            os.write(2, b'native note')\n"
        "            raise ImportError('broken build')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from tf_handgroups.quiet_start import import_tensorflow_quietly\n"
        "import_tensorflow_quietly()"
    )
    assert done.returncode == 1
    assert "native note" in done.stderr
    assert "ImportError: broken build" in done.stderr
