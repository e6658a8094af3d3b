"""Tests of trying a model in a process of its own."""

import io
import json
import resource
import subprocess
import sys

import pytest
from ai_edge_litert import schema_py_generated as schema

from tf_handgroups.convert import trial
from tf_handgroups.convert.check_ops import op_name
from tf_handgroups.convert.open_litert import open_signature
from tf_handgroups.convert.tflite_file import pack_tflite, parse_tflite
from tf_handgroups.convert.trial import (
    RAN,
    RUNTIME,
    STRUCTURE,
    frame,
    limit_resources,
    serve,
    signal_name,
    try_here,
    try_in_child,
)
from tf_handgroups.errors import InputError


def test_sound_models_pass(converted):
    try_in_child((converted / "hand_int8_mixed.tflite").read_bytes(), "a")


def test_what_the_child_refuses_is_told_with_the_file_name(float_model):
    with pytest.raises(InputError, match=r"^cut\.tflite: expected a complete LiteRT model"):
        try_in_child(float_model[:-500], "cut.tflite")


def enlarged(content: bytes) -> bytes:
    """A well-formed model of which one activation has a hundred billion numbers."""
    model = parse_tflite(content)
    graph = model.subgraphs[0]
    for number in (graph.inputs[0], graph.operators[0].outputs[0]):
        tensor = graph.tensors[number]
        tensor.shape = [1, 1 << 18, 1 << 18, tensor.shape[3]]
    return pack_tflite(model)


def test_memory_bomb_is_refused_with_a_message(float_model):
    with pytest.raises(InputError, match=r"^big\.tflite: "):
        try_in_child(enlarged(float_model), "big.tflite")


def test_a_model_that_crashes_the_runtime_is_refused_with_a_message(float_model):
    """LiteRT 2.3 dies of SIGSEGV when a softmax returns text; later versions may refuse it."""
    model = parse_tflite(float_model)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if op_name(model, operator) == "SOFTMAX":
            graph.tensors[operator.outputs[0]].type = schema.TensorType.STRING
    with pytest.raises(InputError, match=r"^text\.tflite: .*(SIG|LiteRT)"):
        try_in_child(pack_tflite(model), "text.tflite")


def pretend(monkeypatch, program: str) -> None:
    """Another program in place of the child."""

    def start():
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe
        )

    monkeypatch.setattr(trial, "start_child", start)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL", "SIGXCPU"])
def test_death_of_the_child_is_told(monkeypatch, name):
    pretend(monkeypatch, f"import os, signal; os.kill(os.getpid(), signal.{name})")
    with pytest.raises(InputError, match=f"hand.tflite: .* died of {name}"):
        try_in_child(b"TFL3" * 1_000_000, "hand.tflite")  # more than a pipe holds


def test_endless_child_is_ended(monkeypatch):
    pretend(monkeypatch, "import time; time.sleep(1000)")
    with pytest.raises(InputError, match=r"within 0\.5 s\. Received: the process .* did not end"):
        try_in_child(b"TFL3", "hand.tflite", wait_seconds=0.5)


def test_child_that_cannot_start_is_told(monkeypatch):
    pretend(monkeypatch, "raise SystemExit('no such module')")
    with pytest.raises(InputError, match=r"ended with exit code 1, .*no such module"):
        try_in_child(b"TFL3", "hand.tflite")


def test_the_child_dies_of_too_much_processor_time(tmp_path):
    """The limits that the child sets itself, on a program that never ends."""
    program = (
        "from tf_handgroups.convert import trial\n"
        "trial.CPU_SECONDS = 1\n"
        "trial.limit_resources(0)\n"
        "while True: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=120)
    assert signal_name(done.returncode) == "SIGXCPU"


def test_the_child_gets_no_more_memory(tmp_path):
    program = (
        "from tf_handgroups.convert import trial\n"
        "trial.limit_resources(1000)\n"
        "try:\n"
        "    bytearray(trial.MEMORY_BYTES + trial.MEMORY_FACTOR * 1000)\n"
        "except MemoryError:\n"
        "    print('refused')\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "refused\n"


def test_limits_of_the_machine_are_kept(monkeypatch):
    limits = {}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (100, 100))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: limits.update({kind: pair}))
    limit_resources(1000)
    assert limits[resource.RLIMIT_AS] == (100, 100)
    assert limits[resource.RLIMIT_CORE] == (0, 100)


def test_systems_without_limits(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # cannot be imported
    limit_resources(1000)


def test_stages(float_model, monkeypatch):
    assert try_here(b"no model at all") == {
        "stage": STRUCTURE,
        "message": "model: expected a LiteRT model (file identifier TFL3). Received: 15 bytes "
        "starting with b'no model'. Convert the model again or copy the file anew.",
    }
    assert try_here(float_model) == {"stage": RAN, "message": ""}
    model = parse_tflite(float_model)
    model.signatureDefs = []
    answer = try_here(pack_tflite(model))
    assert answer["stage"] == RUNTIME and "expected one signature" in answer["message"]

    def raising(error):
        def run(**inputs):
            raise error

        infer = open_signature(float_model)
        run.get_input_details = infer.get_input_details
        monkeypatch.setattr(trial, "open_signature", lambda content: run)
        return try_here(float_model)

    assert "too much memory" in raising(MemoryError())["message"]
    answer = raising(RuntimeError("node 3"))
    assert answer == {
        "stage": RUNTIME,
        "message": "model: LiteRT cannot run this model (node 3).",
    }


def test_one_process_tries_many(float_model, monkeypatch):
    monkeypatch.setattr(trial, "limit_resources", lambda num_bytes: None)
    answers = io.BytesIO()
    models = [float_model, b"TFL3", float_model[:-1000], float_model]
    serve(io.BytesIO(b"".join(map(frame, models))), answers)
    stages = [json.loads(line)["stage"] for line in answers.getvalue().splitlines()]
    assert stages == [RAN, STRUCTURE, STRUCTURE, RAN]
