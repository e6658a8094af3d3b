import shlex

import typer

from tf_handgroups.cli import app
from tf_handgroups.convert.next_steps import next_steps


def test_commands_exist_with_these_options():
    commands = typer.main.get_command(app).commands
    steps = next_steps("demo_out")
    for explanation, line in steps:
        program, name, *arguments = shlex.split(line)
        assert program == "tf-handgroups"
        assert explanation.endswith(".")
        # Raises on an unknown option or a missing argument; nothing is run.
        commands[name].make_context(name, arguments)
    names = [shlex.split(line)[1] for _, line in steps]
    assert names == ["synth", "train", "convert", "evaluate", "predict", "bundle"]


def test_odd_folder_names_stay_one_argument():
    for _, line in next_steps("my demo; rm -r x"):
        assert "rm" not in shlex.split(line)
