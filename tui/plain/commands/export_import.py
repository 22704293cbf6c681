"""The commands `aml-deploy export` (a plan as other tools' files) and `aml-deploy import` (`az ml` files as a plan)."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from tui.common.typed_path import typed_path
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say, say_check
from tui.plan.load_save.az_yaml_import import ImportedDocument


def run(arguments: Namespace) -> int:
    """Write the files; print their paths to stdout, notes to stderr. Raises PlanInvalid, Failure."""
    from tui.export.targets import export, target, write
    from tui.plan.load_save.load import load

    target(arguments.to)
    document = load(arguments.plan, arguments.overlays, arguments.sets)
    folder = typed_path(arguments.output or arguments.to)
    if folder.exists() and not folder.is_dir():
        raise Failure(f"{folder} is a file. Name a folder with -o.", 2)
    exported = export(document, arguments.to, folder)
    taken = [item.path for item in exported.files if (folder / item.path).exists()]
    if taken and not arguments.force:
        names = ", ".join(taken)
        raise Failure(
            f"{folder} already has {names}. Name another folder with -o, or replace the files with --force.", 2
        )
    try:
        written = write(exported, folder)
    except OSError as error:
        raise Failure(f"{folder} cannot be written: {error.strerror}. Name another folder with -o.", 2) from None
    for path in written:
        out_json({"file": str(path)}) if arguments.json else out(path)
    for note in exported.notes:
        say(note)
    return 0


def read(arguments: Namespace) -> int:
    """Write a plan from `az ml` files; print omitted settings to stderr. Raises PlanInvalid, Failure."""
    from tui.plain.ask_helper import import_az_yaml

    settings = dict(setting(text) for text in arguments.sets)
    files = [typed_path(name) for name in arguments.files]
    document = import_az_yaml(files, os.environ, arguments.endpoint_name, settings)
    write_plan(document, free_target(arguments), arguments)
    return 0


def free_target(arguments: Namespace) -> Path:
    """The plan file that an import may write. Raises Failure."""
    target = typed_path(arguments.output)
    if target.is_dir():
        raise Failure(f"{target} is a folder. Name the plan file to write with -o, such as {target / 'plan.yml'}.", 2)
    if target.exists() and not arguments.force:
        raise Failure(f"{target} already exists. Name another file with -o, or replace it with --force.", 2)
    return target


def write_plan(document: ImportedDocument, target: Path, arguments: Namespace) -> None:
    """Write an imported plan; print its files, and to stderr what it lacks. Raises Failure."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = document.write_inline(target.parent)
        document.save(target)
    except OSError as error:
        raise Failure(f"{target} cannot be written: {error.strerror}. Name another file with -o.", 2) from None
    if arguments.json:
        left_out = [asdict(problem) for problem in document.left_out]
        out_json({"plan": str(target), "files": [str(path) for path in beside], "left_out": left_out})
    else:
        for path in (target, *beside):
            out(path)
    for problem in document.left_out:
        say(str(problem))
    say_check(target)


def setting(text: str) -> tuple[str, str]:
    """The key and the value of a `--set` as for `az ml`. Raises Failure."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise Failure(f"--set {text}: write it as KEY=VALUE, such as --set instance_count=2.", 2)
    return key, value
