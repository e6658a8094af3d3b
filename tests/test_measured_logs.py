from tf_handgroups.measured_logs import measured

ALL = {"loss": 1.0, "mpjpe_mm": 30.0, "pa_mpjpe_mm": 20.0, "auc_20_50": 0.0, "z_rel_loss": 0.5}
NONE = {"loss": 1.0, "mpjpe_mm": 0.0, "pa_mpjpe_mm": 0.0, "auc_20_50": 0.0, "z_rel_loss": 0.0}


def validation(logs):
    return {f"val_{name}": value for name, value in logs.items()}


def test_what_was_measured_stays():
    # An area of 0 is a result, as long as there is an error.
    assert measured(ALL | validation(ALL)) == ALL | validation(ALL)


def test_without_3d_labels_nothing_is_said_about_3d():
    assert measured(NONE) == {"loss": 1.0}
    assert measured(ALL | validation(NONE)) == ALL | {"val_loss": 1.0}


def test_takes_no_logs_and_changes_none():
    assert measured(None) == {}
    logs = dict(NONE)
    measured(logs)
    assert logs == NONE
