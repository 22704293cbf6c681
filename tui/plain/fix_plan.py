"""Correcting a plan file as a check proposes, with its comments and order as somebody wrote them."""

from __future__ import annotations

import copy
from argparse import Namespace
from pathlib import Path
from typing import Any

from tui.common.write_atomic import write_atomic
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import presets


def correct(arguments: Namespace, findings: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Write what the findings propose into the plan's files; what was changed and what could not be, in sentences.

    A value is changed in the file that says it now; one that no file says is written into the plan file.
    """
    fixes = [finding["fix"] for finding in findings if isinstance(finding.get("fix"), dict)]
    if not fixes:
        return [], []
    document = load(arguments.plan, arguments.overlays, arguments.sets)
    done, left = [], []
    for fix in fixes:
        key, value = str(fix["key"]), fix["value"]
        problem = _write(document, key, value)
        if problem is None:
            now = "is left out" if value is None else f"is {value}"
            done.append(f"{_file(document, key)}: {key} {now} now.")
        else:
            right = f"without {key}" if value is None else f"with {key}: {value}"
            left.append(f"The plan would be right {right}. {problem}")
    return done, left


def _file(document: Document, key: str) -> Path | None:
    named, _ = document.where(key)
    if document.get(key) is None or named is None:
        return document.path
    return Path(named)


def _write(document: Document, key: str, value: Any) -> str | None:
    """None when it is written, else why it could not be."""
    import yaml

    path = _file(document, key)
    if path is None or not path.is_file():
        return f"It is not said by a file but by {document.source(key)}; change it there."
    if any(preset.path.resolve() == path.resolve() for preset in presets()):
        return f"{path.name} is a preset, which is not changed: copy it and its folder, and check the copy."
    if document.get("deployments") is not None and key.startswith("deployment."):
        return "The plan has several deployments; write it where it belongs."
    try:
        text = path.read_text(encoding="utf-8")
        before = yaml.safe_load(text)
        written = _changed(text, before, key, value)
        if written is None:
            return f"{path} has a form that cannot be changed here; change it by hand."
        write_atomic(path, written)
    except (OSError, yaml.YAMLError) as error:
        return f"{path} cannot be changed: {error}."
    return None


def _changed(text: str, before: Any, key: str, value: Any) -> str | None:
    """The file's text with one value changed; None where its form does not allow that."""
    import yaml

    from tui.plan.load_save.yaml_edit import rewritten

    if not isinstance(before, dict):
        return None
    after = copy.deepcopy(before)
    *parents, last = key.split(".")
    node: Any = after
    for part in parents:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            return None
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value
    written = rewritten(text, before, after)
    return written if written is not None and yaml.safe_load(written) == after else None
