"""Uploads files to the workspace's datastore: in parallel, with exact progress, cancelled within a second.

Small files and blocks of large ones are sent in parallel, and hashed on the way. The SDK's own upload cannot be
cancelled, reports progress for each file only, waits 15 s after one broken connection, and starts from the beginning
after an interruption.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable

from tui.cloud.error_explanations import explain
from tui.cloud.errors import Cancelled
from tui.cloud.http.retry import report
from tui.cloud.storage.blob_container import DIGEST, BlobContainer, block_id
from tui.cloud.storage.datastore import Datastore
from tui.cloud.storage.folder_files import LocalFile, changed, digest_of, piece_hash, piece_size

Progress = Callable[[int, int], None]  # bytes done, bytes in total

_AT_ONCE = 32  # concurrent requests; measured best for small files at 40 ms a request
_LARGE_AT_ONCE = 8  # of those, requests of more than a megabyte: more would not be faster, but use memory
_LARGE = 1024 * 1024
_TICK = 0.1  # seconds between two progress reports and checks of `cancelled`


class Different(Exception):
    """A blob with the name of a file has different content."""


def upload_and_hash(
    target: Datastore,
    files: list[LocalFile],
    prefix: str,
    folder: str,
    progress: Progress,
    cancelled: Callable[[], bool],
    what: str = "the model",
) -> tuple[str, dict[str, str]]:
    """Upload files below `prefix`/`folder`, and hash them on the way.

    Returns the prefix and the files' digests by name. Existing blobs with the same digest are not sent again; existing
    blobs with a different one are kept, and another prefix is used. `progress` is called on this thread about ten times
    a second. Raises Cancelled within a second after `cancelled()` is true, or CloudError.
    """
    number = 0
    while True:
        place = f"{prefix}-{number}" if number else prefix
        try:
            return place, Upload(target, files, f"{place}/{folder}".rstrip("/"), what).run(progress, cancelled)
        except Different:
            number += 1


class _Sending:
    """A file that is being sent: one piece as a blob, several as blocks."""

    def __init__(self, file: LocalFile, name: str) -> None:
        self.file, self.name = file, name
        self.piece = piece_size(file.size)
        self.count = max(1, -(-file.size // self.piece))
        self.taken = 0
        self.left = self.count
        self.digests = [b""] * self.count
        self.ids = [""] * self.count
        self.lock = threading.Lock()
        self.staged: dict[str, int] | None = None

    def size(self, index: int) -> int:
        """The size of a piece in bytes."""
        return min(self.piece, self.file.size - index * self.piece)


class Upload:
    """An upload: worker threads send pieces, the calling thread reports progress.

    The threads are daemons: one that hangs in a dead connection must delay neither the caller nor the exit. Files are
    hashed on the way, and existing blobs are compared by the digest in their metadata.
    """

    def __init__(self, target: Datastore, files: list[LocalFile], prefix: str, what: str = "the model") -> None:
        self._files, self._prefix, self._doing = files, prefix.rstrip("/"), f"uploading {what}"
        self._total = sum(file.size for file in files)
        self._told: deque[tuple[str, float]] = deque(maxlen=100)  # retries, for the calling thread
        self._container = BlobContainer(target, _AT_ONCE, self._tell, self._doing)
        self._there: dict[str, tuple[int, str]] = {}
        self._changed = threading.Condition()
        # All fields below are changed inside `_changed` only.
        self._small: deque[_Sending] = deque()
        self._large: deque[_Sending] = deque()
        self._buffers: list[bytearray] = []  # for large pieces; fewer than threads
        self._large_inside = self._arrived = self._left = 0
        self._on_the_way: dict[int, int] = {}  # bytes, by thread; each thread changes its own
        self._digests: dict[str, str] = {}
        self._ended = threading.Event()
        self._failure: BaseException | None = None

    def run(self, progress: Progress, cancelled: Callable[[], bool]) -> dict[str, str]:
        """Upload; return the files' digests by name. Raises Cancelled, CloudError, Different."""
        progress(0, self._total)
        self._spawn(self._begin)
        shown = 0
        try:
            while not self._ended.wait(_TICK):
                if cancelled():
                    raise Cancelled
                # The reported progress does not decrease when something has to be sent again.
                shown = max(shown, self._done())
                progress(shown, self._total)
                self._report()
            if cancelled():  # also if the last piece arrived first, so that nothing is registered
                raise Cancelled
        finally:
            self._stop()
        self._report()
        if isinstance(self._failure, Different):
            raise self._failure
        if self._failure is not None:
            raise explain(self._failure, doing=self._doing) from None
        progress(self._total, self._total)
        return self._digests

    def _done(self) -> int:
        return min(self._total, self._arrived + sum(list(self._on_the_way.values())))

    def _tell(self, what: str, delay: float) -> None:
        self._told.append((f"The storage {what}.", delay))

    def _report(self) -> None:
        said = set()
        while self._told:
            reason, delay = self._told.popleft()
            if reason not in said:
                said.add(reason)
                report(reason, delay)

    def _stop(self) -> None:
        self._container.close()
        with self._changed:
            self._changed.notify_all()

    def _spawn(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Cancelled:
                pass
            except BaseException as error:
                self._failure = self._failure or error
                self._stop()
                self._ended.set()

        threading.Thread(target=guarded, name="upload", daemon=True).start()

    def _begin(self) -> None:
        """Find the existing blobs, then start the workers."""
        for name, size, metadata in self._container.blobs(self._prefix + "/"):
            self._there[name] = (size, metadata.get(DIGEST, ""))
        wanted = [_Sending(file, f"{self._prefix}/{file.name}") for file in self._files]
        if any(self._there.get(one.name, (one.file.size, ""))[0] != one.file.size for one in wanted):
            raise Different
        if not wanted:
            self._ended.set()
            return
        # Large files first, so that the end does not depend on a single worker.
        wanted.sort(key=lambda sending: -sending.file.size)
        self._large.extend(sending for sending in wanted if sending.file.size > _LARGE)
        self._small.extend(sending for sending in wanted if sending.file.size <= _LARGE)
        self._left = len(wanted)
        for _ in range(min(_AT_ONCE, sum(sending.count for sending in wanted))):
            self._spawn(self._work)

    def _work(self) -> None:
        small = bytearray()
        while True:
            taken = self._take()
            if taken is None:
                return
            sending, index = taken
            large, size = sending.file.size > _LARGE, sending.size(index)
            buffer = small
            if large:
                with self._changed:
                    buffer = self._buffers.pop() if self._buffers else bytearray()
            if len(buffer) < size:
                buffer = bytearray(size)
            try:
                self._send(sending, index, memoryview(buffer)[:size])
            finally:
                self._on_the_way.pop(threading.get_ident(), None)
                if large:
                    with self._changed:
                        self._buffers.append(buffer)
                        self._large_inside -= 1
                        self._changed.notify()
            if not large:
                small = buffer

    def _take(self) -> tuple[_Sending, int] | None:
        """The next piece to send; None if there are no more."""
        with self._changed:
            while not self._container.pace.stopped:
                if self._large and self._large_inside < _LARGE_AT_ONCE:
                    sending = self._large[0]
                    sending.taken += 1
                    if sending.taken == sending.count:
                        self._large.popleft()
                    self._large_inside += 1
                    return sending, sending.taken - 1
                if self._small:
                    return self._small.popleft(), 0
                if not self._large:
                    return None
                self._changed.wait()
        return None

    def _send(self, sending: _Sending, index: int, buffer: memoryview) -> None:
        """Send one piece; after the last one of a file, commit its blocks."""
        content = _read(sending, index, buffer)
        sending.digests[index] = piece_hash(content).digest()
        if sending.count == 1:
            digest = digest_of(sending.digests)
            if not self._same(sending, digest):
                self._container.put_blob(sending.name, content, digest, self._sent)
        else:
            block = sending.ids[index] = block_id(index, sending.digests[index])
            if sending.name not in self._there and self._staged(sending).get(block) != len(buffer):
                self._container.put_block(sending.name, block, content, self._sent)
        with self._changed:
            self._on_the_way.pop(threading.get_ident(), None)
            self._arrived += len(buffer)
            sending.left -= 1
            if sending.left:
                return
        digest = digest_of(sending.digests)
        if sending.count > 1 and not self._same(sending, digest):
            self._container.put_block_list(sending.name, sending.ids, digest)
        with self._changed:
            self._digests[sending.file.name] = digest
            self._left -= 1
            if not self._left:
                self._ended.set()

    def _sent(self, count: int) -> None:
        self._on_the_way[threading.get_ident()] = count

    def _staged(self, sending: _Sending) -> dict[str, int]:
        """The blocks left by an interrupted upload; requested once."""
        with sending.lock:
            if sending.staged is None:
                sending.staged = self._container.staged(sending.name)
            return sending.staged

    def _same(self, sending: _Sending, digest: str) -> bool:
        """Whether the blob exists. Raises Different: a blob with other content may belong to a registered version."""
        there = self._there.get(sending.name)
        if there is None:
            return False
        if there[1] != digest:
            raise Different
        return True


def _read(sending: _Sending, index: int, buffer: memoryview) -> memoryview:
    """Read a piece into `buffer`. Raises CloudError if the file has become shorter, OSError."""
    with sending.file.path.open("rb", buffering=0) as stream:
        stream.seek(index * sending.piece)
        got = 0
        while got < len(buffer):
            count = stream.readinto(buffer[got:])
            if not count:
                raise changed(sending.file)
            got += count
        if index == sending.count - 1 and stream.read(1):
            raise changed(sending.file)
    return buffer
