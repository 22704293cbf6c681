"""Detects the terminal's abilities, and asks questions on it."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
from typing import Callable

from tui.common.redact import each_text, redact
from tui.common.terminal_text import json_line, without_controls


def read_aloud() -> bool:
    """Whether the output may be read aloud, in which columns make no sense: ACCESSIBLE=1."""
    return os.environ.get("ACCESSIBLE", "").lower() not in ("", "0", "false", "no")


def wants_lines() -> bool:
    """Whether to use the line front end: no terminal, TERM=dumb, or ACCESSIBLE=1."""
    return read_aloud() or os.environ.get("TERM") == "dumb" or not (os.isatty(0) and os.isatty(1))


def can_ask() -> bool:
    """Whether questions can be asked: they are printed to standard error, wherever standard output goes."""
    return os.isatty(0) and os.isatty(2)


def out(text: object, clean: Callable[[str], str] = redact) -> None:
    """Print text from anywhere to stdout, without secrets and control characters; `clean` hides the secrets."""
    print(clean(without_controls(str(text))), flush=True)


def out_json(data: object, clean: Callable[[str], str] = redact) -> None:
    """Print data as one line of JSON to stdout, without secrets, which `clean` hides."""
    print(json_line(each_text(data, clean)), flush=True)


def say(text: str = "") -> None:
    """Print a line to stderr, which the command's guard keeps free of secrets and control characters."""
    print(text, file=sys.stderr, flush=True)


def say_check(plan: object) -> None:
    """Say to stderr how to go on with a plan that was written."""
    path = shlex.quote(str(plan))
    say(f"Check it: aml-deploy check {path}, or open it: aml-deploy {path}.")


class Lines:
    """Reads lines from standard input so that Ctrl+C is never lost.

    A signal just before a blocking read would be noticed only after the next key. So the read waits in select() for
    the input and for the descriptor to which the interpreter writes when a signal arrives.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._ended = False

    def next(self) -> str:
        """The next line with its line ending, the rest without one, or an empty text at the end."""
        while b"\n" not in self._rest and not self._ended:
            self._read()
        line, end, self._rest = self._rest.partition(b"\n")
        return (line + end).decode("utf-8", "replace")

    def _read(self) -> None:
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        try:
            if 0 not in select.select([0, woken], [], [])[0]:
                return  # the signal's handler runs now, and may raise
            read = os.read(0, 65536)
        except OSError:  # no standard input, or its terminal was closed
            read = b""
        finally:
            signal.set_wakeup_fd(before)
            os.close(woken)
            os.close(wake)
        self._rest += read
        self._ended = not read


_lines = Lines()


def typed_line() -> str:
    """The next line of standard input with its line ending; empty at the end of the input."""
    return _lines.next()


def confirmed(question: str) -> bool:
    """Ask a yes-or-no question on the terminal; no is the default, also at the end of input."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    typed = typed_line()
    if not typed.endswith("\n"):
        say()
    return typed.strip().lower() in ("y", "yes")
