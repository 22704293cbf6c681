"""Answers questions about Azure for a front end: JSON lines on standard input and output.

A request is `{"id": 1, "ask": NAME, "with": {…}}`, an answer `{"id": 1, "result": …}` or `{"id": 1, "error": {…}}`;
before it, there may be lines `{"id": 1, "progress": [BYTES DONE, BYTES IN TOTAL]}`, and, for a streamed answer,
`{"id": 1, "part": …}`.
Each question is answered in a separate thread, so answers may come in another order. It ends when its input closes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from time import monotonic
from typing import Any, Callable, TextIO

from tui.common import call_log, redact
from tui.common.output_stream import OutputStream
from tui.common.regular_file import json_object

PROGRESS_SECONDS = 1.0  # at least, between two reports


def main() -> int:
    """Answer questions until standard input closes."""
    answers = _guard_stdout()
    redact.learn_environment(os.environ)
    call_log.begin("helper")
    writing = threading.Lock()

    def write(answer: dict[str, Any]) -> None:
        try:
            line = json.dumps(answer, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError) as error:  # every question gets an answer
            cause = f"{type(error).__name__}: {error}"
            line = json.dumps({"id": answer["id"], "error": {"title": "The answer cannot be sent", "cause": cause}})
        with writing:
            try:
                answers.write(line + "\n")
                answers.flush()
            except BrokenPipeError:
                os._exit(0)  # the front end has ended

    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            request = json_object(line)
            number, name = request["id"], request["ask"]
            arguments = dict(request.get("with") or {})
        except (ValueError, KeyError, TypeError):
            cause = line[:200].decode("utf-8", "replace").strip()
            write({"id": None, "error": {"title": "The request is not valid", "cause": cause}})
            continue
        threading.Thread(target=_answer, args=(number, name, arguments, write), name=str(name), daemon=True).start()
    return 0


def _answer(number: Any, name: str, arguments: dict[str, Any], write: Any) -> None:
    from tui.helper.dispatch import ask

    answer = ask(name, arguments, _progress(number, write), lambda part: write({"id": number, "part": part}))
    write({"id": number, **answer})


def _progress(number: Any, write: Any) -> Callable[[int, int], None]:
    """A function that reports progress to the front end, which then waits on: nothing if there is none."""
    told, at = 0, monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told, at
        now = monotonic()
        if done > told and now - at >= PROGRESS_SECONDS:
            told, at = done, now
            write({"id": number, "progress": [done, total]})

    return tell


def _guard_stdout() -> TextIO:
    """Reserve standard output for answers; what libraries print is redirected to standard error."""
    # Half of a surrogate pair, as in the name of a file that is not UTF-8, is replaced.
    real = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    sys.stdout = sys.stderr = OutputStream(sys.stderr)
    return real


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Do not wait for questions in progress: no one receives their answers.
    os._exit(code)
