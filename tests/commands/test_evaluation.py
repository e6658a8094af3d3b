from tests.hands import make_sample
from tf_handgroups.datasets.handjson import write_handjson


def test_evaluate_refuses_unknown_protocol(fails, model, tmp_path):
    write_handjson([make_sample(seed=seed) for seed in range(2)], tmp_path / "hands")
    data = f"handjson:{tmp_path / 'hands'}"
    message = fails("evaluate", "--model", model, "--data", data, "--protocol", "best")
    assert "best" in message and "root_relative" in message
