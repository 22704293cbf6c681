"""Opens the wizard on this terminal, and prints the state of the run or plan when it closes.

While the wizard is open, nothing else may write to the terminal: what libraries and child processes write to file
descriptors 1 and 2 goes to a log file.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from tui.app.app import WizardApp
    from tui.engine.journal.runs import Run
    from tui.plan.load_save.document import Document

HUNG_UP = 129
IDLE_SECONDS = 2.0  # without a key; then all garbage is collected, at once
SELDOM = 1000  # collections of younger garbage before all is collected although keys are pressed; 10 is usual
_REHEARSED = ("ARM_CLOUD_METADATA_URL", "IDENTITY_HEADER")  # set only by a rehearsal


def run(
    document: Document | None, *, rehearse: bool = False, mouse: bool = False, attach_run: Run | None = None
) -> int:
    """Open the wizard at home, on a plan or on a run; return the exit code.

    When attached to a run that has ended, it is the run's exit code (0, 1, 3, 130). Otherwise it is 1 when a run
    started by the wizard did not succeed, else 0.
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
                print(app.plan_kept(), end="\n" * app.store.saves)
                if app.store.file is not None:
                    mode = " --rehearse" * app.store.rehearse
                    print(f"Resume with: aml-deploy {shlex.quote(str(app.store.file))}{mode}")
        return app.return_code or 0
    code = _farewell(followed, how)
    return code if attach_run is not None else min(code, 1)


def troubleshoot(arguments: Namespace) -> int:
    """Open the troubleshoot screen for an endpoint; return 1 when the last check found a problem, else 0.

    Raises Failure, PlanInvalid.
    """
    from tui.plain.arguments.endpoint import target_or_choice

    document, environ = target_or_choice(arguments)
    if arguments.request:
        document.set("test.request", os.path.abspath(arguments.request), "command line")  # noqa: PTH100
    if arguments.no_test:
        document.set("test.request", None, "command line")
    shown: list[Any] = []

    rehearsed = any(environ.get(name) != os.environ.get(name) for name in _REHEARSED)

    def begin(app: WizardApp) -> None:
        shown.append(app.operate(document, rehearsed))

    app = _wizard(None, rehearse=arguments.rehearse, begin=begin)
    with terminal_kept_clean():
        app.run(mouse=arguments.mouse)
    if app.hung_up:
        return HUNG_UP
    if app.return_code:
        return app.return_code
    return 1 if shown and shown[-1].report.get("wrong") else 0


def fleet(
    document: Document,
    *,
    rehearse: bool = False,
    readonly: bool = False,
    subscriptions: Sequence[str] = (),
    workspaces: Sequence[str] = (),
    mouse: bool = False,
) -> int:
    """Open the fleet with a document's credential; return the exit code.

    `subscriptions` (ids or names) and `workspaces` (names or ids) restrict it; with `readonly`, nothing is changed.
    """

    def begin(app: WizardApp) -> None:
        app.fleet(document, rehearse, subscriptions=subscriptions, workspaces=workspaces)

    app = _wizard(None, rehearse=rehearse, begin=begin)
    app.readonly = readonly
    with terminal_kept_clean():
        app.run(mouse=mouse)
    return HUNG_UP if app.hung_up else app.return_code or 0


def _wizard(
    document: Document | None,
    *,
    rehearse: bool = False,
    begin: Callable[[WizardApp], None] | None = None,
) -> WizardApp:
    """Create the wizard without running it; `begin` shows a first screen other than home."""
    # Some hundred thousand objects are created before the first screen appears, and almost all of them stay alive:
    # collecting garbage among them repeatedly costs a tenth of the startup time.
    gc.disable()
    # A thread that reads a run's journal must not delay the screen: it yields after 1 ms instead of 5 ms.
    sys.setswitchinterval(0.001)
    from textual.events import Event, Key

    from tui.app.app import WizardApp

    class Wizard(WizardApp):
        """The wizard, with the garbage of its start set aside, and all of the rest collected between keys."""

        def on_ready(self) -> None:
            gc.freeze()
            gc.set_threshold(*gc.get_threshold()[:2], SELDOM)
            self.idle = self.set_interval(IDLE_SECONDS, collect)
            gc.enable()

        async def on_event(self, event: Event) -> None:
            if isinstance(event, Key) and gc.isenabled():
                self.idle.reset()
            await super().on_event(event)

    return Wizard(document, rehearse=rehearse, prepare=_rehearsal, adopt=_as_rehearsed, begin=begin)


def collect() -> None:
    """Collect all garbage, which may take as long as a key's echo; not if there is hardly any."""
    if gc.get_count()[2]:
        gc.collect()


def _as_rehearsed(document: Document) -> Document:
    from tui.rehearsal_client import with_own_identity

    return with_own_identity(document, os.environ)


def _rehearsal(document: Document | None) -> Mapping[str, str]:
    """Return the rehearsal's environment, starting one if none is running. Raises CannotRehearse."""
    from tui.plan.load_save.document import Document
    from tui.rehearsal_client import prepare

    return prepare(document if document is not None else Document(), os.environ)


def _farewell(followed: Run, how: str | None) -> int:
    """Print the run's state and how to attach to it; return its exit code, 0 while it continues."""
    from tui.engine.journal.run_view import RunView
    from tui.plain.output.follow import EXIT_CODES
    from tui.plain.output.run_result import summary
    from tui.plain.terminal import out

    with contextlib.suppress(OSError):
        if followed.journal.finished():
            view = RunView().fold_all(followed.journal.read())
            out("\n".join(summary(followed, view)).lstrip("\n"))
            return EXIT_CODES.get(view.status, 1)
        state = "is stopping" if how == "stopping" else "continues" if followed.alive else "is interrupted"
        print(f"The run {followed.id} on {followed.endpoint} {state}.")
        print(f"Attach to it with: aml-deploy attach {followed.id}")
        print(f"Log: {followed.log}")
    return 0


class _Terminal(io.TextIOWrapper):
    """The terminal; when it has disappeared, what is written is dropped.

    Otherwise Textual's thread that writes to it would end, and the wizard wait for it when its queue is full.
    """

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


@contextlib.contextmanager
def terminal_kept_clean() -> Iterator[None]:
    """Reserve the terminal for Textual: file descriptors 1 and 2 go to a log file until the block ends.

    Textual writes to `sys.__stderr__` and reads the size from `sys.__stdout__`, so both get a separate handle on the
    terminal. Raises nothing: if no log file can be opened, that output is discarded.
    """
    kept = [os.dup(1), os.dup(2)]
    terminal: Any = _Terminal(os.fdopen(os.dup(1), "wb"), encoding="utf-8", errors="replace")
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
        with contextlib.suppress(OSError):  # the terminal may have disappeared
            terminal.close()


def _log() -> int:
    from tui.engine.journal.state_folder import state_folder

    try:
        return os.open(state_folder() / "wizard.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
