"""Models that lie elsewhere: listed, brought into a private folder of this machine, removed when they are registered.

A source is `runs:/…` or `models:/…` of an MLflow server, or files of Blob storage (`abfss://…`, `https://…`).
"""

from __future__ import annotations

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
_SPARE = 256 * 1024 * 1024  # bytes that stay free
_KEPT = 7 * 24 * 3600  # seconds that what a failed run has brought is kept, to go on from there
_WORKERS = 4
_TICK = 0.1


def listing(cloud: Cloud | None, source: str, cancelled: Callable[[], bool] = lambda: False) -> Listing:
    """The files of a source; MLflow's need no connection to Azure.

    Raises Cancelled, or CloudError where it is not there or may not be read.
    """
    if source.startswith(("runs:/", "models:/")):
        found = _unless(cancelled, lambda: mlflow_source.listing(source))
    else:
        assert cloud is not None
        found = _unless(cancelled, lambda: blob_source.listing(cloud, source))
    if not found.items:
        raise CloudError(
            title=f"There is nothing at {source}",
            cause="It was asked for its files, and has none.",
            remedy="Check the path: it names the folder that holds the model's files.",
            code="SourceEmpty",
            status=404,
        )
    for item in found.items:
        if ".." in PurePosixPath(item.name).parts or item.name.startswith("/"):
            raise CloudError(title=f"{source} cannot be brought here", cause=f"A file of it is named {item.name}.")
    return found


@contextmanager
def staged(
    found: Listing, progress: Progress = lambda done, total: None, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Path]:
    """The model's folder (or file) on this machine, inside `with`; it is removed when that ends well.

    After an error or a cancel the files stay for a week, and another attempt goes on from them. Raises Cancelled,
    or CloudError where there is no room or a file cannot be read.
    """
    home = _home()
    _sweep(home)
    folder = home / found.content[:24]
    folder.mkdir(mode=0o700, exist_ok=True)
    os.utime(folder)
    single = len(found.items) == 1 and found.items[0].name == ""
    root = folder / found.leaf
    there = {item.name: _length(root / item.name if item.name else root) for item in found.items}
    left = [item for item in found.items if there[item.name] != item.size]
    _need_room(folder, sum(item.size for item in left))
    if not single:
        root.mkdir(mode=0o700, exist_ok=True)
    _fetch(found, left, root, progress, cancelled)
    yield root
    shutil.rmtree(folder, ignore_errors=True)


def only(found: Listing, names: tuple[str, ...], into: Path) -> list[Path]:
    """Bring a few files of a source into a folder: those of these names that it has. Raises CloudError."""
    brought = []
    for item in found.items:
        if item.name in names:
            target = into / item.name
            found.fetch(item, target, lambda done: None)
            brought.append(target)
    return brought


def _fetch(found: Listing, left: list[Item], root: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
    """Bring several files at a time; this thread watches."""
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
    """What `work` gives, unless the caller does not want it any more: the network is then left to itself."""

    def check() -> None:
        if cancelled():
            raise Cancelled

    return Question(work).answer(check)


def _home() -> Path:
    """The private folder for what is staged: below `$AML_DEPLOY_CACHE`, else the platform's cache folder."""
    folder = cache.folder("staged")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CloudError(
            title="The model cannot be staged",
            cause=f"{folder} cannot be made: {error.strerror or error}.",
            remedy="Let AML_DEPLOY_CACHE name a folder on a disk of this machine.",
        ) from None
    return folder


def _sweep(home: Path) -> None:
    """Remove what earlier runs have left for longer than a week."""
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
            title="There is no room to stage the model",
            cause=f"{_size(needed)} are needed and {_size(free)} are free on the disk of {folder.parent}.",
            remedy="Make room, or let AML_DEPLOY_CACHE name a folder on another disk.",
            code="NoRoom",
        )


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _length(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1


def register_in_place(cloud: Cloud, model: Model, found: Listing, tags: Mapping[str, str]) -> ModelVersion:
    """Register files that the workspace can read where they are. Raises CloudError."""
    return create_version(cloud, model, found.in_place or "", {**tags, CONTENT_TAG: found.content})
