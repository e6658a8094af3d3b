"""TFRecord shards: hands packed with their encoded images for fast, parallel reading.

One record is one hand. All labels have a fixed shape so that they parse in graph
ops; what is unknown is NaN (3D, intrinsics) or -1 (handedness).
"""

import bisect
import itertools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from tf_handgroups.datasets.record_file import RecordFile, damaged_record
from tf_handgroups.datasets.sample import HANDEDNESS, HandSample
from tf_handgroups.errors import InputError

INDEX_NAME = "dataset.json"

_FLOATS = {
    "uv_px": (21, 2),
    "box_px": (4,),
    "xyz_camera_mm": (21, 3),
    "intrinsics_px": (3, 3),
    "bone_mm": (),
}
_INTS = {"visible": (21,), "handedness": (), "presence": (), "image_size": (2,)}


def label_arrays(sample: HandSample) -> dict[str, np.ndarray]:
    """Returns the labels of a sample as arrays of fixed shape and type.

    Unknown 3D joints, intrinsics and bone lengths become NaN, an unknown handedness -1;
    left is 0 and right is 1, the index into `HANDEDNESS`.

    Example:

    >>> sample = HandSample(sample_id="0", image=b"", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.ones(21), handedness="right",
    ...     box_px=(0, 0, 32, 32))
    >>> labels = label_arrays(sample)
    >>> int(labels["handedness"]), bool(np.isnan(labels["xyz_camera_mm"]).all())
    (1, True)
    """
    hand = sample.handedness
    return {
        "uv_px": np.nan_to_num(sample.uv_px),
        "box_px": sample.box_px,
        "xyz_camera_mm": _or_nan(sample.xyz_camera_mm, (21, 3)),
        "intrinsics_px": _or_nan(sample.intrinsics_px, (3, 3)),
        "bone_mm": np.asarray(np.nan if sample.bone_mm is None else sample.bone_mm, np.float32),
        "visible": sample.visible.astype(np.int64),
        "handedness": np.asarray(-1 if hand is None else HANDEDNESS.index(hand), np.int64),
        "presence": np.asarray(sample.presence, np.int64),
        "image_size": np.asarray(sample.image_size, np.int64),
    }


def _or_nan(value: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan, np.float32) if value is None else value


class ShardWriter:
    """Writes samples to one TFRecord file; use as a context manager.

    The caller gives a temporary path and moves the finished file into place
    (`atomic_files.replacing_file`).

    Args:
        path: The file to write.

    Example:

    >>> import tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> sample = HandSample(sample_id="0", image=b"jpeg", image_size=(64, 64),
    ...     uv_px=np.zeros((21, 2)), visible=np.ones(21), handedness=None,
    ...     box_px=(0, 0, 32, 32))
    >>> with ShardWriter(folder / "shard-00000-of-00001.tfrecord") as writer:
    ...     writer.write(sample)
    >>> _ = (folder / "dataset.json").write_text('{"count": 1}')
    >>> [sample.sample_id for sample in ShardDataset(folder)]
    ['0']
    """

    def __init__(self, path: str | os.PathLike):
        import tensorflow as tf

        self._tf = tf
        self._writer = tf.io.TFRecordWriter(os.fspath(path))

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *exception) -> None:
        self._writer.close()

    def write(self, sample: HandSample) -> None:
        """Appends one sample; a sample that refers to a file is stored with its bytes.

        The image must be upright: graph readers do not look for an EXIF orientation in
        shards. `pack` takes care of that.
        """
        train = self._tf.train
        image = sample.image if isinstance(sample.image, bytes) else sample.image.read_bytes()
        features = {
            "image": train.Feature(bytes_list=train.BytesList(value=[image])),
            "sample_id": train.Feature(
                bytes_list=train.BytesList(value=[sample.sample_id.encode()])
            ),
        }
        for name, value in label_arrays(sample).items():
            flat = np.ravel(value).tolist()
            if name in _FLOATS:
                features[name] = train.Feature(float_list=train.FloatList(value=flat))
            else:
                features[name] = train.Feature(int64_list=train.Int64List(value=flat))
        example = train.Example(features=train.Features(feature=features))
        self._writer.write(example.SerializeToString(deterministic=True))


def parse_record(record):
    """Parses one serialised record in graph ops.

    Args:
        record: Scalar string tensor.

    Returns:
        Dict of tensors: `image` (encoded bytes), `sample_id`, and the labels of
        `label_arrays` with their static shapes.
    """
    import tensorflow as tf

    spec = {"image": tf.io.FixedLenFeature((), tf.string)}
    spec["sample_id"] = tf.io.FixedLenFeature((), tf.string)
    spec |= {name: tf.io.FixedLenFeature(shape, tf.float32) for name, shape in _FLOATS.items()}
    # Sets written before there was such a label.
    spec["bone_mm"] = tf.io.FixedLenFeature((), tf.float32, default_value=float("nan"))
    spec |= {name: tf.io.FixedLenFeature(shape, tf.int64) for name, shape in _INTS.items()}
    return tf.io.parse_single_example(record, spec)


