"""Reads the body of a test call: from a file, standard input, or the plan."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from tui.common.request_body import FILE, as_text
from tui.common.typed_path import typed_path
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document


def request_of(arguments: Namespace, document: Document) -> str | None:
    """The body for test calls: from --request, else the plan or the run; None if there is none."""
    if arguments.no_test:
        return None
    if arguments.request:
        return read_request(arguments.request)
    return plan_request(document)


def read_request(name: str) -> str:
    """Read a body, or name the file that is one (`@PATH`); `-` is standard input. Raises Failure."""
    if name == "-":
        try:
            body = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError:
            body = FILE
        if not body.strip():
            raise Failure("There is no request on standard input. Pipe one in, or name a file with --request.", 2)
        if body.startswith(FILE):
            raise Failure("The request on standard input is not JSON. Name a file of another kind with --request.", 2)
        return body
    try:
        return as_text(typed_path(name))
    except OSError as error:
        raise Failure(f"The request {name} cannot be read: {error.strerror}.", 2) from None


def plan_request(document: Document) -> str | None:
    """The plan's request for test calls; None if there is none or it cannot be read."""
    named = document.value("test.request")
    if not named or "${" in str(named):
        return None
    try:
        return as_text(Path(document.base) / typed_path(str(named)))
    except OSError:
        return None
