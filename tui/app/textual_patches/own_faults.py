"""Reports an unhandled exception of the wizard without revealing secrets, and survives one of a worker.

Overrides of Textual 8.2.8, all intended upstream: `App._fatal_error` prints a traceback with the values of all
variables, including secrets; `App._handle_exception` ends the application for the exception of a worker too, wherever
the worker was started, and for one of a widget that is mounted while the application ends, which has no children;
`App.panic` is called by the driver's thread with a traceback when the terminal that it reads has disappeared.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import Any

from textual.app import App
from textual.worker import WorkerFailed

from tui.common.redact import redact


class OwnFaults(App[Any], inherit_bindings=False):
    """Mixin for applications: on a crash, prints one sentence; the traceback goes to standard error, the log."""

    def worker_failed(self, error: BaseException) -> None:
        """React to the unexpected exception of a worker."""

    def keep_edits(self) -> str:
        """Keep what is not saved, before the application ends; return a sentence, or an empty text."""
        return ""

    def terminal_lost(self) -> None:
        """React to a terminal that cannot be read any more."""

    def panic(self, *renderables: Any) -> None:
        """End with these texts; what is no text comes from the thread that reads the terminal."""
        if all(isinstance(one, str) for one in renderables):
            super().panic(*renderables)
        else:
            self.terminal_lost()

    def _handle_exception(self, error: Exception) -> None:
        """Go on after the exception of a worker, and with the end when that has begun; end for any other."""
        if self._exit:
            with contextlib.suppress(OSError):
                os.write(2, f"While ending: {type(error).__name__}: {redact(str(error))}\n".encode("utf-8", "replace"))
            return
        if isinstance(error, WorkerFailed):  # only `Worker._run` passes this: no message handler waits for a worker
            _log(error.error)
            self.worker_failed(error.error)
        else:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Log the traceback, and exit with one sentence."""
        error = self._exception or sys.exc_info()[1]
        if error is not None:
            _log(error)
        kept = ""
        with contextlib.suppress(Exception):  # whatever is broken, the message below is printed
            kept = self.keep_edits()
        self.panic(
            f"The wizard stopped because of an internal error ({type(error).__name__}). A run in progress continues; "
            f"aml-deploy runs lists it. Details are in wizard.log in the state folder. {kept}".rstrip()
        )


def _log(error: BaseException) -> None:
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    with contextlib.suppress(OSError):
        os.write(2, redact("".join(lines)).encode("utf-8", "replace"))  # descriptor 2 is the log here
