"""The command `aml-deploy new`: makes a plan from a folder with a model."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import Any

from tui.common.typed_path import typed_path
from tui.plain.ask_helper import LOAD_SECONDS, ask
from tui.plain.terminal import out, out_json, say, say_check
from tui.plan.load_save.document import Document


def run(arguments: Namespace) -> int:
    """Write the plan; print the paths to stdout, what was found and guessed to stderr. Raises Failure."""
    made = make(arguments.folder, arguments.output)
    if arguments.json:
        out_json(made)
        return 0
    for path in made["written"]:
        out(path)
    for line in in_words(made):
        say(line)
    say_check(made["plan"])
    return 0


def make(folder: str, plan: str | None = None) -> dict[str, Any]:
    """The helper's answer to `new_plan` for a folder and a plan file as typed. Raises Failure."""
    places: dict[str, Any] = {"folder": str(typed_path(folder)), "target": str(typed_path(plan)) if plan else None}
    return dict(ask(Document(), os.environ, "new_plan", timeout=LOAD_SECONDS, **places))


def in_words(made: dict[str, Any]) -> list[str]:
    """What was found and guessed, a line each, and what it rests on."""
    return [f"{'Found' if note['sure'] else 'Guess'}: {note['text']} ({note['rests_on']})" for note in made["notes"]]
