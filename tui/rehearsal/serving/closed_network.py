"""Runs a program in a network of its own, in which nothing can be reached but itself: closed egress, by the kernel.

`python -I -S closed_network.py PORT ANSWER PROGRAM [ARGUMENT…]`; standard library only. ANSWER is what port PORT of
127.0.0.1 answers there (the rehearsal's own listener cannot be reached). A Unix socket still can: it is a file. Without
a program it only tries, for `closing_refused`. It ends with 125 if the kernel refuses a namespace
(network_namespaces(7); without root one of the user's is needed, which some distributions and most containers refuse).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # sched.h
_SET_FLAGS, _UP, _RUNNING = 0x8914, 0x1, 0x40  # sockios.h, if.h
REFUSED = 125


def enter() -> None:
    """Leave the machine's network. Raises OSError."""
    user, group = os.getuid(), os.getgid()
    call = ctypes.CDLL(None, use_errno=True).unshare
    if call(_NEW_NETWORK if user == 0 else _NEW_NETWORK | _NEW_USER) != 0 and (
        user != 0 or call(_NEW_NETWORK | _NEW_USER) != 0
    ):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.getuid() != user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP | _RUNNING))


def _answer(port: int, text: str) -> None:
    """Answer every connection with `text`, in a process that ends with the program's group."""
    listener = socket.create_server(("127.0.0.1", port))
    if os.fork():
        listener.close()
        return
    while True:
        caller, _ = listener.accept()
        with caller, contextlib.suppress(OSError):  # a caller that is silent or gone must not end it
            caller.settimeout(5)
            caller.recv(65_536)
            caller.sendall(text.encode())


def main() -> int:
    """Enter, and become the program."""
    try:
        enter()
    except (OSError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else "only Linux has them"
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # unshare(2)
            why = "the limits in /proc/sys/user are reached"
        print(f"no network namespace ({why})", file=sys.stderr, flush=True)
        return REFUSED
    if len(sys.argv) > 3:
        _answer(int(sys.argv[1]), sys.argv[2])
        os.execv(sys.argv[3], sys.argv[3:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
