"""Opens the wizard on this terminal, and says what is left when it closes.

While the wizard is open, nothing but the wizard may write to the terminal: libraries and child processes that write to
descriptors 1 and 2 reach a log file.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from tui.app.app import WizardApp
    from tui.engine.journal.runs import Run
    from tui.plan.load_save.document import Document

HUNG_UP = 129
_REHEARSED = ("ARM_CLOUD_METADATA_URL", "IDENTITY_HEADER")  # set by a rehearsal, and by nothing else here


def run(
    document: Document | None, *, rehearse: bool = False, mouse: bool = False, attach_run: Run | None = None
) -> int:
    """Open the wizard at home, on a plan or on a run; returns the exit code.

    Attached to a run that has ended, it is that of the run (0, 1, 3, 130). Otherwise it is 1 when a run that the wizard
    made did not succeed, and 0.
    """
    follow = None if attach_run is None else methodcaller("attach", attach_run)
    app = _wizard(document, rehearse=rehearse, begin=follow)
    with terminal_kept_clean():
        how = app.run(mouse=mouse)
    if app.hung_up:
        return HUNG_UP
    followed = app.store.run if app.store is not None else None
    if followed is None:
        if app.store is not None and not app.return_code:
            with contextlib.suppress(OSError):
                print(app.plan_kept())
                if app.store.file is not None:
                    print(f"Go on with: aml-deploy {shlex.quote(str(app.store.file))}{' --rehearse' * app.rehearse}")
        return app.return_code or 0
    code = _farewell(followed, how)
    return code if attach_run is not None else min(code, 1)


def troubleshoot(arguments: Namespace) -> int:
    """Show what is wrong with an endpoint; 1 when something was at the last look. Raises Failure, PlanInvalid."""
    from tui.plain.arguments.endpoint import target_or_choice

    document, environ = target_or_choice(arguments)
    if arguments.request:
        document.set("test.request", os.path.abspath(arguments.request), "command line")  # noqa: PTH100
    if arguments.no_test:
        document.set("test.request", None, "command line")
    shown: list[Any] = []

    def begin(app: WizardApp) -> None:
        shown.append(app.operate(document))

    # Whoever goes home from here in a rehearsal is still in it.
    rehearsed = any(environ.get(name) != os.environ.get(name) for name in _REHEARSED)
    app = _wizard(None, environ=None if rehearsed else environ, rehearse=rehearsed, begin=begin)
    with terminal_kept_clean():
        app.run(mouse=arguments.mouse)
    if app.hung_up:
        return HUNG_UP
    if app.return_code:
        return app.return_code
    return 1 if shown and shown[-1].report.get("wrong") else 0


def _wizard(
    document: Document | None,
    *,
    environ: Mapping[str, str] | None = None,
    rehearse: bool = False,
    begin: Callable[[WizardApp], None] | None = None,
) -> WizardApp:
    """The wizard, not running yet; `begin` shows something else than home first."""
    # Some hundred thousand objects are made until the first screen is there, and almost all of them stay: looking for
    # garbage among them, again and again, costs a tenth of the start.
    gc.disable()
    # A thread that reads a run's journal must not keep the screen waiting: it gives way after a millisecond, not five.
    sys.setswitchinterval(0.001)
    from tui.app.app import WizardApp

    class Wizard(WizardApp):
        """The wizard; a run that was rehearsed brings the rehearsal with it."""

        def on_ready(self) -> None:
            gc.freeze()
            gc.enable()

        def bring_rehearsal(self) -> None:
            super().bring_rehearsal()
            self.prepare, self.adopt = _rehearsal, _as_rehearsed

    return Wizard(
        document,
        environ=os.environ if environ is None else environ,
        rehearse=rehearse,
        prepare=_rehearsal if rehearse else None,
        adopt=_as_rehearsed if rehearse else None,
        begin=begin,
    )


def _as_rehearsed(document: Document) -> Document:
    from tui.rehearsal_client import with_own_identity

    return with_own_identity(document, os.environ)


def _rehearsal(document: Document | None) -> Mapping[str, str]:
    """The environment of the rehearsal, started when none runs. Raises CannotRehearse."""
    from tui.plan.load_save.document import Document
    from tui.rehearsal_client import prepare

    return prepare(document if document is not None else Document(), os.environ)


def _farewell(followed: Run, how: str | None) -> int:
    """Say how the run stands and how to come back; returns its exit code, 0 while it goes on."""
    from tui.engine.journal.run_view import RunView
    from tui.plain.output.follow import EXIT_CODES
    from tui.plain.output.run_result import summary

    with contextlib.suppress(OSError):
        if followed.journal.finished():
            view = RunView().fold_all(followed.journal.read())
            print("\n".join(summary(followed, view)).lstrip("\n"))
            return EXIT_CODES.get(view.status, 1)
        state = "is stopping" if how == "stopping" else "goes on by itself" if followed.alive else "is interrupted"
        print(f"The run {followed.id} on {followed.endpoint} {state}.")
        print(f"Come back with: aml-deploy attach {followed.id}")
        print(f"Its log: {followed.log}")
    return 0


@contextlib.contextmanager
def terminal_kept_clean() -> Iterator[None]:
    """Give the terminal to Textual alone: descriptors 1 and 2 go to a log file until the block ends.

    Textual writes to `sys.__stderr__` and asks `sys.__stdout__` for the size, so both become a handle of their own on
    the terminal. Raises nothing: where no log can be written, the rest goes nowhere.
    """
    kept = [os.dup(1), os.dup(2)]
    terminal: Any = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    streams = sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr
    sink = _log()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        sys.__stdout__ = sys.__stderr__ = terminal  # type: ignore[misc]
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr = streams  # type: ignore[misc]
        for number, descriptor in enumerate(kept, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(sink)
        with contextlib.suppress(OSError):  # the terminal may have gone
            terminal.close()


def _log() -> int:
    from tui.engine.journal.state_folder import state_folder

    try:
        return os.open(state_folder() / "wizard.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
