"""Where to go from the demo: commands to copy."""

import shlex


def next_steps(out: str) -> list[tuple[str, str]]:
    """Returns explanations and commands that go on from the demo in folder `out`.

    Example:

    >>> next_steps("demo_out")[0][1]
    'tf-handgroups synth --count 40000 --seed 11 --out renders/train'
    """
    model = shlex.quote(f"{out}/converted/demo_hand_int8_mixed.tflite")
    samples = shlex.quote(f"{out}/samples")
    return [
        (
            "Render a larger training set; repeat with another seed and `--out renders/val` "
            "for validation.",
            "tf-handgroups synth --count 40000 --seed 11 --out renders/train",
        ),
        (
            "Train on renders together with your own labelled hands. The format `handjson` "
            f"is one annotations.json beside the images; {out}/samples is an example of it.",
            "tf-handgroups train --recipe mobile --data synth:renders/train "
            "--data handjson:my_hands/train --val handjson:my_hands/val --out runs/mine",
        ),
        (
            "Harden and convert; at least 400 validation hands calibrate and check the files.",
            "tf-handgroups convert --model runs/mine/model.keras --data handjson:my_hands/val "
            "--out converted",
        ),
        (
            "Measure a converted model on labelled hands; here this demo's on its own samples.",
            f"tf-handgroups evaluate --model {model} --data handjson:{samples} --out evaluation",
        ),
        (
            "Find the joints in pictures; here in this demo's own samples.",
            f"tf-handgroups predict --model {model} --boxes {samples}/annotations.json "
            f"--out predictions {samples}/images",
        ),
        (
            "Collect what an app needs: models, contracts, test vectors, licence.",
            "tf-handgroups bundle --converted converted --data handjson:my_hands/val "
            "--out android_assets",
        ),
    ]
