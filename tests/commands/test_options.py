import pytest
import typer.main

from tf_handgroups.cli import app
from tf_handgroups.commands import options
from tf_handgroups.datasets.registry import KINDS

COMMANDS = typer.main.get_command(app).commands
SHARED = {
    value.__metadata__[0].help for value in vars(options).values() if hasattr(value, "__metadata__")
}


def test_unknown_kind_lists_the_known(fails, tmp_path):
    for command in (
        ("train", "--recipe", "quicktest", "--data", f"photos:{tmp_path}", "--val", "synth:x"),
        ("evaluate", "--model", "m.keras", "--data", f"photos:{tmp_path}"),
    ):
        message = fails(*command)
        assert "Received: kind='photos'" in message
        assert f"Known kinds: {', '.join(KINDS)}." in message


@pytest.mark.parametrize("flag", ["--overwrite", "--seed", "--json", "--threads"])
def test_an_option_means_the_same_everywhere(flag):
    texts = {
        parameter.help
        for command in COMMANDS.values()
        for parameter in command.params
        if flag in parameter.opts
    }
    assert len(texts) == 1 and texts <= SHARED