class ShardDataset:
    """The hands in a folder of TFRecord shards, as written by `pack` and `synth`.

    Args:
        path: Folder with `dataset.json` and `*.tfrecord` files.

    Raises:
        InputError: If the folder, its index or a shard is missing. From reading, if a
            record is damaged: messages name the shard and the record in it. Iteration ends
            there; single hands behind it can still be read.
    """

    kind = "shards"
    options: Mapping[str, str] = MappingProxyType({})

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        index = self.path / INDEX_NAME
        if not index.is_file():
            raise InputError(
                f"{self.path}: expected a folder of shards with {INDEX_NAME}. Received: no such "
                "file. Write one with `tf-handgroups pack --data KIND:PATH --out DIR` or "
                "`tf-handgroups synth --count N --seed S --out DIR`."
            )
        try:
            self.info = json.loads(index.read_text())
            self._count = int(self.info["count"])
            self.options = MappingProxyType(_options(self.info))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{index}: expected JSON with a `count`. Received: {error}. Write the set again."
            ) from error
        # Rendered sets have no other source, and reports call them so.
        self.kind = "synth" if self.info.get("kind") == "synth" else "shards"
        self.shards = sorted(self.path.glob("*.tfrecord"))
        if not self.shards:
            raise InputError(f"{self.path}: expected *.tfrecord files. Received: none.")
        expected = self.info.get("shards")
        if expected and len(expected) != len(self.shards):
            raise InputError(
                f"{self.path}: expected {len(expected)} shards. Received: {len(self.shards)}. "
                "Run the command that wrote the set again, to complete it."
            )
        command = "synth" if self.kind == "synth" else "pack"
        self._remedy = (
            f"Delete this file and run the same `tf-handgroups {command}` command again: it "
            "writes only what is missing."
        )
        # Opened when they are needed, since that takes a scan of their record headers.
        self._files: dict[pathlib.Path, RecordFile] = {}
        self._sizes = _sizes_by_index(self.info, self._count, self.shards)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[HandSample]:
        import tensorflow as tf

        for shard, path in enumerate(self.shards):
            number = 0
            try:
                for record in tf.data.TFRecordDataset(os.fspath(path)).map(parse_record):
                    yield _sample({name: value.numpy() for name, value in record.items()})
                    number += 1
            # TensorFlow's own messages speak of nodes in its graph.
            except tf.errors.DataLossError as error:
                raise damaged_record(path, number, self._remedy) from error
            except tf.errors.InvalidArgumentError as error:
                raise self._no_hand(path, number) from error
            if self._sizes is not None and number < self._sizes[shard]:
                raise damaged_record(path, number, self._remedy)

    def __getitem__(self, index: int) -> HandSample:
        """Returns one hand, whatever is wrong with others.

        Raises:
            InputError: If the record is damaged, or lost with the end of its shard.
        """
        import tensorflow as tf

        number = range(self._count)[index]
        if self._sizes is None:
            self._sizes = self._scanned_sizes()
        shard = bisect.bisect_right(list(itertools.accumulate(self._sizes)), number)
        if shard == len(self._sizes):
            raise InputError(
                f"{self.path}: expected {self._count} records. Received: fewer; there is no "
                f"record {index}. Write the set again."
            )
        path = self.shards[shard]
        number -= sum(self._sizes[:shard])
        file = self._file(path)
        if number >= len(file):
            raise damaged_record(path, number, self._remedy)
        try:
            record = parse_record(tf.constant(file[number]))
        except tf.errors.InvalidArgumentError as error:
            raise self._no_hand(path, number) from error
        return _sample({name: value.numpy() for name, value in record.items()})

    def _file(self, path: pathlib.Path) -> RecordFile:
        if path not in self._files:
            self._files[path] = RecordFile(path, self._remedy)
        return self._files[path]

    def _scanned_sizes(self) -> list[int]:
        """Counts the records of all shards, those that are lost with the damaged one."""
        files = [self._file(path) for path in self.shards]
        sizes = [len(file) for file in files]
        damaged = [shard for shard, file in enumerate(files) if not file.is_whole]
        if damaged:
            # Of several damaged shards nobody knows which has lost how many.
            sizes[damaged[-1]] += max(0, self._count - sum(sizes))
        return sizes

    def _no_hand(self, path: pathlib.Path, number: int) -> InputError:
        return InputError(
            f"{path}: record {number} is not a hand with its labels; the file is damaged or "
            f"from another program. {self._remedy}"
        )


def _sizes_by_index(info: Mapping, count: int, shards: list[pathlib.Path]) -> list[int] | None:
    """Records of each shard, if the index tells: all are full but the last."""
    shard_size = info.get("shard_size")
    if not isinstance(shard_size, int) or shard_size < 1:
        return None
    sizes = [min(shard_size, count - start) for start in range(0, count, shard_size)]
    names = [path.name for path in shards]
    return sizes if info.get("shards") == names and len(sizes) == len(names) else None


def _options(info: Mapping) -> dict[str, str]:
    """What reports shall know about the data that were packed."""
    if "source" not in info:
        return {}
    source = info["source"]
    options = {"source": source["kind"], "name": source["name"], **source["options"]}
    if info.get("max_side") is not None:
        options["max_side"] = info["max_side"]
    return {name: str(value) for name, value in options.items()}


def _sample(record: dict) -> HandSample:
    hand = int(record["handedness"])
    xyz, intrinsics = record["xyz_camera_mm"], record["intrinsics_px"]
    bone_mm = float(record["bone_mm"])
    return HandSample(
        sample_id=record["sample_id"].decode(),
        image=record["image"],
        image_size=(int(record["image_size"][0]), int(record["image_size"][1])),
        uv_px=record["uv_px"],
        visible=record["visible"],
        handedness=None if hand < 0 else HANDEDNESS[hand],
        box_px=record["box_px"],
        xyz_camera_mm=None if np.isnan(xyz).all() else xyz,
        intrinsics_px=None if np.isnan(intrinsics).any() else intrinsics,
        presence=bool(record["presence"]),
        bone_mm=None if np.isnan(bone_mm) else bone_mm,
    )
