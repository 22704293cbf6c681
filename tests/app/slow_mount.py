"""A file system whose every look takes seconds: a folder mounted through the kernel's FUSE, read only.

`python -m tests.app.slow_mount FOLDER TARGET SECONDS` serves until its standard input closes. It speaks the kernel's
protocol (Linux, include/uapi/linux/fuse.h, version 7) itself, as no FUSE library is needed for so little. Mounting
needs root and /dev/fuse: `can_mount` tells.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

HEADER = struct.Struct("<IIQQIIII")
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
NUL = b"\0"
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, DESTROY, BATCH_FORGET = 25, 26, 27, 28, 29, 34, 38, 42
MS_RDONLY, MS_NOSUID, MS_NODEV, MNT_DETACH = 1, 2, 4, 2
libc = ctypes.CDLL(None, use_errno=True)


class Server:
    """Answers the kernel, each request on a thread of its own; looking at a name takes `seconds`."""

    def __init__(self, device: int, folder: str, seconds: float) -> None:
        self.device, self.seconds = device, seconds
        self.paths = {1: folder}
        self.ids = {folder: 1}
        self.lock = threading.Lock()

    def serve(self) -> None:
        while True:
            try:
                request = os.read(self.device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return
            threading.Thread(target=self.answer, args=(request,), daemon=True).start()

    def answer(self, request: bytes) -> None:
        _, code, unique, node = HEADER.unpack_from(request)[:4]
        body = request[HEADER.size :]
        if code in (FORGET, BATCH_FORGET):
            return
        try:
            data, problem = self.reply(code, node, body), 0
        except OSError as error:
            data, problem = b"", error.errno or errno.EIO
        with contextlib.suppress(OSError):
            os.write(self.device, struct.pack("<IiQ", 16 + len(data), -problem, unique) + data)

    def reply(self, code: int, node: int, body: bytes) -> bytes:
        if code == INIT:
            return struct.pack("<IIIIHHIIHHI", 7, 31, 0, 0, 64, 48, 1 << 16, 1, 0, 0, 0) + bytes(28)
        path = self.paths[node]
        if code == LOOKUP:
            time.sleep(self.seconds)
            child = f"{path}/{os.fsdecode(body.rstrip(NUL))}"
            attributes = self.attributes(child)
            return struct.pack("<QQQQII", self.number(child), 0, 0, 0, 0, 0) + attributes
        if code == GETATTR:
            time.sleep(self.seconds)
            return struct.pack("<QII", 0, 0, 0) + self.attributes(path)
        if code in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if code == READDIR:
            return self.names(path, *struct.unpack_from("<QQI", body)[1:])
        if code == READ:
            offset, size = struct.unpack_from("<QQI", body)[1:]
            with Path(path).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        if code in (RELEASE, RELEASEDIR, FLUSH, ACCESS, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "not answered")

    def number(self, path: str) -> int:
        with self.lock:
            if path not in self.ids:
                self.ids[path] = len(self.ids) + 1
                self.paths[self.ids[path]] = path
            return self.ids[path]

    def attributes(self, path: str) -> bytes:
        found = Path(path).stat()
        seconds = int(found.st_mtime)
        return ATTR.pack(
            self.number(path), found.st_size, 8, seconds, seconds, seconds, 0, 0, 0,
            found.st_mode, found.st_nlink, 0, 0, 0, 4096, 0,
        )  # fmt: skip

    def names(self, path: str, offset: int, size: int) -> bytes:
        """Names without their type, as some file systems have it: whoever wants to know must look."""
        data = b""
        for position, name in enumerate([".", "..", *sorted(item.name for item in Path(path).iterdir())], start=1):
            raw = os.fsencode(name)
            entry = struct.pack("<QQII", position, position, len(raw), 0) + raw
            entry += bytes(-len(entry) % 8)
            if position > offset:
                if len(data) + len(entry) > size:
                    break
                data += entry
        return data


def mount(device: int, target: str) -> None:
    """Raises OSError."""
    options = f"fd={device},rootmode={stat.S_IFDIR:o},user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"slow", os.fsencode(target), b"fuse", MS_RDONLY | MS_NOSUID | MS_NODEV, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")


@contextlib.contextmanager
def slow_mount(folder: Path, target: Path, seconds: float) -> Iterator[Path]:
    """`folder` at `target`, where each look takes `seconds`. Raises OSError where it cannot be mounted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.app.slow_mount", str(folder), str(target), str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    try:
        if process.stdout.readline().strip() != "mounted":
            raise OSError("cannot be mounted here")
        yield target
    finally:
        libc.umount2(os.fsencode(target), MNT_DETACH)
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def main(folder: str, target: str, seconds: str) -> None:
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
        mount(device, target)
    except OSError as error:
        print(error, flush=True)
        return
    threading.Thread(target=Server(device, folder, float(seconds)).serve, daemon=True).start()
    print("mounted", flush=True)
    sys.stdin.read()
    libc.umount2(os.fsencode(target), MNT_DETACH)


if __name__ == "__main__":
    main(*sys.argv[1:])
