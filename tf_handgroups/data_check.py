"""Reads every sample of a data set, tells what is broken or strange, and measures it.

Labels are read here, images are decoded by worker processes. Only a few batches are
under way at a time and all sums have a fixed size, so that memory does not grow with
the data set, apart from one line for each of the first broken or strange samples.
"""

import collections
import contextlib
import itertools
import multiprocessing
import os
import pathlib
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection

import numpy as np

from tf_handgroups.data_report import DataReport, Finding
from tf_handgroups.datasets.registry import Dataset
from tf_handgroups.datasets.sample import HandSample
from tf_handgroups.errors import InputError
from tf_handgroups.joints import NUM_JOINTS
from tf_handgroups.running_spread import RunningSpread
from tf_handgroups.sample_check import SUSPICIONS, SampleCheck, check_samples

MAX_BROKEN = 10_000
MAX_SUSPICIOUS = 1000
# What samples are counted by; all but `without_hand` and `suspicious` count hands only.
COUNTS: tuple[str, ...] = (
    "hands",
    "without_hand",
    "left",
    "right",
    "unknown_side",
    "labelled_3d",
    "partly_3d",
    "only_2d",
    "with_intrinsics",
    "bone_only",
    "suspicious",
)
_BATCH = 16

# A sample, or why its labels cannot be read.
_Entry = tuple[int, HandSample | str]


def check_data(
    dataset: Dataset,
    num_workers: int = 1,
    num_tiles: int = 48,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Checks all samples of a data set: labels, images, and whether they agree.

    A broken sample hides no other, unless the data set can only be read from front to
    back: what lies behind the place then counts as broken, too.

    Args:
        dataset: As of `datasets.registry.open_dataset`.
        num_workers: Processes that decode images; 1 decodes in this process.
        num_tiles: Most samples on a contact sheet.
        seed: Seed of the random samples.
        on_progress: Called with (samples done, samples in all) as the work goes on.

    Returns:
        `DataReport`; findings are in it, they raise no error.

    Raises:
        InputError: If an argument is out of range.
        RuntimeError: If a worker process dies.

    Example:

    >>> from tf_handgroups.synth.render import render_sample
    >>> class Hands(list):
    ...     kind, path, options = "synth", "memory", {}
    >>> report = check_data(Hands(render_sample(seed, 64) for seed in range(3)))
    >>> report.num_samples, report.num_broken, report.image_sizes
    (3, 0, {'64x64': 3})
    """
    for name, value, least in (("num_workers", num_workers, 1), ("num_tiles", num_tiles, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(
                f"check_data: expected {name} of at least {least}. Received: {name}={value!r}."
            )
    total = len(dataset)
    num_workers = min(num_workers, -(-total // _BATCH))
    found = _Found(num_tiles, seed)
    with contextlib.closing(_checked(_entries(dataset), num_workers)) as results:
        for done, (index, entry, check) in enumerate(results, 1):
            found.add(index, entry, check)
            if on_progress is not None and (done % _BATCH == 0 or done >= total):
                on_progress(min(done, total), total)
    return found.report(dataset, total)


def _entries(dataset: Dataset) -> Iterator[_Entry]:
    """Reads from front to back, which is fastest, and one by one behind a broken sample."""
    index, broken = 0, None
    samples = iter(dataset)
    while broken is None:
        try:
            sample = next(samples)
        except StopIteration:
            return
        except Exception as error:
            broken = error
        else:
            yield index, sample
            index += 1
    yield index, _reason(broken)
    read = getattr(dataset, "__getitem__", None)
    if read is None:
        return
    for later in range(index + 1, len(dataset)):
        try:
            yield later, read(later)
        except Exception as error:
            yield later, _reason(error)


def _reason(error: Exception) -> str:
    """A loader's surprise is a finding like its own errors: it must not hide other samples."""
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def _checked(
    entries: Iterator[_Entry], num_workers: int
) -> Generator[tuple[int, HandSample | str, SampleCheck]]:
    """Yields every entry with its check, in order."""
    batches = iter(lambda: list(itertools.islice(entries, _BATCH)), [])
    if num_workers <= 1:
        for batch in batches:
            yield from _together(batch, check_samples(_samples(batch)))
        return
    pending: collections.deque[tuple[list[_Entry], Future]] = collections.deque()
    with _pool(num_workers) as submit:
        for batch in batches:
            pending.append((batch, submit(_samples(batch))))
            if len(pending) > 2 * num_workers:
                batch, checks = pending.popleft()
                yield from _together(batch, checks.result())
        for batch, checks in pending:
            yield from _together(batch, checks.result())


def _samples(batch: list[_Entry]) -> list[HandSample]:
    return [entry for _, entry in batch if isinstance(entry, HandSample)]


def _together(batch: list[_Entry], checks: list[SampleCheck]):
    remaining = iter(checks)
    for index, entry in batch:
        check = SampleCheck(broken=entry) if isinstance(entry, str) else next(remaining)
        yield index, entry, check


@contextlib.contextmanager
def _pool(num_workers: int) -> Iterator[Callable[[list[HandSample]], Future]]:
    """Yields a function that has samples checked by other processes.

    They are spawned, because TensorFlow may be loaded here and does not survive a fork.
    """
    context = multiprocessing.get_context("spawn")
    stopped, stop = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        num_workers, context, initializer=_end_when_told, initargs=(stopped,)
    )

    def submit(samples: list[HandSample]) -> Future:
        with _interrupts_held():
            return pool.submit(check_samples, samples)

    try:
        yield submit
    except BrokenProcessPool as error:
        raise RuntimeError(
            "check_data: a worker process died, perhaps for lack of memory or because of a "
            "picture that crashes its decoder. Try num_workers=1."
        ) from error
    except BaseException:
        # Nobody wants the rest: what the workers still have in hand is not waited for.
        stop.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        stop.close()
        stopped.close()


