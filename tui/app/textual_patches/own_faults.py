"""What an error of the wizard's own shows.

Overrides `App._fatal_error` of Textual 8.2.8, which prints a traceback with the values of all variables, secrets among
them. That is meant so upstream.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import Any

from textual.app import App


class OwnFaults(App[Any], inherit_bindings=False):
    """For applications: they end with a sentence, and what is known goes to standard error, which is the log."""

    def _fatal_error(self) -> None:
        """End with a sentence."""
        error = self._exception or sys.exc_info()[1]
        if error is not None:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            with contextlib.suppress(OSError):
                os.write(2, "".join(lines).encode("utf-8", "replace"))  # while the wizard is open, this is its log
        self.panic(
            f"The wizard had to end because of an error of its own ({type(error).__name__}). A run that is under way "
            "goes on by itself: aml-deploy runs lists it. What is known is in wizard.log in the state folder."
        )
