"""Lists the files of a folder to upload, and hashes their names and contents."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Callable

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.storage.ignore_file import ignored_files

PIECE = 8 * 1024 * 1024  # more than 4 MiB: such blocks have no rate limit of their own (Microsoft, scalability-targets)
_MOST_PIECES = 50_000  # of a file
_CHUNK = 1024 * 1024  # hashing in reads of 1 MiB is almost twice as fast as in the SDK's of 1 KiB
_TICK = 0.1  # seconds between two checks of `cancelled`


@dataclass(frozen=True)
class LocalFile:
    """A file to upload: its path, its name below the folder with `/`, its size in bytes.

    `refused` says why it must not be uploaded; then it can also be a link to a folder, whose name ends with `/`.
    """

    path: Path
    name: str
    size: int
    refused: str = ""


def entries(root: Path, unreadable: Callable[[OSError], None]) -> Iterator[LocalFile]:
    """Every file below a folder, or the file itself: what an upload, a check and a count of the folder see.

    Links inside the folder are followed, also a second one to the same place, but not back to a folder above. Links
    that leave the folder or lead nowhere, and names that storage does not take, are `refused`. `unreadable` receives
    the errors of folders and files that cannot be read.
    """
    home = os.path.realpath(root)
    longest = _LONGEST - _PLACE - len(root.name)
    visits: Counter[str] = Counter()
    if root.is_file():
        yield LocalFile(root, root.name, root.stat().st_size, _bad_name(root))
        return
    if bad := _bad_name(root):
        yield LocalFile(root, root.name, 0, bad)
    waiting: list[tuple[str, str, tuple[str, ...]]] = [(str(root), "", (home,))]
    while waiting:
        folder, prefix, above = waiting.pop()
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    path, name, real = Path(entry.path), prefix + entry.name, f"{above[-1]}/{entry.name}"
                    refused = _bad_name(path)
                    if entry.is_symlink():
                        real = os.path.realpath(entry.path)
                        refused = refused or _bad_link(path, real, home)
                    if len(name) > longest:
                        refused = f"{printable(name[:80])}… has more than {longest} characters, which storage refuses."
                    if refused:
                        yield LocalFile(path, name + "/" * path.is_dir(), 0, refused)
                    elif entry.is_dir():
                        visits[real] += 1
                        if visits[real] > _MOST_VISITS:
                            why = f"{printable(path)} is reached by more than {_MOST_VISITS} links."
                            yield LocalFile(path, f"{name}/", 0, why)
                        elif real not in above:
                            waiting.append((entry.path, f"{name}/", (*above, real)))
                    elif entry.is_file():
                        yield LocalFile(path, name, entry.stat().st_size)
        except OSError as error:
            unreadable(error)


_LONGEST = 1024  # characters of a blob's name (Microsoft, "Naming and referencing containers, blobs, and metadata")
_PLACE = len("aml-deploy/-999//") + 32  # what comes before it, apart from the folder's own name
_MOST_VISITS = 100  # of one folder; links from folder to folder could otherwise multiply without end


def _bad_link(path: Path, real: str, home: str) -> str:
    if not real.startswith(f"{home.rstrip('/')}/") and real != home:
        return f"{printable(path)} is a link to {printable(real)}, outside of the folder."
    return "" if Path(real).exists() else f"{printable(path)} is a link to {printable(real)}, which does not exist."


def _bad_name(path: Path) -> str:
    if _UNUSUAL.search(path.name):
        return f"{printable(path)} has a name with line breaks, control characters or bytes that are not UTF-8."
    return ""


_UNUSUAL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(path: Path | str) -> str:
    """A path for messages, with unusual characters escaped."""
    return _UNUSUAL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(path))


def walk(root: Path) -> list[LocalFile]:
    """The files below a folder, or the file itself, ordered by name.

    As in the SDK, `.amlignore` in the folder, or `.gitignore` if there is none, excludes files, and links are
    followed; unlike there, those that leave the folder are refused. Raises CloudError for a refused or unreadable file,
    or if there is nothing to upload, or the ignore file cannot be used.
    """
    if not root.exists():
        raise CloudError(
            title="The path does not exist", cause=f"{root} is neither a file nor a folder.", remedy="Correct the path."
        )
    try:
        ignored = ignored_files(root)
    except (OSError, ValueError) as error:
        raise CloudError(
            title="The ignore file of the folder cannot be used",
            cause=f"{root}: {error}.",
            remedy="Correct .amlignore, or .gitignore if there is none.",
        ) from None
    found = [file for file in entries(root, _unreadable) if ignored is None or not ignored(file.name)]
    for file in found:
        if file.refused:
            raise CloudError("A file cannot be uploaded", file.refused, REFUSED_REMEDY, code=REFUSED)
    if not found:
        raise CloudError(
            title="There is nothing to upload",
            cause=f"{root} has no files, or its ignore file excludes all of them.",
            remedy="Check the path, and .amlignore or .gitignore in it.",
        )
    return sorted(found, key=lambda file: file.name)


REFUSED = "FileRefused"
REFUSED_REMEDY = (
    "Replace the link by a copy of what it points to (cp -rL copies a folder that way), rename the file, or exclude it "
    "in .amlignore."
)


def _unreadable(error: OSError) -> None:
    raise CloudError(
        title="Part of the folder cannot be read",
        cause=f"{printable(error.filename or '')}: {error.strerror or error}.",
        remedy="Give the user that deploys read permission.",
    ) from None


def content_hash(
    root: Path,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """A hash of the folder's name and of the names, sizes and contents of its files; raises Cancelled, CloudError.

    The folder's own name is included because scripts find the model by that name in AZUREML_MODEL_DIR.
    `progress` receives bytes done and in total. The hash is cached until a file's size or modification time changes.
    """
    files = walk(root)
    known = _state(root, files)
    found = _hashes.get(known)
    if found is None:
        found = hash_of(root, files, _hashed(files, cancelled, progress))
        _remember(known, found)
    return found


def fingerprint(root: Path, files: list[LocalFile]) -> str:
    """A text that changes with names, sizes and modification times, without reading the files. Raises OSError."""
    stamps = "".join(f"{file.name}\0{file.size}\0{file.path.stat().st_mtime_ns}\0" for file in files)
    return hashlib.sha256(f"{root.name}\0{stamps}".encode()).hexdigest()


def hash_of(root: Path, files: list[LocalFile], digests: dict[str, str]) -> str:
    """The result of `content_hash`, from the files' digests by name."""
    digest = hashlib.sha256(f"{root.name}\0".encode())
    for file in files:
        digest.update(f"{file.name}\0{file.size}\0{digests[file.name]}\0".encode())
    return digest.hexdigest()


