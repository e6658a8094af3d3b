"""A COCO-style keypoint file as mmpose has them, from rendered hands."""

import json
import pathlib

from tf_handgroups.synth.render import render_sample

# Canonical joint of each row of an RHD hand: wrist, then every finger from tip to base.
RHD_ROWS = [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]


def rendered_hands(count: int, size: int = 96) -> list:
    """Rendered hands; seeds that show none are passed over."""
    hands, seed = [], 0
    while len(hands) < count:
        sample = render_sample(seed, size)
        seed += 1
        if sample.presence:
            hands.append(sample)
    return hands


def write_coco(folder: pathlib.Path, samples: list, rows=range(21), nested=False, places=3) -> dict:
    """Writes `test.json` and `img/SEED.jpg`; returns the content of the JSON file.

    `rows` holds the canonical joint of each keypoint, `nested` keypoints are 21 lists of 3.
    """
    images, annotations = [], []
    for index, sample in enumerate(samples):
        name = f"{index:05d}.jpg"
        (folder / "img").mkdir(exist_ok=True)
        (folder / "img" / name).write_bytes(sample.image)
        width, height = sample.image_size
        matrix = sample.intrinsics_px
        camera = {
            "focal": [float(matrix[0][0]), float(matrix[1][1])],
            "princpt": [float(matrix[0][2]), float(matrix[1][2])],
        }
        image = {"file_name": name, "height": height, "width": width, "id": 100 + index}
        images.append({**image, "cam_param": camera})
        keypoints, joint_cam = [], []
        for joint in rows:
            u, v = (round(float(value), places) for value in sample.uv_px[joint])
            triple = [u, v, 1] if sample.visible[joint] else [0, 0, 0]
            keypoints.append(triple) if nested else keypoints.extend(triple)
            joint_cam.append([float(value) for value in sample.xyz_camera_mm[joint]])
        annotations.append(
            {
                "bbox": [float(value) for value in sample.box_px],
                "keypoints": keypoints,
                "category_id": 1,
                "id": 9000 + index,
                "image_id": 100 + index,
                "iscrowd": 0,
                "joint_cam": joint_cam,
                "hand_type": sample.handedness,
            }
        )
    content = {"info": {}, "images": images, "annotations": annotations, "categories": []}
    (folder / "test.json").write_text(json.dumps(content))
    return content
