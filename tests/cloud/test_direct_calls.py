"""What is asked of Resource Manager directly is named, with its reason, in the table of `tui/cloud/README.md`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import tui
from tests.conftest import ROOT

PACKAGE = Path(tui.__file__).parent
README = PACKAGE / "cloud" / "README.md"
VERBS = {"find": "GET", "items": "GET"}
OTHERS = ("rehearsal",)  # the stand-in, which answers


def told() -> set[tuple[str, str]]:
    """File and verb of each row."""
    found = set()
    for line in README.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"`[\w/]+\.py`", cells[0]):
            assert len(cells[2]) > 8, f"no reason for {cells[0]}"
            found |= {
                (cells[0].strip("`"), verb) for verb in re.findall(r"\b(?:GET|PUT|POST|PATCH|DELETE)\b", cells[1])
            }
    return found


def asked(source: Path) -> set[str]:
    """The verbs with which a module asks `arm`."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        holder = node.func.value
        name = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
        if name not in ("arm", "_arm") or node.func.attr not in ("call", "ask", *VERBS):
            continue
        verb = VERBS.get(node.func.attr)
        if verb is None:
            assert isinstance(node.args[0], ast.Constant), f"{source}:{node.lineno} gives its verb as an expression"
            verb = str(node.args[0].value)
        found.add(verb)
    return found


def test_the_table_names_every_direct_call_and_no_other() -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in OTHERS]
    calls = {(path.relative_to(PACKAGE).as_posix(), verb) for path in sources for verb in asked(path)}
    assert calls == told()


def test_nothing_private_of_the_sdk_is_imported() -> None:
    private = re.compile(r"azure\.ai\.ml(?:\.\w+)*\._")
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("tui", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.match(r"\s*(?:from|import)\s", line) and private.search(line)
    ]
    assert named == []
