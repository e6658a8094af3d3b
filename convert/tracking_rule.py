"""How runners follow a hand from frame to frame: the section `tracking` of a contract.

The numbers have their defaults here and in `one_euro`, and nowhere else; phone, browser and
desktop read them from the contract.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.errors import InputError

PRESENCE_THRESHOLD = 0.5

_SMOOTHING = tuple(field.name for field in dataclasses.fields(OneEuroSettings))
TRACKING_NUMBERS = ("presence_threshold", *_SMOOTHING)

_BOX = {
    "from": "landmarks",
    "rule": "tight box of the last frame's unsmoothed landmarks in image pixels, each side at "
    "least one pixel; the crop rule adds its margin",
}
_KIND = "one_euro"
_SCALE = (
    "speed of uv is measured in longer sides of the tight landmark box per second, "
    "of z_rel in reference-bone lengths per second"
)
_ADVICE = "Make the bundle again with this version."


@dataclasses.dataclass(frozen=True)
class TrackingRule:
    """When a track ends, and how strongly its joints are smoothed.

    Args:
        presence_threshold: A hand with a lower probability of presence ends the track; `None`
            for a network that cannot tell.
        filter: Numbers of the One-Euro filter.

    Raises:
        InputError: If the threshold is no probability.

    Example:

    >>> TrackingRule(presence_threshold=0.7).to_json()["presence_threshold"]
    0.7
    """

    presence_threshold: float | None = PRESENCE_THRESHOLD
    filter: OneEuroSettings = dataclasses.field(default_factory=OneEuroSettings)

    def __post_init__(self):
        value = self.presence_threshold
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (number and math.isfinite(value) and 0 <= value <= 1):
            raise InputError(
                "TrackingRule: expected a probability from 0 to 1. "
                f"Received: presence_threshold={value!r}."
            )

    @classmethod
    def default(cls, outputs: Collection[str]) -> "TrackingRule":
        """Returns the rule with default numbers for a network with these outputs."""
        return cls(PRESENCE_THRESHOLD if "presence" in outputs else None)

    def changed(self, numbers: Mapping[str, float]) -> "TrackingRule":
        """Returns the rule with other numbers.

        Args:
            numbers: By name: `presence_threshold` or a field of `OneEuroSettings`.

        Raises:
            InputError: If a name is unknown, or a number is unfit.

        Example:

        >>> TrackingRule().changed({"beta": 2.0}).filter.beta
        2.0
        """
        known = _SMOOTHING if self.presence_threshold is None else TRACKING_NUMBERS
        unknown = [name for name in numbers if name not in known]
        if unknown:
            raise InputError(
                f"tracking: expected numbers among {', '.join(known)}. "
                f"Received: {unknown[0]}={numbers[unknown[0]]!r}."
            )
        changes = {name: numbers[name] for name in _SMOOTHING if name in numbers}
        return TrackingRule(
            numbers.get("presence_threshold", self.presence_threshold),
            dataclasses.replace(self.filter, **changes),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the section as it stands in a contract."""
        threshold = {"presence_threshold": self.presence_threshold}
        return ({} if self.presence_threshold is None else threshold) | {
            "box": dict(_BOX),
            "filter": {"kind": _KIND, **dataclasses.asdict(self.filter), "scale": _SCALE},
        }


def parse_tracking(section: Any, outputs: Collection[str], where: str) -> TrackingRule:
    """Checks the section `tracking` of a contract.

    Args:
        section: The section.
        outputs: Names of the file's outputs.
        where: Name of the file for messages.

    Raises:
        InputError: If a field is missing or not as this version can follow it; the message
            names the field.

    Example:

    >>> rule = TrackingRule.default(["uv_px", "z_rel"])
    >>> parse_tracking(rule.to_json(), ["uv_px", "z_rel"], "hand.contract.json") == rule
    True
    """
    section = _mapping(section, "tracking", where)
    box = _mapping(section.get("box"), "tracking.box", where)
    smoothing = _mapping(section.get("filter"), "tracking.filter", where)
    for path, value, expected in (
        ("tracking.box.from", box.get("from"), _BOX["from"]),
        ("tracking.filter.kind", smoothing.get("kind"), _KIND),
    ):
        if value != expected:
            raise InputError(
                f"{where}: expected field {path} to be {expected!r}. "
                f"Received: {path}={value!r}. {_ADVICE}"
            )
    threshold = section.get("presence_threshold")
    if (threshold is None) == ("presence" in outputs):
        raise InputError(
            f"{where}: expected field tracking.presence_threshold where the outputs have "
            f"presence, and only there. Received: tracking.presence_threshold={threshold!r}, "
            f"outputs={list(outputs)}. {_ADVICE}"
        )
    missing = [name for name in _SMOOTHING if name not in smoothing]
    if missing:
        raise InputError(
            f"{where}: field tracking.filter.{missing[0]} is missing. "
            f"Received: fields={sorted(smoothing)}. {_ADVICE}"
        )
    try:
        return TrackingRule(
            threshold, OneEuroSettings(**{name: smoothing[name] for name in _SMOOTHING})
        )
    except InputError as error:
        raise InputError(f"{where}: section tracking: {error}") from error


def _mapping(value: Any, path: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(
            f"{where}: expected field {path} to be a JSON object. "
            f"Received: {path}={value!r}. {_ADVICE}"
        )
    return value
