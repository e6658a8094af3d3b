"""Tests of the golden steps, against a runner that is written from the contract alone."""

import json
import math

import numpy as np
import pytest

from tests.convert.test_one_euro import PlainFilter
from tf_handgroups.convert.golden_file import read_arrays, write_arrays
from tf_handgroups.convert.golden_steps import check_golden_steps, run_step, write_golden_steps
from tf_handgroups.convert.one_euro import OneEuroSettings
from tf_handgroups.convert.recovery_rule import RECOVERY
from tf_handgroups.convert.tracking_rule import TrackingRule
from tf_handgroups.crop import CROP_RULE
from tf_handgroups.errors import GateError, InputError
from tf_handgroups.joints import PARENTS, ROOT_JOINT

RULE = TrackingRule(0.5, OneEuroSettings(beta=4.0))


@pytest.fixture
def folder(tmp_path):
    entry = write_golden_steps(tmp_path, RULE)
    (tmp_path / "entry.json").write_text(json.dumps(entry))
    return tmp_path


def entry_of(folder) -> dict:
    return json.loads((folder / "entry.json").read_text())


def plain_window(box, size):
    side = CROP_RULE["margin"] * max(box[2], box[3])
    return side, box[0] + box[2] / 2, box[1] + box[3] / 2


def plain_crop(image, box_px, mirror, size):
    """Pixel by pixel; only every third row and column, for speed."""
    side, centre_u, centre_v = plain_window(box_px, size)
    factor = max(1, math.floor(side / size + 1e-6))
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    blocks = image[: rows * factor, : columns * factor].astype(float)
    pixels = blocks.reshape(rows, factor, columns, factor, 3).mean((1, 3))
    crop = np.full((size, size, 3), np.nan)
    for row in range(0, size, 3):
        for column in range(0, size, 3):
            across = size - 1 - column if mirror else column
            u = (across - (size - 1) / 2) * side / size + centre_u
            v = (row - (size - 1) / 2) * side / size + centre_v
            # Centre of a block: the mean of its pixels' centres.
            u, v = (u - (factor - 1) / 2) / factor, (v - (factor - 1) / 2) / factor
            value = np.zeros(3)
            for down in (0, 1):
                for right in (0, 1):
                    y, x = math.floor(v) + down, math.floor(u) + right
                    if 0 <= y < rows and 0 <= x < columns:
                        weight = (1 - abs(v - y)) * (1 - abs(u - x))
                        value += weight * pixels[y, x] / 255
            crop[row, column] = value
    return {"crop": crop}


def plain_decode(heatmaps, depth_maps, decoding):
    rows, columns, channels = heatmaps.shape
    uv, z = np.zeros((channels, 2)), np.zeros(channels)
    for channel, joint in enumerate(decoding["joints"]):
        top = float(heatmaps[:, :, channel].max())
        total, sums = 0.0, np.zeros(3)
        for row in range(rows):
            for column in range(columns):
                weight = math.exp(float(heatmaps[row, column, channel]) - top)
                place = [cell * decoding["stride_px"] + decoding["offset_px"]
                         for cell in (column, row)]  # fmt: skip
                sums += weight * np.array([*place, depth_maps[row, column, channel]])
                total += weight
        uv[joint], z[joint] = sums[:2] / total, sums[2] / total
    return {"uv_px": uv, "z_rel": z}


