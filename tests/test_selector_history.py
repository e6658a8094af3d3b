import numpy as np

from tf_handgroups.selector_history import append_selector, read_selector, selector_scalars


def test_rows_come_back(tmp_path):
    path = tmp_path / "selector.csv"
    first, second = np.random.default_rng(0).dirichlet(np.ones(4), (2, 21))
    append_selector(path, 0, 150, first)
    append_selector(path, 1, 300, second)
    steps, probabilities = read_selector(path)
    assert steps.tolist() == [150, 300]
    np.testing.assert_allclose(probabilities, [first, second], atol=5e-5)
    header = path.read_text().splitlines()[0].split(",")
    assert header[:4] == ["epoch", "step", "wrist/0", "wrist/1"] and len(header) == 2 + 21 * 4


def test_scalars_of_an_undecided_selector():
    scalars = selector_scalars(np.full((21, 3), 1 / 3), [0] * 21)
    np.testing.assert_allclose(scalars["entropy_nats"], np.log(3))
    assert scalars["decided_joints"] == 0
    assert [scalars[f"group_{group}_joints"] for group in range(3)] == [21, 0, 0]


def test_joints_are_decided_from_nine_tenths():
    shares = np.full((21, 2), 0.5)
    shares[:7] = [0.95, 0.05]
    scalars = selector_scalars(shares, [0] * 7 + [1] * 14)
    np.testing.assert_allclose(scalars["decided_joints"], 1 / 3)
    expected = (7 * -(0.95 * np.log(0.95) + 0.05 * np.log(0.05)) + 14 * np.log(2)) / 21
    np.testing.assert_allclose(scalars["entropy_nats"], expected)
    assert (scalars["group_0_joints"], scalars["group_1_joints"]) == (7, 14)
