"""Starts, finds and ends the rehearsal's server process. Standard library only, since it must be fast."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tui.common import child_process
from tui.common.own_folders import state_folder
from tui.rehearsal.files import read_json, replace_json
from tui.rehearsal.places import Home

# Every command loads this, and importing `typing` and `subprocess` takes as long as all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Any

START_SECONDS = 60.0
STOP_SECONDS = 20.0


class RehearsalError(Exception):
    """An error for the user; the text is one or two plain sentences."""

    exit_code = 1


class UsageError(RehearsalError):
    """An invalid name or number on the command line."""

    exit_code = 2


@contextlib.contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[int]:
    """Hold an exclusive lock on `path`; the descriptor is not inherited by child processes.

    Raises BlockingIOError if `wait` is False and another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def hold_for_life(path: Path) -> None:
    """Lock `path` until this process has ended. Raises BlockingIOError if another process holds the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise


def is_alive(home: Home) -> bool:
    """Whether a server process runs for this home, by the lock that it holds."""
    try:
        with locked(home.alive_lock, wait=False):
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def read_server(home: Home) -> dict[str, Any] | None:
    """The content of the server file: `pid`, `port`, `started`; None if it cannot be read."""
    content = read_json(home.server_file)
    return content if isinstance(content, dict) and isinstance(content.get("port"), int) else None


def running(home: Home) -> dict[str, Any] | None:
    """The server that answers, or None."""
    server = read_server(home) if is_alive(home) else None
    # A killed server leaves its file, and another one may already hold the lock.
    return server if server and server.get("ready") and _exists(server.get("pid")) else None


def _exists(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _last_words(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""


def _wait_until_ready(home: Home, child: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server = running(home)
        if server is not None and server["pid"] == child.pid:
            return server
        if child.poll() is not None:
            words = _last_words(home.log_file)
            raise RehearsalError(words or f"The rehearsal did not start; its log is {home.log_file}.")
        time.sleep(0.02)
    child.terminate()
    raise RehearsalError(
        f"The rehearsal did not answer within {START_SECONDS:.0f} seconds; its log is {home.log_file}."
    )


def ensure_running(home: Home, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Return the running server; start one in the background if none runs.

    The server has a separate session, writes its output to the log file, and inherits no descriptor, so that a
    caller whose output is captured does not hang. `arguments` are added to `serve`. Raises
    RehearsalError.
    """
    try:
        home.create()
        home.used_mark.touch()
        server = running(home)
        if server is not None:
            return server
        with locked(home.start_lock):
            import subprocess

            server = running(home)
            if server is not None:
                return server
            folders = {"AML_DEPLOY_HOME": state_folder(environ), "AML_DEPLOY_CACHE": home.cache}
            with home.log_file.open("ab") as log:
                child = subprocess.Popen(
                    child_process.command("tui.rehearsal", "serve", "--quiet", *arguments),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    close_fds=True,
                    cwd=home.folder,  # so that the server keeps no mount of the user's busy
                    # It outlives this command and serves all users of the state folder.
                    env={
                        **child_process.machine_only(environ),
                        **{name: str(folder.resolve()) for name, folder in folders.items()},
                    },
                )
            return _wait_until_ready(home, child)
    except OSError as error:
        raise RehearsalError(f"The rehearsal could not start: {error}.") from error


def stop(home: Home) -> bool:
    """End the server and everything that it started. False if none ran. Raises RehearsalError."""
    if not home.folder.is_dir():
        return False
    with locked(home.start_lock):
        if not is_alive(home):
            return False
        server = read_server(home)
        if server is None or not isinstance(server.get("pid"), int):
            raise RehearsalError(f"A rehearsal is running, but {home.server_file} does not name its process.")
        deadline = time.monotonic() + STOP_SECONDS
        _signal(server["pid"], signal.SIGTERM)
        while is_alive(home):
            if time.monotonic() > deadline:
                # Its containers end when their pipe is closed.
                _signal(server["pid"], signal.SIGKILL)
                deadline += STOP_SECONDS
            time.sleep(0.02)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def write_server(home: Home, **content: Any) -> None:
    """Replace the server file atomically. Raises OSError."""
    replace_json(home.server_file, content, sync=False)  # after a power cut no server runs


def register_workspace(home: Home, subscription: str, group: str, name: str, isolation: str, **more: Any) -> None:
    """Add a workspace to the rehearsal, also to a running one; can be repeated. Raises OSError.

    `more`: `datastore`, the access to its storage (sas, key or identity), and `provisioned`, whether its managed
    virtual network exists at the start; None keeps the previous value. It is a file instead of a request, so that a
    client that only needs the environment is not delayed.
    """
    home.workspaces.mkdir(mode=0o700, exist_ok=True)
    key = "\n".join((subscription, group, name)).lower()
    path = home.workspaces / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    known = read_json(path)
    wanted = {"subscription_id": subscription, "resource_group": group, "name": name, "isolation": isolation}
    wanted.update({key: known[key] for key in ("datastore", "provisioned") if key in known})
    wanted.update({key: value for key, value in more.items() if value is not None})
    if wanted != known:
        replace_json(path, wanted)