def _end_when_told(stopped: connection.Connection) -> None:
    """Makes this worker end when its parent says so or ends, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        # Closing the other end is the signal.
        connection.wait([parent.sentinel, stopped])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C, which reaches all of a terminal.

    Here it takes effect afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Found:
    """Sums up findings and measures, sample by sample."""

    def __init__(self, num_tiles: int, seed: int):
        self.num_tiles = num_tiles
        self.random = np.random.default_rng(seed)
        self.num_entries = self.num_read = self.num_visible = 0
        self.broken: list[Finding] = []
        self.num_broken = 0
        self.suspicious: dict[str, list[Finding]] = {kind: [] for kind in SUSPICIONS}
        self.num_suspicious: collections.Counter[str] = collections.Counter()
        self.counts: collections.Counter[str] = collections.Counter(dict.fromkeys(COUNTS, 0))
        self.sizes: collections.Counter[tuple[int, int]] = collections.Counter()
        names = ("reference_bone_mm", "bones_mm", "root_depth_mm", "reprojection_px")
        self.spreads = {name: RunningSpread() for name in names}
        self.tiles: list[tuple[int, HandSample]] = []
        self.suspicious_tiles: dict[int, HandSample] = {}

    def add(self, index: int, entry: HandSample | str, check: SampleCheck) -> None:
        self.num_entries += 1
        if isinstance(entry, str):
            return self._add_broken(Finding(index, entry))
        file = os.fspath(entry.image) if isinstance(entry.image, pathlib.Path) else None
        if check.broken is not None:
            return self._add_broken(Finding(index, check.broken, entry.sample_id, file))
        self.num_read += 1
        self._add_tile(index, entry)
        self.sizes[check.image_size] += 1
        for kind, reason in check.suspicious.items():
            self.num_suspicious[kind] += 1
            if len(self.suspicious[kind]) < MAX_SUSPICIOUS:
                self.suspicious[kind].append(Finding(index, reason, entry.sample_id, file))
        if check.suspicious:
            self.counts["suspicious"] += 1
            if len(self.suspicious_tiles) < self.num_tiles:
                self.suspicious_tiles[index] = entry
        if not entry.presence:
            self.counts["without_hand"] += 1
            return None
        self._add_labels(entry)
        for name, spread in self.spreads.items():
            spread.add(getattr(check, name))
        return None

    def _add_labels(self, sample: HandSample) -> None:
        self.counts["hands"] += 1
        self.counts[sample.handedness or "unknown_side"] += 1
        self.num_visible += int(sample.visible.sum())
        if sample.xyz_camera_mm is None:
            self.counts["only_2d"] += 1
            self.counts["bone_only"] += sample.bone_mm is not None
        elif np.isfinite(sample.xyz_camera_mm).all():
            self.counts["labelled_3d"] += 1
        else:
            self.counts["partly_3d"] += 1
        self.counts["with_intrinsics"] += sample.intrinsics_px is not None

    def _add_broken(self, finding: Finding) -> None:
        self.num_broken += 1
        if len(self.broken) < MAX_BROKEN:
            self.broken.append(finding)

    def _add_tile(self, index: int, sample: HandSample) -> None:
        """Keeps every sample with the same probability, without knowing how many come."""
        if len(self.tiles) < self.num_tiles:
            self.tiles.append((index, sample))
        elif (place := int(self.random.integers(self.num_read))) < self.num_tiles:
            self.tiles[place] = (index, sample)

    def report(self, dataset: Dataset, total: int) -> DataReport:
        missing = total - self.num_entries
        if missing > 0:
            self._add_broken(
                Finding(
                    self.num_entries,
                    f"{dataset.path}: expected {total} samples. Received: {self.num_entries}, "
                    f"then the data set ends; {missing} are missing or cannot be reached.",
                )
            )
            self.num_broken += missing - 1
        hands = self.counts["hands"]
        return DataReport(
            kind=dataset.kind,
            path=os.fspath(dataset.path),
            options=dict(dataset.options),
            num_samples=max(total, self.num_entries),
            num_broken=self.num_broken,
            counts=dict(self.counts),
            visible_share=self.num_visible / (hands * NUM_JOINTS) if hands else None,
            image_sizes={f"{w}x{h}": count for (w, h), count in self.sizes.most_common()},
            spreads={name: spread.result() for name, spread in self.spreads.items()},
            broken=self.broken,
            suspicious={kind: found for kind, found in self.suspicious.items() if found},
            num_suspicious=dict(self.num_suspicious),
            random_samples=dict(sorted(self.tiles, key=lambda tile: tile[0])),
            suspicious_samples=self.suspicious_tiles,
        )
