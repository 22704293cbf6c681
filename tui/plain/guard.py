"""Runs a command so that every error ends with a message and the right exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import cast

from tui.common import redact
from tui.common.output_stream import OutputStream
from tui.common.typed_path import UnusablePath
from tui.common.write_atomic import write_atomic
from tui.plain.failure import Failure

INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READER_GONE = 141  # what a shell reports for a program ended by SIGPIPE


class Unwritable(Exception):
    """Standard output cannot be written, for example on a full disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"Standard output cannot be written: {error.strerror}. The output is incomplete.")


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Raise Unwritable for an error of standard output, except for a closed pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(error) from None


def guarded(target: str, arguments: Namespace) -> int:
    """Call `module:function` with the arguments and return its exit code; errors become messages on stderr."""
    _open_what_is_closed()
    _never_fail_to_encode()
    redact.learn_environment(os.environ)
    sys.stderr = OutputStream(sys.stderr, may_fail=True)
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        code = _call(target, arguments)
        with writing():
            sys.stdout.flush()
        return code
    except Unwritable as full:
        _say(str(full))
        _stop_writing()
        return 1
    except BrokenPipeError:
        _stop_writing()
        return READER_GONE
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: object) -> None:
    """End as by Ctrl+C, so that a terminal echoes again and helpers are closed; a second signal ends at once."""
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def _call(target: str, arguments: Namespace) -> int:
    from importlib import import_module

    from tui.plan.problems import PlanInvalid

    module, _, function = target.partition(":")
    try:
        return cast(int, getattr(import_module(module), function)(arguments))
    except (Failure, UnusablePath) as failure:
        _say(str(failure))
        return getattr(failure, "code", 2)
    except PlanInvalid as invalid:
        from tui.plain.output.problems import report

        report(invalid)
        return 2
    except (BrokenPipeError, KeyboardInterrupt, Unwritable):
        raise
    except Exception as fault:
        if isinstance(fault, OSError) and fault.filename is None and fault.errno in _FULL:
            raise Unwritable(fault) from None
        if os.environ.get("AML_DEPLOY_DEBUG"):
            raise
        _say(_unusable(fault) if isinstance(fault, OSError) and fault.filename is not None else _fault(fault))
        return 1


def _unusable(error: OSError) -> str:
    return (
        f"{error.filename} cannot be used: {error.strerror}. Runs are kept in the state folder; set AML_DEPLOY_HOME to "
        "another one."
    )


def _fault(fault: Exception) -> str:
    """The message for an unexpected error; its details are written to a file in the state folder."""
    import traceback

    text = f"Internal error in aml-deploy: {type(fault).__name__}."
    try:
        from tui.engine.journal.state_folder import state_folder

        path = state_folder() / "fault.log"
        write_atomic(path, redact.redact(traceback.format_exc()), mode=0o600)
    except OSError:
        return f"{text} Set AML_DEPLOY_DEBUG=1 to see the traceback."
    return f"{text} The traceback is in {path}."


def _open_what_is_closed() -> None:
    """Open descriptors 0, 1 and 2 if the caller closed them, so that no pipe gets their numbers."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # uses the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def _never_fail_to_encode() -> None:
    """Print replacement characters on terminals of another encoding instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _stop_writing() -> None:
    """Redirect both streams to the null device, so that the interpreter does not fail when it flushes them at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            try:
                stream.flush()
            except OSError:
                os.dup2(null, stream.fileno())
