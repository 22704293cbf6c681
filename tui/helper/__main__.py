"""Answers questions about Azure for a front end: JSON lines on standard input and output.

A request is `{"id": 1, "ask": NAME, "with": {…}}`, an answer `{"id": 1, "result": …}` or `{"id": 1, "error": {…}}`.
Each question is answered in a separate thread, so answers may come in another order. It ends when its input closes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, TextIO


def main() -> int:
    """Answer questions until standard input closes."""
    answers = _guard_stdout()
    writing = threading.Lock()

    def write(answer: dict[str, Any]) -> None:
        line = json.dumps(answer, ensure_ascii=False, default=str)
        with writing:
            try:
                answers.write(line + "\n")
                answers.flush()
            except (BrokenPipeError, ValueError):
                os._exit(0)  # the front end has ended

    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            number, name = request["id"], request["ask"]
        except (ValueError, KeyError, TypeError):
            write({"id": None, "error": {"title": "The request is not valid", "cause": line[:200].strip()}})
            continue
        arguments = request.get("with") or {}
        threading.Thread(target=_answer, args=(number, name, arguments, write), name=str(name), daemon=True).start()
    return 0


def _answer(number: Any, name: str, arguments: dict[str, Any], write: Any) -> None:
    from tui.helper.dispatch import ask

    write({"id": number, **ask(name, arguments)})


def _guard_stdout() -> TextIO:
    """Reserve standard output for answers; what libraries print is redirected to standard error."""
    real = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return real


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Do not wait for questions in progress: no one receives their answers.
    os._exit(code)
