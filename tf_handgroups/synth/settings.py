"""`SynthSettings`: how often optional things appear in a synthetic set."""

import dataclasses

from tf_handgroups.errors import InputError


@dataclasses.dataclass(frozen=True)
class SynthSettings:
    """Shares of pictures in [0, 1] unless said otherwise.

    Two sets of the same seed and different settings show the same poses and views; only
    another share of `everyday`, of `makehuman` and `max_roll_deg` changes them.

    Args:
        everyday: Pictures as people mostly take them: mostly a common pose, mostly the palm
            or the back towards the camera, good light, a sharp picture. The others cover
            the rest: rare poses, sun, dusk, bad cameras.
        negatives: Pictures without a hand, for `presence`.
        makehuman: Hands from the MakeHuman mesh; the others have the WebXR mesh.
        photo_background: Photographs behind the hand; the others are procedural.
        held_object: Hands that hold something, where the pose leaves room for it.
        second_hand: Pictures with the other hand of the same person nearby.
        occluder: Pictures in which something lies before the hand.
        sleeve: Forearms with a sleeve.
        glove: Hands in a glove.
        ring: Hands with a ring.
        watch: Wrists with a watch or bracelet.
        border: Crops that reach beyond the photograph, where crops are black.
        max_roll_deg: Largest in-plane turn of the fingers away from up, 0 to 180 degrees.

    Raises:
        InputError: If a value is not a number or out of range.

    Example:
    >>> SynthSettings(glove=0.2).glove
    0.2
    """

    everyday: float = 0.8
    negatives: float = 0.06
    makehuman: float = 0.5
    photo_background: float = 0.5
    held_object: float = 0.12
    second_hand: float = 0.05
    occluder: float = 0.05
    sleeve: float = 0.5
    glove: float = 0.03
    ring: float = 0.12
    watch: float = 0.12
    border: float = 0.06
    max_roll_deg: float = 60.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            highest = 180.0 if field.name == "max_roll_deg" else 1.0
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value <= highest:
                raise InputError(
                    f"SynthSettings: expected {field.name} from 0 to {highest:g}. "
                    f"Received: {field.name}={value!r}."
                )
            object.__setattr__(self, field.name, float(value))

    def as_dict(self) -> dict[str, float]:
        """Returns the values by name, as they are stored in `dataset.json`."""
        return dataclasses.asdict(self)
