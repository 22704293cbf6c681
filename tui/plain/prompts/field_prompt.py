"""A field of the plan as a prompt, with the rules, texts and defaults of the wizard's form."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tui.common.redact import hide_secrets
from tui.plain.failure import Failure
from tui.plain.terminal import say, typed_line
from tui.plan.fields.all_fields import Field
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand, has_reference, has_secret
from tui.plan.load_save.resolve import value_problem

KEYS = "Enter keeps the value in brackets, ? explains, - clears, < returns to the previous field."
HELP, EMPTY, BACK = "?", "-", "<"
SHOWN_SECRET = "kept in memory"


def hide(typed: str) -> str:
    """The text shown instead of a typed secret; a reference is shown as it is."""
    return typed if has_reference(typed) or typed in ("", EMPTY) else SHOWN_SECRET


class Back(Exception):
    """The user returns to the previous field."""


class Answers:
    """Typed answers, line by line; after the end of the input, every answer is the default.

    `ended` is true after the end of the input. For answers from a file, `places` has file and line by key, and `left`
    the answers not used yet.
    """

    def __init__(self) -> None:
        self.ended = False
        self.places: dict[str, str] = {}
        self.left: dict[str, str] = {}

    def line(self, question: str, key: str = "") -> str:
        """Ask a question; returns the answer without surrounding spaces, empty at the end of the input. `key` is a
        field's key, or one of `plan`, `deploy`, `save_as`."""
        print(question, end=" ", file=sys.stderr, flush=True)
        if self.ended:
            say()
            return ""
        return self._taken(typed_line())

    def secret(self, question: str, key: str = "") -> str:
        """Like `line`, without echo if the terminal supports it."""
        if self.ended or not os.isatty(0):
            return self.line(question, key)
        import getpass

        try:
            return getpass.getpass(f"{question} ", stream=sys.stderr).strip()
        except EOFError:
            return self._taken("")

    def _taken(self, typed: str) -> str:
        if not typed.endswith("\n"):
            self.ended = self.ended or typed == ""
        if not (typed.endswith("\n") and os.isatty(0)):
            say()  # a terminal has echoed the end of the line, a pipe has not
        return typed.strip()


class Form:
    """The plan being edited: document, typed secrets, and environment variables for references.

    `written` is the document without what a rehearsal has replaced.
    """

    def __init__(self, document: Document, environ: Mapping[str, str], written: Document | None = None) -> None:
        # A path that is typed into a preset starts from the current folder, not from that of the package.
        self.document = document if document.path is not None else document.rebased(Path.cwd())
        self.written = written or document
        self.environ = dict(environ)
        self.secrets: dict[str, str] = {}
        self.changed = False

    def take(self, field: Field, typed: str) -> str | None:
        """Set a field to a typed text; if it is not valid, return the problem and keep the previous value."""
        before, source = self.document.get(field.key), self.document.sources.get(field.key, self.document.origin)
        secrets, self.secrets = self.secrets, {key: text for key, text in self.secrets.items() if key != field.key}
        if field.kind == "secret" and typed and not has_reference(typed):
            self.secrets[field.key] = typed
        else:
            self.document.set(field.key, field.parse(typed), "you")
        wrong = self.problem(field)
        if wrong:
            self.document.set(field.key, before, source)
            self.secrets = secrets
        else:
            self.changed = self.changed or self.document.get(field.key) != before
        return wrong

    def problem(self, field: Field) -> str | None:
        """The problem of a field's current value, or None."""
        return value_problem(self.document, field.key, self.environ, self.secrets)

    def shown(self, field: Field) -> str:
        """The value for display; never a secret's."""
        if field.key in self.secrets:
            return SHOWN_SECRET
        value = self.document.value(field.key)
        if field.kind == "secret" and not has_reference(value):
            return ""
        return field.show(hide_secrets(value) if isinstance(value, dict) else value)

    def resolved(self, field: Field) -> str:
        """The value for display with its reference resolved on this machine; never a secret's."""
        shown = self.shown(field)
        if not has_reference(self.document.value(field.key)):  # a variable of the container is a secret
            return shown
        if has_secret(shown):
            return f"{shown}, read when it is used"
        try:
            value = expand(shown, self.environ)
        except Unresolved:
            return f"{shown}, cannot be read"
        return f"{shown}, set" if field.kind == "secret" else value

    def offered(self, field: Field) -> str:
        """The value as shown in a prompt: a reference with its value on this machine."""
        shown, resolved = self.shown(field), self.resolved(field)
        return resolved if resolved.startswith(shown) else f"{shown}, here {resolved}"

    def source(self, field: Field) -> str:
        """The source of the value as text."""
        return "typed, kept in memory only" if field.key in self.secrets else self.document.source(field.key)


def ask_field(form: Form, field: Field, answers: Answers) -> None:
    """Ask for a field until its value is valid. Raises Back, and Failure if the input ends before that."""
    choices = f" ({', '.join(field.choices)})" if field.choices else ""
    while True:
        question = f"{field.label}{choices} [{form.offered(field)}]:"
        typed = answers.secret(question, field.key) if field.kind == "secret" else answers.line(question, field.key)
        if typed == HELP:
            explain(form, field)
            continue
        if typed == BACK:
            raise Back
        taken = "" if typed == EMPTY else _chosen(field, typed)
        wrong = form.take(field, taken) if typed else form.problem(field)
        if wrong is None:
            return
        say(f"  {wrong}")
        if answers.ended:
            where = answers.places.get(field.key)
            ended = f"The input ended before {field.label} ({field.key}) had a valid value."
            raise Failure(f"{where}, {field.key}: {wrong}" if where else ended, 2)


def _chosen(field: Field, typed: str) -> str:
    """The only choice that starts with the typed text, else the typed text."""
    matching = [choice for choice in field.choices if choice.startswith(typed.lower())]
    return matching[0] if len(matching) == 1 else typed


def explain(form: Form, field: Field) -> None:
    """Print the field's help: what it is, why it matters, an example, the value's source, a link."""
    for text in (
        field.help.what,
        field.help.why,
        field.help.example and f"Example: {field.help.example}",
        f"The value comes from: {form.source(field)}",
        field.default is not None and f"Default: {field.show(field.default)}",
        field.kind == "path" and f"Relative paths are relative to {form.document.base}{os.sep}",
        f"Key in the plan: {field.key}",
        field.help.link,
    ):
        if text:
            say(f"  {text}")
