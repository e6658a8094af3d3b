"""tf.data: from samples to augmented batches, in graph ops end to end.

Every random number is a function of `(seed, position in the stream)`, so the same
command gives the same batches, and a resumed run continues where it stopped.

**Rotation.** A crop is turned in its plane, but its hand is not: `xyz_camera_mm` stays in
the axes of the camera that took the picture (for a mirrored hand: of its mirror image),
and `pixel_rays` carries the rotation, together with scale, shift and mirroring. The
inverse of `pixel_rays` is the camera matrix of the crop: it projects `xyz_camera_mm` to
`uv_px`. `z_rel` does not change when a crop turns.

**Several workers.** The batches are sharded by `DATA`: each worker runs the whole stream
and keeps its part, so that the workers together see what one process would see, with the
same augmentation. (`FILE` needs as many shards as workers, and their orders would
differ.) The price is that every worker also prepares the others' samples; with a tf.data
service, see `data_service`, other machines do so.

**Validation** comes in whole batches too, the last one filled up with samples that weigh
nothing. All weights are raised by the same factor in return, so that the mean of the
batches' losses is exactly the mean over the samples, on however many devices.
"""

import dataclasses

import tensorflow as tf

from tf_handgroups.augment import Augmentation, draw_geometry, jitter_colours
from tf_handgroups.crop import CROP_MARGIN
from tf_handgroups.data_service import from_farm
from tf_handgroups.joints import REFERENCE_BONE, ROOT_JOINT
from tf_handgroups.record_stream import read_image_bytes, record_stream

# EXIF orientations, after rows and columns have been exchanged in 5 to 8.
_RIGHT_TO_LEFT = (2, 3, 6, 7)
_BOTTOM_UP = (3, 4, 7, 8)


@dataclasses.dataclass(frozen=True)
class PipelineOptions:
    """What a pipeline does.

    Args:
        crop_size: Side of the crops in pixels.
        batch_size: Global batch size.
        training: Shuffled, repeated and augmented; otherwise one plain pass in order, see
            above.
        augmentation: Ranges of the augmentation, used in training.
        seed: Seed of order and augmentation.
        first_batch: Number of batches that an interrupted run has already seen.
        data_service: Address of the dispatcher of a farm that prepares the batches of
            training, see `data_service`; none prepares them here.

    Example:

    >>> PipelineOptions(crop_size=64, batch_size=8, training=True).first_batch
    0
    """

    crop_size: int
    batch_size: int
    training: bool
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    seed: int = 0
    first_batch: int = 0
    data_service: str | None = None


def build_pipeline(datasets: list, options: PipelineOptions) -> tf.data.Dataset:
    """Builds the batches that `fit` and `evaluate` take.

    Args:
        datasets: Data sets as of `datasets.registry.open_dataset`; they are concatenated,
            or in training mixed by their weights, see `record_stream`.
        options: See `PipelineOptions`.

    Returns:
        Dataset of `(images, targets, weights)`: images `(batch, size, size, 3)`
        float32 in [0, 1]; targets by output name (`uv_px`, `z_rel`, `presence`,
        `handedness`, the true `xyz_camera_mm` of the hand as shown and `pixel_rays`,
        which maps `(u, v, 1)` of the crop to the ray with z = 1); weights by output
        name, 0 where a label is unknown. Depth and 3D need a labelled root and
        reference bone, besides the joint itself.

    Raises:
        InputError: If there is no sample, or the farm does not answer.
    """
    records = record_stream(datasets, options.training, options.seed)
    start = options.first_batch * options.batch_size if options.training else 0
    size = sum(len(dataset) for dataset in datasets)
    whole = size if options.training else num_batches(size, options) * options.batch_size
    if not options.training:
        records = records.repeat().take(whole)
    numbered = tf.data.Dataset.zip(records.skip(start), tf.data.Dataset.counter(start=start))

    def prepare(record, number):
        seed = tf.stack([tf.cast(options.seed, tf.int64), number])
        image, targets, weights = prepare_sample(read_image_bytes(record), seed, options)
        if not options.training:
            factor = tf.where(number < size, whole / size, 0.0)
            weights = {name: weight * factor for name, weight in weights.items()}
        return image, targets, weights

    def prepare_numbered(record, number):
        return number, prepare(record, number)

    def batched(stream, function):
        samples = stream.map(function, num_parallel_calls=tf.data.AUTOTUNE)
        return samples.batch(options.batch_size, drop_remainder=True)

    if options.training and options.data_service:
        batches = from_farm(
            numbered,
            lambda share: batched(share, prepare_numbered),
            options.data_service,
            options.batch_size,
            start,
        )
    else:
        batches = batched(numbered, prepare)
    distribution = tf.data.Options()
    distribution.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return batches.prefetch(2).with_options(distribution)


