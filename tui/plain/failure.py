"""The error that ends a command with a message and an exit code."""

from __future__ import annotations


class Failure(Exception):
    """Ends a command with a message; `code` is the exit code (1 failed, 2 usage, 3 blocked, 130 interrupted)."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code
