"""Corrects plan and conda files as a check proposes, preserving comments and order."""

from __future__ import annotations

import copy
from argparse import Namespace
from pathlib import Path
from typing import Any

from tui.common.conda_edit import with_requirement
from tui.common.write_atomic import write_atomic
from tui.helper.diff_report import before_after
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import presets


def correct(arguments: Namespace, findings: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Apply the corrections that findings propose; return sentences about what was changed and what could not be.

    A value is changed in the file that sets it; a value that no file sets is added to the plan file.
    """
    fixes = _fixes(findings)
    if not fixes:
        return [], []
    document = load(arguments.plan, arguments.overlays, arguments.sets)
    done, left = [], []
    for fix in fixes:
        if "file" in fix:
            path, line = Path(fix["file"]), str(fix["line"])
            problem = _add_line(path, line)
            left.append(problem) if problem else done.append(f"{path}: it now requests {line}.")
            continue
        key, value = str(fix["key"]), fix["value"]
        problem = _write(document, key, value)
        if problem is None:
            now = "was removed" if value is None else f"is now {value}"
            done.append(f"{_file(document, key)}: {key} {now}.")
        else:
            right = f"without {key}" if value is None else f"with {key}: {value}"
            left.append(f"The plan would be valid {right}. {problem}")
    return done, left


def planned(arguments: Namespace, findings: list[dict[str, Any]]) -> list[str]:
    """The corrections that findings propose, each with the value before and after it."""
    document = load(arguments.plan, arguments.overlays, arguments.sets)
    return [
        f"{fix['file']}: add {fix['line']}"
        if "file" in fix
        else f"{fix['key']}: {before_after({'before': document.get(fix['key']), 'after': fix['value']})}"
        for fix in _fixes(findings)
    ]


def _fixes(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The corrections, each once: several findings may propose the same one."""
    fixes = [finding["fix"] for finding in findings if isinstance(finding.get("fix"), dict)]
    return [fix for place, fix in enumerate(fixes) if fix not in fixes[:place]]


def _add_line(path: Path, line: str) -> str | None:
    """Write a requirement into a conda file; return None, or why it could not be written."""
    if _of_preset(path):
        return f"{path} belongs to a preset, which is not changed: copy it and its folder, and check the copy."
    try:
        written = with_requirement(path.read_text(encoding="utf-8"), line)
        if written is None:
            return f"{path} has a format that cannot be edited automatically; add {line} yourself."
        write_atomic(path, written)
    except (OSError, UnicodeDecodeError) as error:
        return f"{path} cannot be changed: {error}."
    return None


def _of_preset(path: Path) -> bool:
    return any(preset.path.resolve().parent in path.resolve().parents for preset in presets())


def _file(document: Document, key: str) -> Path | None:
    named, _ = document.where(key)
    if document.get(key) is None or named is None:
        return document.path
    return Path(named)


def _write(document: Document, key: str, value: Any) -> str | None:
    """Write a value; return None, or why it could not be written."""
    import yaml

    path = _file(document, key)
    if path is None or not path.is_file():
        return f"The value does not come from a file but from {document.source(key)}; change it there."
    if any(preset.path.resolve() == path.resolve() for preset in presets()):
        return f"{path.name} is a preset, which is not changed: copy it and its folder, and check the copy."
    if document.get("deployments") is not None and key.startswith("deployment."):
        return "The plan has several deployments; change the value of the right one yourself."
    try:
        text = path.read_text(encoding="utf-8")
        before = yaml.safe_load(text)
        written = _changed(text, before, key, value)
        if written is None:
            return f"{path} has a format that cannot be edited automatically; edit it yourself."
        write_atomic(path, written)
    except (OSError, yaml.YAMLError) as error:
        return f"{path} cannot be changed: {error}."
    return None


def _changed(text: str, before: Any, key: str, value: Any) -> str | None:
    """The file's text with one value changed; None if its format does not allow that."""
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