def num_batches(size: int, options: PipelineOptions) -> int:
    """Returns how many batches one pass over so many samples has.

    Example:

    >>> num_batches(9, PipelineOptions(crop_size=64, batch_size=4, training=False))
    3
    """
    return -(-size // options.batch_size)


def prepare_sample(record: dict, seed, options: PipelineOptions):
    """Decodes, crops and augments one record in graph ops.

    Args:
        record: Record of `record_stream`, with the bytes of its image.
        seed: `(2,)` int64 tensor.
        options: See `PipelineOptions`.

    Returns:
        `(image, targets, weights)` of one sample, as described in `build_pipeline`.
    """
    size = options.crop_size
    image = decode_upright(record["image"], record["orientation"])
    known_hand = record["handedness"] >= 0
    present = record["presence"] > 0
    geometry = draw_geometry(seed, options.augmentation, options.training)
    # Left hands are mirrored; some hands are shown the other way round on purpose, so that the
    # network learns to tell. In the image their joints are where they are; their depth is not
    # used, since that of a left palm is that of a right back turned inside out.
    shown_right = ~(geometry.flip & known_hand)
    mirror = (record["handedness"] == 0) == shown_right
    mirror = tf.where(known_hand, mirror, False)
    matrix = _crop_matrix(record, geometry, mirror, options)
    crop = warp(image, matrix, size)
    if options.training:
        crop = jitter_colours(crop, seed, options.augmentation)
    uv_px = record["uv_px"] @ tf.transpose(matrix[:, :2]) + matrix[:, 2]
    inside = tf.reduce_all((uv_px > -0.5) & (uv_px < size - 0.5), axis=-1)
    labelled = (record["visible"] > 0) & inside & present
    xyz, rays, has_xyz, has_rays = _camera_targets(record, matrix, mirror)
    root_depth = xyz[ROOT_JOINT, 2]
    bone = tf.norm(xyz[REFERENCE_BONE[0]] - xyz[REFERENCE_BONE[1]])
    z_rel = tf.math.divide_no_nan(xyz[:, 2] - root_depth, bone)
    targets = {
        "uv_px": uv_px,
        "z_rel": z_rel,
        "presence": tf.cast(present, tf.float32)[None],
        "handedness": tf.cast(shown_right, tf.float32)[None],
        "backbone_maps": uv_px,
        "group_maps": uv_px,
        "xyz_camera_mm": xyz,
        "pixel_rays": rays,
    }
    side_weight = _side_weight(shown_right, options)
    joints = tf.cast(labelled, tf.float32)
    joints_3d = tf.cast(labelled & has_xyz & shown_right, tf.float32)
    weights = {
        "uv_px": joints,
        "z_rel": joints_3d,
        "presence": tf.ones(()),
        "handedness": side_weight * tf.cast(known_hand & present, tf.float32),
        "backbone_maps": joints,
        "group_maps": joints,
        "xyz_camera_mm": joints_3d * tf.cast(has_rays, tf.float32),
    }
    return crop, targets, weights


def _side_weight(shown_right, options: PipelineOptions):
    """Returns the weight of a hand for `handedness`: both ways of showing it count alike.

    Without it a network is nearly content with "right" for every crop. On average it is 1.
    """
    share = options.augmentation.other_hand if options.training else 0.0
    if share in (0.0, 1.0):
        return tf.ones(())
    return tf.where(shown_right, 0.5 / (1 - share), 0.5 / share)


def decode_upright(contents, orientation):
    """Decodes an image in graph ops; the graph twin of `image_file.read_image`.

    Args:
        contents: Scalar string tensor, the bytes of a JPEG, PNG, WebP or BMP image.
        orientation: Scalar integer tensor of `image_file.orientation_of`.

    Returns:
        `(height, width, 3)` uint8 RGB, as seen on the screen.
    """
    # TensorFlow's default for JPEG saves little time and is off by 10 of 255 in places.
    image = tf.cond(
        tf.io.is_jpeg(contents),
        lambda: tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(contents, channels=3, expand_animations=False),
    )
    image.set_shape((None, None, 3))
    image = tf.cond(orientation >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    columns, rows = (
        tf.reduce_any(tf.equal(orientation, tf.constant(which, orientation.dtype)))
        for which in (_RIGHT_TO_LEFT, _BOTTOM_UP)
    )
    image = tf.cond(columns, lambda: image[:, ::-1], lambda: image)
    return tf.cond(rows, lambda: image[::-1], lambda: image)


def _crop_matrix(record, geometry, mirror, options: PipelineOptions):
    """Returns the `(2, 3)` matrix image -> crop; the graph twin of `crop.crop_matrix`.

    When all joints are known, training takes the tight box around the *rotated* hand:
    that is the box a detector or a tracker gives for a hand seen at this angle.
    """
    size = options.crop_size
    cos, sin = tf.cos(geometry.rotation_rad), tf.sin(geometry.rotation_rad)
    turn = tf.stack([tf.stack([cos, -sin]), tf.stack([sin, cos])])
    x, y, width, height = tf.unstack(record["box_px"])
    corners = tf.stack([tf.stack([x, y]), tf.stack([x + width, y + height])])
    full = tf.reduce_all(record["visible"] > 0) & (record["presence"] > 0) & options.training
    turned = record["uv_px"] @ tf.transpose(turn)
    middle = tf.reduce_mean(corners, axis=0, keepdims=True) @ tf.transpose(turn)
    half = tf.stack([width, height]) / 2
    low = tf.where(full, tf.reduce_min(turned, axis=0), middle[0] - half)
    high = tf.where(full, tf.reduce_max(turned, axis=0), middle[0] + half)
    # All joints of a faulty label may coincide: at least one pixel, as in `box_around`.
    extent = tf.where(full, tf.maximum(high - low, 1.0), high - low)
    side = CROP_MARGIN * tf.reduce_max(extent) * geometry.scale
    centre = (low + high) / 2 + geometry.shift * side
    scale = size / side
    linear = turn * scale
    offset = (size - 1) / 2 - centre * scale
    flip = tf.where(mirror, -1.0, 1.0)
    linear = linear * tf.stack([flip, 1.0])[:, None]
    offset = offset * tf.stack([flip, 1.0]) + tf.stack([tf.where(mirror, size - 1.0, 0.0), 0.0])
    return tf.concat([linear, offset[:, None]], axis=1)


def warp(image, matrix, size: int):
    """Cuts a crop out of an image in graph ops; the graph twin of `crop.crop_image`.

    Args:
        image: `(height, width, 3)` uint8 tensor.
        matrix: `(2, 3)` float32 tensor, image -> crop.
        size: Side of the crop in pixels.

    Returns:
        `(size, size, 3)` float32 tensor in [0, 1].
    """
    linear = tf.linalg.inv(matrix[:, :2])
    offset = -tf.linalg.matvec(linear, matrix[:, 2])
    step = tf.sqrt(tf.abs(tf.linalg.det(linear)))
    # Whole factors must survive the rounding of float32.
    factor = tf.maximum(1, tf.cast(tf.floor(step * (1 + 1e-5)), tf.int32))
    pixels = tf.cond(factor > 1, lambda: _reduce(image, factor), lambda: tf.cast(image, tf.float32))
    real = tf.cast(factor, tf.float32)
    linear = linear / real
    offset = (offset - (real - 1) / 2) / real
    transform = tf.concat([linear[0], offset[:1], linear[1], offset[1:], [0.0, 0.0]], axis=0)
    crop = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels[None],
        transforms=transform[None],
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(crop[0], (size, size, 3)) / 255.0


def _reduce(image, factor):
    shape = tf.shape(image)
    rows, columns = tf.maximum(shape[0] // factor, 1), tf.maximum(shape[1] // factor, 1)
    block_rows, block_columns = tf.minimum(factor, shape[0]), tf.minimum(factor, shape[1])
    blocks = image[: rows * block_rows, : columns * block_columns]
    blocks = tf.reshape(blocks, tf.stack([rows, block_rows, columns, block_columns, 3]))
    return tf.reduce_mean(tf.cast(blocks, tf.float32), axis=[1, 3])


def _camera_targets(record, matrix, mirror):
    """Returns joints and pixel rays of the hand as shown (mirrored hands: x -> -x)."""
    flip = tf.stack([tf.where(mirror, -1.0, 1.0), 1.0, 1.0])
    has_xyz = tf.reduce_all(tf.math.is_finite(record["xyz_camera_mm"]), axis=-1)
    xyz = tf.where(has_xyz[:, None], record["xyz_camera_mm"] * flip, tf.zeros((21, 3)))
    # Depth is relative to the root and in units of the bone: without them there is none.
    has_xyz &= tf.reduce_all(tf.gather(has_xyz, [ROOT_JOINT, *REFERENCE_BONE]))
    has_rays = tf.reduce_all(tf.math.is_finite(record["intrinsics_px"]))
    affine = tf.concat([matrix, [[0.0, 0.0, 1.0]]], axis=0)
    # The inverse of a camera matrix loses digits, which float32 has not to spare.
    affine, intrinsics = (tf.cast(m, tf.float64) for m in (affine, record["intrinsics_px"]))
    camera = tf.where(has_rays, affine @ intrinsics, tf.eye(3, dtype=tf.float64))
    rays = tf.cast(tf.linalg.inv(camera), tf.float32)
    return xyz, flip[:, None] * rays, has_xyz, has_rays
