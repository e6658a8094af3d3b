"""Tests of the contract's section about tracking."""

import json
import math

import pytest

from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.convert.tracking_rule import TrackingRule, parse_tracking
from tf_handgroups.errors import InputError

OUTPUTS = ["uv_px", "z_rel", "presence", "handedness"]


@pytest.fixture
def section() -> dict:
    return TrackingRule(0.6, OneEuroSettings(2.0, 3.0, 0.5)).to_json()


def test_section_is_what_runners_in_other_languages_read(section):
    rules = section["box"].pop("rule"), section["filter"].pop("scale")
    assert "tight box" in rules[0] and "one pixel" in rules[0]
    assert "longer sides" in rules[1]
    assert json.loads(json.dumps(section)) == {
        "presence_threshold": 0.6,
        "box": {"from": "landmarks"},
        "filter": {
            "kind": "one_euro",
            "min_cutoff_hz": 2.0,
            "beta": 3.0,
            "derivative_cutoff_hz": 0.5,
        },
    }


@pytest.mark.parametrize("outputs", [OUTPUTS, ["uv_px", "z_rel"]])
def test_default_is_read_back(outputs):
    rule = TrackingRule.default(outputs)
    section = rule.to_json()
    assert rule.filter == OneEuroSettings()
    assert ("presence_threshold" in section) == ("presence" in outputs)
    assert parse_tracking(section, outputs, "here") == rule


def test_numbers_are_read_back(section):
    rule = parse_tracking(section, OUTPUTS, "here")
    assert rule == TrackingRule(0.6, OneEuroSettings(2.0, 3.0, 0.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("box"), r"field tracking\.box to be a JSON object\. Received: .*=None"),
        (lambda s: s.update(filter=[]), r"field tracking\.filter to be .* tracking\.filter=\[\]"),
        (lambda s: s["box"].update({"from": "palm"}), r"Received: tracking\.box\.from='palm'"),
        (lambda s: s["filter"].update(kind="kalman"), r"Received: tracking\.filter\.kind='kal"),
        (lambda s: s["filter"].pop("beta"), r"field tracking\.filter\.beta is missing\. Received:"),
        (lambda s: s["filter"].update(beta=-1), r"section tracking: .*Received: beta=-1"),
        (lambda s: s["filter"].update(min_cutoff_hz="1"), r"Received: min_cutoff_hz='1'"),
        (lambda s: s.pop("presence_threshold"), r"Received: tracking\.presence_threshold=None"),
        (lambda s: s.update(presence_threshold=1.5), r"Received: presence_threshold=1\.5"),
    ],
)
def test_rejects_wrong_fields_by_name(section, change, message):
    change(section)
    with pytest.raises(InputError, match=rf"^here: .*{message}"):
        parse_tracking(section, OUTPUTS, "here")


def test_rejects_a_threshold_without_presence(section):
    with pytest.raises(InputError, match=r"Received: tracking\.presence_threshold=0\.6, outputs="):
        parse_tracking(section, ["uv_px", "z_rel"], "here")


def test_rejects_what_is_no_object():
    with pytest.raises(InputError, match=r"Received: tracking='landmarks'"):
        parse_tracking("landmarks", OUTPUTS, "here")


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, "0.5", True])
def test_rejects_thresholds_that_are_no_probability(bad):
    with pytest.raises(InputError, match="Received: presence_threshold="):
        TrackingRule(bad)


def test_numbers_can_be_changed_one_by_one():
    rule = TrackingRule(0.6, OneEuroSettings(2.0, 3.0, 0.5))
    assert rule.changed({}) == rule
    assert rule.changed({"beta": 4.0}) == TrackingRule(0.6, OneEuroSettings(2.0, 4.0, 0.5))
    changed = rule.changed({"presence_threshold": 0.0, "min_cutoff_hz": 1.0})
    assert changed == TrackingRule(0.0, OneEuroSettings(1.0, 3.0, 0.5))


@pytest.mark.parametrize(
    ("threshold", "numbers", "message"),
    [
        (0.5, {"alpha": 1.0}, r"presence_threshold, min_.* Received: alpha=1\.0"),
        (None, {"presence_threshold": 0.5}, r"among min_.* Received: presence_threshold=0\.5"),
        (0.5, {"beta": -1.0}, r"Received: beta=-1\.0"),
        (0.5, {"presence_threshold": 2.0}, r"Received: presence_threshold=2\.0"),
    ],
)
def test_rejects_changes(threshold, numbers, message):
    with pytest.raises(InputError, match=message):
        TrackingRule(threshold).changed(numbers)
