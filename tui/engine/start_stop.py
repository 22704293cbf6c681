"""Starts, resumes and stops the engine, a separate process in a separate session."""

from __future__ import annotations

import contextlib
import json
import os
import secrets as random
import signal
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tui.common import child_process
from tui.common.write_atomic import write_atomic
from tui.engine import heartbeat_and_takeover
from tui.engine.file_lock import taken
from tui.engine.journal.runs import Run, engine_pid, read, write_engine
from tui.engine.journal.state_folder import APPROVED_FILE, ROLL_BACK_FILE, runs_folder
from tui.engine.run_user import who_runs
from tui.engine.stop_signals import held_back
from tui.plan.load_save.document import Document
from tui.plan.load_save.resolve import resolve


def start(
    document: Document,
    *,
    environ: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
    rehearse: bool = False,
    record: Path | None = None,
    approved: Mapping[str, Any] | None = None,
) -> Run:
    """Start a run of a document and return at once; the engine continues when this process ends.

    `secrets` (typed values by key) reach the engine through a pipe, never a file or an argument. `record` is the
    absolute path to which the engine records its exchanges with Azure, without secrets and names. `approved` are the
    only changes that the run may make (`tui.plan.approved_change`): the engine compares them itself.

    Raises PlanInvalid if the plan cannot be run, OSError if the state folder cannot be written.
    """
    plan = resolve(document, environ, secrets)
    now = datetime.now(timezone.utc)
    run_id = f"{now:%Y%m%d-%H%M%S}-{random.token_hex(2)}"
    folder = runs_folder() / run_id
    folder.mkdir(mode=0o700)
    document.rebased(folder).save(folder / "plan.yml")
    about = {
        "run": run_id,
        "endpoint": plan.endpoint.name,
        "deployment": plan.deployment.name,
        "started": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "rehearsed": rehearse,
        "record": str(record) if record else None,
        "user": who_runs(),
        "plan_hash": plan.hash,
        "typed": sorted(key for key, value in (secrets or {}).items() if value),
    }
    if approved is not None:
        write_atomic(folder / APPROVED_FILE, json.dumps(dict(approved)), mode=0o600)
    write_atomic(folder / "run.json", json.dumps(about), mode=0o600)
    run = read(folder)
    assert run is not None
    _spawn(run, environ, secrets or {})
    return run


def resume(run: Run, *, environ: Mapping[str, str], secrets: Mapping[str, str] | None = None) -> None:
    """Restart the engine of an unfinished run; it reads Azure's state and completes the run.

    Does nothing if its engine is alive, here or on another machine. Raises PlanInvalid if something that the plan
    refers to no longer exists.
    """
    from tui.plan.load_save.load import load

    if run.elsewhere or _works(run):
        return
    resolve(load(run.plan), environ, secrets)
    with contextlib.suppress(FileNotFoundError):  # an earlier request to the engine
        (run.folder / "clean-up").unlink()
    _spawn(run, environ, secrets or {})


def stop(run: Run, *, clean_up: bool = False) -> bool:
    """Ask the engine to stop; with `clean_up`, also to delete what this run created. False if it had ended."""
    pid = engine_pid(run.folder)
    if pid is None and not run.elsewhere:
        return False
    if clean_up:
        write_atomic(run.folder / "clean-up", "", mode=0o600)
    if pid is None:
        heartbeat_and_takeover.ask_to_stop(run.folder)
        return True
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True


def roll_back(run: Run) -> bool:
    """Ask the engine, here or on another machine, to restore the split from before its rollout.

    False if no engine works on the run. Raises OSError.
    """
    if not run.alive:
        return False
    write_atomic(run.folder / ROLL_BACK_FILE, "", mode=0o600)
    return True


def _spawn(run: Run, environ: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Start the engine unless another process is starting it."""
    lock = _lock(run)
    if lock is None:
        return
    _keep_log(run)
    log = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with held_back():
            process = subprocess.Popen(
                child_process.command("tui.engine", str(run.folder)),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=child_process.environment(environ),
                cwd=run.folder,  # so that the engine keeps no mount of the user's busy
                start_new_session=True,
                close_fds=True,
                pass_fds=lock,
            )
    finally:
        for descriptor in (log, *lock):
            os.close(descriptor)
    write_engine(run.folder, process.pid)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # the engine has ended; its log says why
        pipe.write(json.dumps(dict(secrets)).encode())
    _children.append(process)


def _keep_log(run: Run) -> None:
    """Rename the log of an earlier engine, which says why that one ended; volumes refuse appends."""
    with contextlib.suppress(OSError):
        if run.log.stat().st_size:
            number = 1 + sum(1 for _ in run.folder.glob("engine.*.log"))
            run.log.rename(run.folder / f"engine.{number}.log")


def _lock(run: Run) -> tuple[int, ...] | None:
    """The locked descriptor that an engine keeps open, so that two engines never work on one run.

    Empty if the file system refuses locks; None if another engine holds the lock.
    """
    descriptor = os.open(run.folder / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    without: tuple[int, ...] | None = None
    try:
        if taken(descriptor, GONE_SECONDS, lambda: _works(run)):
            return (descriptor,)
    except OSError:
        without = ()
    os.close(descriptor)
    return without


def _works(run: Run) -> bool:
    """Whether an engine lives that has something to do: one that has written the run's end only closes its files."""
    return run.alive and not run.journal.finished()


GONE_SECONDS = 10.0
_children: list[subprocess.Popen[bytes]] = []  # kept so that ended engines are reaped and no warning is printed