def plain_hand(uv_px, z_rel, presence, handedness, box_px, side, size, intrinsics_px, bone_mm):
    window, centre_u, centre_v = plain_window(box_px, size)
    across = size - 1 - uv_px[:, 0] if side == "left" else uv_px[:, 0]
    crop = np.column_stack([across, uv_px[:, 1]]).astype(float)
    uv = (crop - (size - 1) / 2) * window / size + [centre_u, centre_v]
    z = z_rel.astype(float)
    ratios, weights = np.array(RECOVERY["bone_ratios"]), np.array(RECOVERY["bone_weights"])

    def along_bones(values):
        return np.array([values[joint] - values[PARENTS[joint]] for joint in range(1, 21)])

    p = weights @ np.maximum(ratios**2 - along_bones(z) ** 2, 0)
    least = RECOVERY["min_image_share"] * (weights @ ratios**2)
    scale = math.sqrt(weights @ (along_bones(uv) ** 2).sum(-1) / max(p, least))
    flat = (uv - uv[ROOT_JOINT]) / scale if scale else np.zeros((21, 2))
    rays = (np.linalg.inv(intrinsics_px) @ np.column_stack([uv, np.ones(21)]).T).T[:, :2]
    slopes, offsets = along_bones(rays), along_bones(rays * z[:, None])
    a, b = weights @ (slopes**2).sum(-1), weights @ (slopes * offsets).sum(-1)
    q = math.sqrt(max(b * b - a * (weights @ (offsets**2).sum(-1) - p), 0)) - b
    limit = RECOVERY["max_root_depth"]
    depth = max(q / a if q < limit * a else limit, 1 - z.min()) + z
    return {
        "uv_px": uv,
        "z_rel": z,
        "presence": 1 / (1 + math.exp(-presence)),
        "xyz_relative": np.column_stack([flat, z - z[ROOT_JOINT]]),
        "xyz_camera_mm": bone_mm * np.column_stack([rays * depth[:, None], depth]),
    }


def plain_filter(time_s, uv_px, z_rel, settings):
    filters = [[PlainFilter(OneEuroSettings(**settings)) for _ in range(3)] for _ in range(21)]
    uv, z = np.zeros(uv_px.shape), np.zeros(z_rel.shape)
    for frame, time in enumerate(time_s):
        scale = max(uv_px[frame].max(0) - uv_px[frame].min(0))
        for joint in range(21):
            for axis in (0, 1):
                uv[frame, joint, axis] = filters[joint][axis](
                    time, uv_px[frame, joint, axis], scale
                )
            z[frame, joint] = filters[joint][2](time, z_rel[frame, joint], 1.0)
    return {"uv_px": uv, "z_rel": z}


PLAIN = {
    "crop": plain_crop,
    "decode": plain_decode,
    "hand": plain_hand,
    "side": lambda handedness_as_it_is, handedness_flipped: {
        "side": "left" if handedness_flipped > handedness_as_it_is else "right"
    },
    "box": lambda uv_px: {
        "box_px": [*uv_px.min(0), *(max(1, width) for width in np.ptp(uv_px, axis=0))]
    },
    "filter": plain_filter,
}


def test_runner_written_from_the_contract_passes(folder):
    steps = json.loads((folder / "golden_steps.json").read_text())
    arrays = read_arrays(folder, entry_of(folder))

    def resolved(values):
        return {
            name: arrays[value["array"]] if isinstance(value, dict) and "array" in value else value
            for name, value in values.items()
        }

    seen = set()
    for case in steps["cases"]:
        results = PLAIN[case["step"]](**resolved(case["inputs"]))
        seen.add(case["step"])
        for name, expected in resolved(case["expected"]).items():
            if name == "matrix":
                continue  # of use where a crop is cut in one go, see the next test
            if isinstance(expected, str):
                assert results[name] == expected, case["name"]
                continue
            difference = np.abs(results[name] - np.asarray(expected))
            assert np.nanmax(difference) <= steps["tolerance"][name], (case["name"], name)
    assert seen == set(PLAIN)


def test_matrix_maps_image_to_crop(folder):
    steps = json.loads((folder / "golden_steps.json").read_text())
    arrays = read_arrays(folder, entry_of(folder))
    checked = 0
    for case in steps["cases"]:
        if case["step"] != "crop":
            continue
        box, size = case["inputs"]["box_px"], case["inputs"]["size"]
        side, centre_u, centre_v = plain_window(box, size)
        matrix = arrays[case["expected"]["matrix"]["array"]]
        for u, v in ((0, 0), (13, 41), (70.5, 9)):
            column = (u - centre_u) * size / side + (size - 1) / 2
            row = (v - centre_v) * size / side + (size - 1) / 2
            column = size - 1 - column if case["inputs"]["mirror"] else column
            np.testing.assert_allclose(matrix @ [u, v, 1], [column, row], atol=1e-9)
            checked += 1
    assert checked > 10


