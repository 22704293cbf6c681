"""The command `aml-deploy scoring`: writes the files that an MLflow model needs to be deployed with code."""

from __future__ import annotations

import os
from argparse import Namespace

from tui.common.typed_path import typed_path
from tui.plain.ask_helper import ask
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say, say_check

SECONDS = 180


def run(arguments: Namespace) -> int:
    """Write script, conda file, request, and a plan that uses them. Raises PlanInvalid, Failure."""
    from tui.plan.load_save.load import load

    document = load(arguments.plan, arguments.overlays, arguments.sets)
    if document.listed():
        raise Failure("The plan lists several deployments. Make the files for a plan with one deployment.", 2)
    folder = typed_path(arguments.output or "scoring")
    target = folder / "plan.yml"
    if target.exists() and not arguments.force:
        raise Failure(f"{target} already exists. Name another folder with -o, or replace it with --force.", 2)
    made = ask(document, os.environ, "make_scoring", timeout=SECONDS, folder=str(folder), replace=bool(arguments.force))
    for key, value in made["set"].items():
        document.set(key, value, "from the MLflow model")
    try:
        document.save(target.resolve())
    except OSError as error:
        raise Failure(f"{target} cannot be written: {error.strerror}.") from None
    for path in (*made["files"], str(target.resolve())):
        out_json({"file": path}) if arguments.json else out(path)
    if made["added"]:
        say(f"Added to the model's own packages: {', '.join(made['added'])}.")
    for note in made["notes"]:
        say(note)
    say_check(target)
    return 0
