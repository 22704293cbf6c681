"""Stores blobs on disk, with constant memory for any size.

A blob is a list of files, one for each block, so that committing a block list moves no data.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui.rehearsal.blobs.answers import fresh_marks
from tui.rehearsal.store import Store

CHUNK = 1024 * 1024
SMALL = 1024 * 1024


class BlobStore:
    """Containers, blobs and uncommitted blocks."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store
        folder.mkdir(mode=0o700, exist_ok=True)
        for leftover in folder.glob("*.part"):
            leftover.unlink(missing_ok=True)

    # Containers exist after their creation; those of workspaces always do.

    def create_container(self, name: str) -> None:
        """Create a container if it does not exist."""
        if not self.has_container(name):
            self._store.put_blob("", name, {})

    def has_container(self, name: str) -> bool:
        """Whether the container exists."""
        return name.startswith("azureml-") or self._store.get_blob("", name) is not None

    # Files

    def new_file(self) -> Path:
        """A new file for a body; `keep` makes it part of the store."""
        return self._folder / f"{uuid.uuid4().hex}.part"

    def keep(self, part: Path) -> str:
        """Make a written file permanent and return its name."""
        name = part.stem
        folder = self._folder / name[:2]
        folder.mkdir(mode=0o700, exist_ok=True)
        part.replace(folder / name)
        return name

    def path(self, name: str) -> Path:
        """The path of a kept file."""
        return self._folder / name[:2] / name

    def discard(self, names: Iterator[str] | list[str]) -> None:
        """Remove kept files."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    # Blobs

    def get(self, container: str, name: str) -> dict[str, Any] | None:
        """The record: `files` ([name, size] pairs), `size`, `etag`, `modified`, `metadata`, `headers`."""
        return self._store.get_blob(container, name)

    def put(self, container: str, name: str, record: dict[str, Any]) -> None:
        """Write a blob; remove files that only the old one used, and uncommitted blocks."""
        old = self._store.get_blob(container, name)
        self._store.put_blob(container, name, record)
        used = {file for file, _ in record["files"]}
        pending = {file for file, _ in self._store.blocks(container, name).values()}
        self._store.drop_blocks(container, name)
        gone = pending | {file for file, _ in (old or {}).get("files", [])}
        self.discard([file for file in gone if file not in used])

    def take(self, container: str, name: str, file: Path, content_type: str) -> None:
        """Move a file of the same disk into the store, as a blob. Raises OSError."""
        part, size = self.new_file(), file.stat().st_size
        file.replace(part)
        record = {"files": [[self.keep(part), size]], "size": size, "created": time.time(), "metadata": {}}
        self.put(container, name, {**record, "headers": {"Content-Type": content_type}, **fresh_marks()})

    def delete(self, container: str, name: str) -> None:
        """Remove a blob."""
        old = self._store.get_blob(container, name)
        self._store.delete_blob(container, name)
        self.discard([file for file, _ in (old or {}).get("files", [])])

    def put_block(self, container: str, name: str, block: str, file: str, size: int) -> None:
        """Add an uncommitted block, replacing one with the same id."""
        replaced = self._store.put_block(container, name, block, file, size)
        committed = {item for item, _ in (self.get(container, name) or {}).get("files", [])}
        if replaced is not None and replaced not in committed:
            self.discard([replaced])

    def all_below(self, container: str, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """All blobs whose names start with `prefix`."""
        after = ""
        while True:
            found = self._store.list_blobs(container, prefix, after, 5000)
            yield from found
            if len(found) < 5000:
                return
            after = found[-1][0]

    def read_small(self, container: str, name: str) -> bytes | None:
        """The content of a small blob; None if it does not exist or is larger than 1 MiB."""
        record = self.get(container, name)
        if record is None or record["size"] > SMALL:
            return None
        with contextlib.suppress(OSError):
            return b"".join(self.path(file).read_bytes() for file, _ in record["files"])
        return None

    def chunks(self, record: dict[str, Any], start: int, length: int) -> Iterator[bytes]:
        """`length` bytes of a blob from `start`, in pieces. Raises OSError."""
        position = 0
        for file, size in record["files"]:
            if length <= 0:
                return
            if position + size > start:
                offset = max(0, start - position)
                with self.path(file).open("rb") as content:
                    content.seek(offset)
                    left = min(size - offset, length)
                    while left > 0:
                        chunk = content.read(min(CHUNK, left))
                        if not chunk:
                            raise OSError(f"a part of the blob is shorter than recorded: {file}")
                        left -= len(chunk)
                        length -= len(chunk)
                        yield chunk
            position += size

    def copy_out(self, record: dict[str, Any], target: Path) -> None:
        """Write a blob's content to a file; meant to run in a thread. Raises OSError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        # Copies, not links: a scoring script may write to its folder.
        with target.open("wb") as out:
            out.writelines(self.chunks(record, 0, record["size"]))