def test_same_rule_gives_the_same_bytes_and_shared_arrays_are_stored_once(folder, tmp_path):
    (tmp_path / "again").mkdir()
    assert write_golden_steps(tmp_path / "again", RULE) == entry_of(folder)
    for name in ("golden_steps.json", "golden_steps.bin"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    names = [array["name"] for array in entry_of(folder)["arrays"]]
    assert len(names) == len(set(names)) and "crop_mirrored/inputs/image" not in names
    assert (folder / "golden_steps.bin").stat().st_size < 250_000


def test_own_steps_pass(folder):
    check_golden_steps(folder, entry_of(folder), RULE)


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("crop_inside/expected/crop", "crop"),
        ("crop_inside/expected/matrix", "matrix"),
        ("decode/expected/uv_px", "uv_px"),
        ("hand_left/expected/xyz_camera_mm", "xyz_camera_mm"),
        ("filter/expected/z_rel", "z_rel"),
    ],
)
def test_other_results_are_found(folder, array, value):
    entry = entry_of(folder)
    arrays = read_arrays(folder, entry)
    arrays[array].flat[-1] += 0.01
    write_arrays(arrays, folder / "golden_steps.bin")
    with pytest.raises(
        GateError, match=rf"expected {value} within .* Received: largest diff.*=0\.01"
    ):
        check_golden_steps(folder, entry, RULE)


def edit(folder, change):
    path = folder / "golden_steps.json"
    steps = json.loads(path.read_text())
    change(steps)
    path.write_text(json.dumps(steps))


def case_named(steps, name):
    return next(case for case in steps["cases"] if case["name"] == name)


def test_other_side_and_other_shape_are_found(folder):
    edit(folder, lambda s: case_named(s, "side left")["expected"].update(side="right"))
    with pytest.raises(GateError, match=r"'side left': expected side exactly\. Received: side='le"):
        check_golden_steps(folder, entry_of(folder), RULE)
    edit(folder, lambda s: case_named(s, "side left")["expected"].update(side="left"))
    edit(folder, lambda s: case_named(s, "box")["expected"].update(box_px=[1.0, 2.0]))
    with pytest.raises(GateError, match=r"'box': expected box_px .* largest difference=inf"):
        check_golden_steps(folder, entry_of(folder), RULE)


def test_numbers_of_another_contract_are_found(folder):
    with pytest.raises(
        InputError, match=r"beta=8\.5.* of the contract\. Received: settings=.*4\.0"
    ):
        check_golden_steps(folder, entry_of(folder), TrackingRule(0.5, OneEuroSettings(beta=8.5)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(schema="other"), r"Received: schema='other'"),
        (lambda s: s.pop("tolerance"), r"Received: KeyError: 'tolerance'"),
        (lambda s: s.update(cases=s["cases"][:3]), r"steps without a case=\['decode', 'hand'"),
        (
            lambda s: s["cases"][0]["inputs"].update(image={"array": "nowhere"}),
            r"Received: KeyError: 'nowhere'",
        ),
        (lambda s: s.update(cases=[1]), r"Received: TypeError"),
        (lambda s: s["cases"][0].update(step="warp"), r"among crop, .* Received: step='warp'"),
    ],
)
def test_rejects_unusable_files(folder, change, message):
    edit(folder, change)
    with pytest.raises(InputError, match=message):
        check_golden_steps(folder, entry_of(folder), RULE)


def test_rejects_missing_and_broken_json(folder):
    (folder / "golden_steps.json").write_text("{")
    with pytest.raises(InputError, match=r"golden steps as .* Received: JSONDecodeError"):
        check_golden_steps(folder, entry_of(folder), RULE)
    (folder / "golden_steps.json").unlink()
    with pytest.raises(InputError, match=r"Received: FileNotFoundError"):
        check_golden_steps(folder, entry_of(folder), RULE)


def test_rejects_unknown_steps():
    with pytest.raises(
        InputError, match=r"crop, decode, hand, side, box, filter\. Received: step="
    ):
        run_step("detect", {})
