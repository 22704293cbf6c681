"""Reports an unhandled exception of the wizard without revealing secrets.

Overrides `App._fatal_error` of Textual 8.2.8, which prints a traceback with the values of all variables, including
secrets. This is intended upstream.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import Any

from textual.app import App


class OwnFaults(App[Any], inherit_bindings=False):
    """Mixin for applications: on a crash, prints one sentence; the traceback goes to standard error, the log."""

    def _fatal_error(self) -> None:
        """Log the traceback, and exit with one sentence."""
        error = self._exception or sys.exc_info()[1]
        if error is not None:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            with contextlib.suppress(OSError):
                os.write(2, "".join(lines).encode("utf-8", "replace"))  # descriptor 2 is the log here
        self.panic(
            f"The wizard stopped because of an internal error ({type(error).__name__}). A run in progress continues; "
            "aml-deploy runs lists it. Details are in wizard.log in the state folder."
        )
