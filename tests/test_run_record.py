"""What is noted about a run."""

import json
import subprocess

import pytest
import tensorflow as tf

from tf_handgroups.errors import InputError
from tf_handgroups.recipes import quicktest
from tf_handgroups.run_record import RunRecord, describe, git_revision, versions


class Hands(list):
    """A data set in memory."""

    kind = "memory"


def begun(folder, step=0):
    record = RunRecord(folder)
    record.begin(quicktest(), [Hands([1, 2])], [Hands([3])], tf.distribute.get_strategy(), step)
    return record


def test_sessions_add_up(tmp_path):
    begun(tmp_path).end(30, "KeyboardInterrupt")
    assert not RunRecord(tmp_path).finished
    begun(tmp_path, 30).end(600, "finished", finished=True)
    content = json.loads((tmp_path / "run.json").read_text())
    assert RunRecord(tmp_path).finished and content["finished"]
    assert content["recipe"] == "quicktest" and content["steps"] == 600
    assert content["training_data"] == ["memory: 2 samples"]
    assert [(one["first_step"], one["last_step"]) for one in content["sessions"]] == [
        (0, 30),
        (30, 600),
    ]
    assert content["sessions"][0]["versions"] == versions()
    assert content["sessions"][0]["devices"] == ["CPU"]


def test_a_killed_session_has_no_end(tmp_path):
    begun(tmp_path)
    assert RunRecord(tmp_path).content["sessions"][0]["end"] == "unknown"


def test_damaged_record(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json: .*Received: a damaged file"):
        RunRecord(tmp_path)


def test_git_revision(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert git_revision() is None
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    (tmp_path / "a").write_text("a")
    for command in (("init", "-q"), ("add", "a"), (*who, "commit", "-qm", "a")):
        subprocess.run(["git", *command], check=True)
    clean = git_revision()
    assert clean and len(clean) == 40
    (tmp_path / "a").write_text("b")
    assert git_revision() == clean + "+"


def test_describe_names_seed_and_version():
    hands = Hands([1, 2])
    hands.info = {"seed": 7, "version": "1.2", "other": 0}
    assert describe(hands) == "memory: 2 samples, seed 7, version 1.2"
    assert describe(Hands()) == "memory: 0 samples"
    assert describe([1, 2]) == "list: 2 samples"
    hands.info, hands.options, hands.weight = {}, {"split": "train"}, 0.5
    assert describe(hands) == "memory: 2 samples, split train, weight 0.5"
