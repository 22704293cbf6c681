"""Stages models from other sources: copies them to a private folder, and removes them when they are registered.

A source is `runs:/…` or `models:/…` of an MLflow server, or files of Blob storage (`abfss://…`, `https://…`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Callable

from tui.cloud.assets.models import CONTENT_TAG, ModelVersion, create_version
from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.http import cache
from tui.cloud.session import Cloud
from tui.cloud.sources import blob_source, mlflow_source
from tui.cloud.sources.source_listing import Item, Listing
from tui.common.deadlines import Question
from tui.plan.model import Model

Progress = Callable[[int, int], None]
_SPARE = 256 * 1024 * 1024  # bytes to keep free
_KEPT = 7 * 24 * 3600  # seconds that a failed run's files are kept, to continue from them
_WORKERS = 4
_TICK = 0.1


def listing(
    cloud: Cloud | None,
    source: str,
    cancelled: Callable[[], bool] = lambda: False,
    place: blob_source.Place | None = None,
) -> Listing:
    """The files of a source; MLflow sources need no connection to Azure. `place` is as for `blob_source.listing`.

    Raises Cancelled, or CloudError if it is not found or access is denied.
    """
    if source.startswith(("runs:/", "models:/")):
        found = _unless(cancelled, lambda: mlflow_source.listing(source))
    else:
        assert cloud is not None
        found = _unless(cancelled, lambda: blob_source.listing(cloud, source, place))
    if not found.items:
        raise CloudError(
            title=f"No files were found at {source}",
            cause="The source was listed, and has no files.",
            remedy="Check the path: it must name the folder with the model's files.",
            code="SourceEmpty",
            status=404,
        )
    for item in found.items:
        if ".." in PurePosixPath(item.name).parts or item.name.startswith("/"):
            raise CloudError(title=f"{source} cannot be staged", cause=f"It contains a file named {item.name}.")
    return found


@contextmanager
def staged(
    found: Listing, progress: Progress = lambda done, total: None, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Path]:
    """Stage the model in a folder (or file) on this machine; it is removed when the `with` block succeeds.

    After an error or a cancel, the files are kept for a week, and the next attempt continues from them. Raises
    Cancelled, or CloudError if there is not enough space or a file cannot be read.
    """
    home = _home()
    _sweep(home)
    folder, lock = _own_folder(home, found.content[:24])
    try:
        yield _filled(found, folder, progress, cancelled)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _own_folder(home: Path, name: str) -> tuple[Path, int]:
    """A folder that no other run uses, with an earlier attempt's files if there are, and its lock: an open file."""
    number = 0
    while True:
        folder = home / (f"{name}-{number}" if number else name)
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            os.utime(folder)
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue  # its run has just removed it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), folder.stat()):
                return folder, lock
        except FileNotFoundError:
            pass
        except BlockingIOError:
            number += 1
        os.close(lock)


def _filled(found: Listing, folder: Path, progress: Progress, cancelled: Callable[[], bool]) -> Path:
    """Copy the source's files that are not there yet; returns the model's folder or file."""
    single = len(found.items) == 1 and found.items[0].name == ""
    root = folder / found.leaf
    there = {item.name: _length(root / item.name if item.name else root) for item in found.items}
    left = [item for item in found.items if there[item.name] != item.size]
    _need_room(folder, sum(item.size for item in left))
    if not single:
        root.mkdir(mode=0o700, exist_ok=True)
    _fetch(found, left, root, progress, cancelled)
    return root


def only(found: Listing, names: tuple[str, ...], into: Path) -> list[Path]:
    """Copy the named files of a source, as far as it has them, into a folder. Raises CloudError."""
    brought = []
    for item in found.items:
        if item.name in names:
            target = into / item.name
            target.parent.mkdir(parents=True, exist_ok=True)
            found.fetch(item, target, lambda done: None)
            brought.append(target)
    return brought


def _fetch(found: Listing, left: list[Item], root: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
    """Copy several files in parallel, while this thread reports progress."""
    done = {**{item.name: item.size for item in found.items}, **{item.name: 0 for item in left}}
    stop = threading.Event()

    def one(item: Item) -> None:
        def hook(count: int) -> None:
            if stop.is_set():
                raise Cancelled
            done[item.name] = min(count, item.size)

        hook(0)
        target = root / item.name if item.name else root
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        found.fetch(item, target, hook)
        done[item.name] = item.size

    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="stage")
    futures = [pool.submit(one, item) for item in sorted(left, key=lambda item: -item.size)]
    try:
        waiting = set(futures)
        while waiting:
            if cancelled():
                raise Cancelled
            progress(sum(done.values()), found.total)
            ended, waiting = wait(waiting, _TICK, FIRST_EXCEPTION)
            for future in ended:
                future.result()
        progress(found.total, found.total)
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _unless(cancelled: Callable[[], bool], work: Callable[[], Listing]) -> Listing:
    """Run `work` in a thread and return its result; on a cancel, stop waiting for it."""

    def check() -> None:
        if cancelled():
            raise Cancelled

    return Question(work).answer(check)


def _home() -> Path:
    """The private folder for staged files: in `$AML_DEPLOY_CACHE`, else in the platform's cache folder."""
    folder = cache.folder("staged")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CloudError(
            title="The model cannot be staged",
            cause=f"{folder} cannot be created: {error.strerror or error}.",
            remedy="Set AML_DEPLOY_CACHE to a folder on a local disk.",
        ) from None
    return folder


def _sweep(home: Path) -> None:
    """Remove files that earlier runs left more than a week ago."""
    for folder in home.iterdir():
        try:
            old = time.time() - folder.stat().st_mtime > _KEPT
        except OSError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def _need_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise CloudError(
            title="There is not enough disk space to stage the model",
            cause=f"{_size(needed)} are needed and {_size(free)} are free on the disk of {folder.parent}.",
            remedy="Free disk space, or set AML_DEPLOY_CACHE to a folder on another disk.",
            code="NoRoom",
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _length(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1


def register_in_place(cloud: Cloud, model: Model, found: Listing, tags: Mapping[str, str]) -> ModelVersion:
    """Register files that the workspace can read in place. Raises CloudError."""
    return create_version(cloud, model, found.in_place or "", {**tags, CONTENT_TAG: found.content})