def remember(root: Path, files: list[LocalFile], before: str, content: str) -> None:
    """Cache a content hash, unless a file has changed since `before` (a `fingerprint`)."""
    if fingerprint(root, files) == before:
        _remember(_state(root, files), content)


def piece_size(size: int) -> int:
    """The size in bytes of the pieces in which a file is hashed and sent: a blob has at most 50,000 blocks."""
    return PIECE * max(1, -(-size // (PIECE * _MOST_PIECES)))


def piece_hash(content: memoryview | bytes = b"") -> hashlib.blake2b:
    """The hash of a piece: BLAKE2b of 32 bytes, which takes half the time of SHA-256 on processors without SHA
    instructions.
    """
    return hashlib.blake2b(content, digest_size=32)


def digest_of(pieces: list[bytes]) -> str:
    """The digest of a file from those of its pieces (`piece_hash`), which can be hashed in parallel in any order."""
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def changed_on_the_way(root: Path) -> CloudError:
    """The error for a folder of which other bytes were sent than were hashed before; nothing must be registered."""
    return CloudError(
        title=f"{root.name} changed while it was uploaded",
        cause=f"Files of {root} have other content now than when they were read. Nothing was registered.",
        remedy="Wait until no program writes to the folder, then apply again.",
        code="ChangedOnTheWay",
    )


def changed(file: LocalFile) -> CloudError:
    """The error for a file that has changed during the upload."""
    return CloudError(
        title=f"{file.name} changed while it was read",
        cause=f"{file.path} had {file.size} bytes when the upload started, and has a different size now.",
        remedy="Wait until no program writes to the folder, then apply again.",
    )


_REMEMBERED = 16
_hashes: dict[tuple[str, str], str] = {}


def _state(root: Path, files: list[LocalFile]) -> tuple[str, str]:
    return str(root.resolve()), fingerprint(root, files)


def _remember(known: tuple[str, str], content: str) -> None:
    if len(_hashes) >= _REMEMBERED:
        _hashes.clear()
    _hashes[known] = content


def _hashed(
    files: list[LocalFile], cancelled: Callable[[], bool], progress: Callable[[int, int], None]
) -> dict[str, str]:
    """The digests of files by name, hashed on all cores. Raises Cancelled, CloudError, OSError."""
    if cancelled():
        raise Cancelled
    total, done = sum(file.size for file in files), 0
    lock, stop = threading.Lock(), threading.Event()

    def piece(file: LocalFile, start: int, size: int) -> bytes:
        nonlocal done
        digest, left = piece_hash(), min(size, file.size - start)
        last = start + left == file.size
        with file.path.open("rb", buffering=0) as stream:
            stream.seek(start)
            while left and not stop.is_set():
                chunk = stream.read(min(_CHUNK, left))
                if not chunk:
                    raise changed(file)
                digest.update(chunk)
                left -= len(chunk)
                with lock:
                    done += len(chunk)
            if last and not stop.is_set() and stream.read(1):
                raise changed(file)
        return digest.digest()

    pieces: dict[str, list[Future[bytes]]] = {}
    # One thread for each core: hashing keeps a core busy.
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1), thread_name_prefix="hash")
    try:
        for file in files:
            size = piece_size(file.size)
            starts = range(0, max(1, file.size), size)
            pieces[file.name] = [pool.submit(piece, file, start, size) for start in starts]
        for future in chain(*pieces.values()):
            while True:
                if cancelled():
                    raise Cancelled
                progress(done, total)
                try:
                    future.result(_TICK)
                    break
                except FutureTimeout:
                    if future.done():
                        raise
    finally:
        stop.set()
        pool.shutdown(wait=False)
    progress(total, total)
    return {name: digest_of([future.result() for future in futures]) for name, futures in pieces.items()}
