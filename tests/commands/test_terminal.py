import json

from tf_handgroups.commands.terminal import console, errors, print_json


def test_json_is_one_line_whatever_the_width(capsys):
    value = {"name": "[bold]x" * 60, "numbers": [1.5, None]}
    print_json(value)
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1 and json.loads(captured.out) == value


def test_messages_do_not_mix_with_results(capsys):
    console.print("result")
    errors.print("message")
    assert capsys.readouterr() == ("result\n", "message\n")
