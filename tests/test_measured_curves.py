import json

import numpy as np
import pytest

from tf_handgroups.errors import InputError
from tf_handgroups.measured_curves import read_measured_curve
from tf_handgroups.metrics.pck_auc import THRESHOLDS_0_50_MM

PCK = np.linspace(0.0, 0.95, 20)


def report_of(protocol="learnable-groups", kind="rhd", path="data/RHD/evaluation", **points):
    points = {
        "thresholds_mm": np.round(THRESHOLDS_0_50_MM, 6).tolist(),
        "pck": PCK.tolist(),
    } | points
    return {
        "schema": 1,
        "data": {"kind": kind, "path": path, "num_hands": 30},
        "errors_3d": {protocol: {"num_hands": 28}},
        "curves": {protocol: points},
    }


@pytest.fixture
def saved(tmp_path):
    def save(report):
        (tmp_path / "report").mkdir(exist_ok=True)
        text = report if isinstance(report, str) else json.dumps(report)
        (tmp_path / "report" / "report.json").write_text(text)
        return tmp_path / "report"

    return save


def test_reads_folder_or_file(saved):
    folder = saved(report_of())
    curve = read_measured_curve(f"rhd={folder}")
    assert (curve.benchmark, curve.label, curve.protocol) == ("rhd", "ours", "learnable-groups")
    assert curve.data == "rhd:data/RHD/evaluation" and curve.is_benchmark_data
    assert curve.num_hands == 28
    np.testing.assert_array_equal(curve.pck, PCK)
    named = read_measured_curve(f"rhd: int8, 3.5 MB ={folder / 'report.json'}")
    assert named.label == "int8, 3.5 MB"


def test_other_data_is_known(saved):
    curve = read_measured_curve(f"stb={saved(report_of(kind='synth', path='renders/val'))}")
    assert curve.data == "synth:renders/val" and not curve.is_benchmark_data
    unnamed = read_measured_curve(f"stb={saved(report_of(kind=None, path=None))}")
    assert unnamed.data == "unnamed:data" and not unnamed.is_benchmark_data
    long = read_measured_curve(f"stb={saved(report_of(path='very/' * 20 + 'STB/test'))}")
    assert len(long.data) == 40 and long.data.startswith("rhd:…") and long.data.endswith("STB/test")


def test_turned_data_is_not_the_benchmark(saved):
    report = report_of()
    report["data"]["rotation_deg"] = 0.0
    assert read_measured_curve(f"rhd={saved(report)}").is_benchmark_data
    report["data"]["rotation_deg"] = 90.0
    curve = read_measured_curve(f"rhd={saved(report)}")
    assert curve.data == "rhd:data/RHD/evaluation turned by 90 degrees"
    assert not curve.is_benchmark_data


def test_each_benchmark_has_its_protocol(saved):
    thresholds = np.linspace(0, 100, 20)
    report = report_of("dexter-object", kind="dexter-object", thresholds_mm=thresholds.tolist())
    curve = read_measured_curve(f"dexter-object={saved(report)}")
    assert curve.protocol == "dexter-object" and curve.thresholds_mm[-1] == 100
    with pytest.raises(InputError, match=r"protocol learnable-groups. Received: dexter-object"):
        read_measured_curve(f"rhd={saved(report)}")


def test_between_thresholds_it_is_straight(saved):
    curve = read_measured_curve(f"rhd={saved(report_of())}")
    np.testing.assert_allclose(curve.at(THRESHOLDS_0_50_MM), PCK, atol=1e-6)
    np.testing.assert_allclose(curve.at(np.array([25.0])), [0.475], atol=1e-6)


@pytest.mark.parametrize(
    "argument", ["rhd", "rhd=", "=path", "rhd:=path", "rhd: =path", "rhd:_a=b"]
)
def test_unusable_arguments(argument):
    with pytest.raises(InputError, match=r"Received: (report|name)="):
        read_measured_curve(argument)


def test_unknown_benchmark_lists_the_known(tmp_path):
    with pytest.raises(InputError, match=r"Received: name='ho3d'.*dexter-object"):
        read_measured_curve(f"ho3d={tmp_path}")


def test_unusable_reports(saved, tmp_path):
    def refuses(match, report):
        with pytest.raises(InputError, match=match):
            read_measured_curve(f"rhd={saved(report)}")

    with pytest.raises(InputError, match=r"absent: expected a report of `evaluate`"):
        read_measured_curve(f"rhd={tmp_path / 'absent'}")
    refuses("expected a report of `evaluate`. Received: Expecting value", "no JSON")
    refuses("expected a report of `evaluate`. Received: list", [])
    refuses("Received: KeyError: 'curves'", {"data": {}})
    refuses("Evaluate with --protocol learnable-groups", report_of() | {"curves": {}})
    refuses("Received: KeyError: 'data'", {"curves": report_of()["curves"]})
    refuses("Received: AttributeError", report_of() | {"data": {"num_hands": 2}, "errors_3d": []})
    half = PCK[:10].tolist()
    refuses(r"pck.shape=\(10,\)", report_of(pck=half))
    refuses(r"shares in \[0, 1\]", report_of(pck=(PCK * 100).tolist()))
    refuses(r"shares in \[0, 1\]", report_of(pck=[None] * 20))
    refuses("ascending", report_of(thresholds_mm=THRESHOLDS_0_50_MM[::-1].tolist()))
    refuses(
        r"over 21.05 to 50 mm. Received: thresholds_mm=0..23",
        report_of(thresholds_mm=THRESHOLDS_0_50_MM[:10].tolist(), pck=half),
    )
