"""Find what run() returns instead of raising an error, so that callers get status 200 for a failure."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union

from tui.checks.scoring.script_paths import name_of

_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
# What other functions return may be a response with its own status, or an answer found in another way.
_TO_TEXT = ("str", "repr", "dumps", "format", "format_exc")
_NO_TEXT = (ast.Dict, ast.List, ast.Tuple)
TEXT = object()


@dataclass(frozen=True)
class Swallowed:
    """A line at which run() ends normally after an error.

    `answer` is what it then returns: an object, of which only what says that it failed has a value; TEXT; or None for
    anything else.
    """

    line: int
    answer: Any = None

    def gave(self, body: str) -> bool:
        """Whether a response is this one: an object with the same keys that says the same of the failure, or a text."""
        value: Any = body
        try:
            while isinstance(value, str):  # the script's own json.dumps, and the server's
                value = json.loads(value)
        except (ValueError, RecursionError):
            return self.answer is TEXT
        if not isinstance(self.answer, dict) or not isinstance(value, dict) or value.keys() != self.answer.keys():
            return False
        says = {key: word for key, word in self.answer.items() if word is not None}
        return bool(says) and all(value[key] == word for key, word in says.items())


def find(run: _Function) -> Iterator[Swallowed]:
    """The first such line of each handler in run(): a `return`, a result that is returned later, or nothing at all."""
    inside = list(_own(run))
    returns = [one.value for one in inside if isinstance(one, ast.Return) and one.value]
    later = {one.id for one in returns if isinstance(one, ast.Name)}
    # Where run() returns texts, one more is no sign of an error.
    no_texts = any(isinstance(one, _NO_TEXT) or _called(one) in ("tolist", "dumps") for one in returns)
    raises = any(isinstance(one, ast.Raise) for one in inside)
    for tried in (one for one in inside if isinstance(one, ast.Try)):
        for handler in tried.handlers:
            own = list(_own(handler))
            if any(isinstance(one, ast.Raise) for one in own):
                continue
            broad = handler.type is None or name_of(handler.type) in ("Exception", "BaseException")
            errors = {handler.name or ""}
            for one in own:
                target = one.targets[0] if isinstance(one, ast.Assign) else None
                name = target.id if isinstance(target, ast.Name) else ""
                speaks = isinstance(one, (ast.Assign, ast.Return)) and _speaks(one.value, errors)
                if isinstance(one, ast.Return) or (speaks and name in later):
                    if (broad or speaks) and _called(one.value) in ("", *_TO_TEXT):  # type: ignore[attr-defined]
                        yield Swallowed(one.lineno, _answer(one.value, errors, no_texts))  # type: ignore[attr-defined]
                    break
                errors |= {name} if speaks else set()
            else:
                whole = any(isinstance(one, ast.Return) for part in tried.body for one in (part, *_own(part)))
                if broad and whole and not raises:
                    yield Swallowed(handler.lineno)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a node, without the functions that are defined in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _NESTED):
            yield child
            yield from _own(child)


def _called(node: ast.AST | None) -> str:
    """The name of the function or method that makes a value; empty if none does."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else name_of(node.func) or "?"


def _speaks(node: ast.expr | None, errors: set[str]) -> bool:
    """Whether a value is about an error: it has the exception, or says so."""
    parts = list(ast.walk(node)) if node else []
    texts = (one.value.lower() for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str))
    named = any(isinstance(one, ast.Name) and one.id in errors for one in parts)
    return named or any(word in text for text in texts for word in ("error", "fail", "exception"))


def _answer(node: ast.expr | None, errors: set[str], no_texts: bool) -> Any:
    if isinstance(node, ast.Call) and _called(node) == "dumps" and node.args:
        node = node.args[0]
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        return {key.value: _word(key.value, one) for key, one in zip(node.keys, node.values)}  # type: ignore[union-attr]
    text = isinstance(node, (ast.Name, ast.Constant, ast.JoinedStr, ast.Call)) and _speaks(node, errors)
    return TEXT if no_texts and text else None


def _word(key: Any, node: ast.expr) -> Any:
    failed = isinstance(node, ast.Constant) and (_speaks(node, set()) or (key in ("ok", "success") and not node.value))
    return node.value if failed else None  # type: ignore[attr-defined]
