"""Read what a scoring script defines and imports from its text, without importing or running it.

The server's rules are from azureml-inference-server-http 1.5.1 (server/user_script.py): `init` without arguments,
`run` with at least one, and no *args, **kwargs or positional-only arguments in `run`.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

from tui.checks.scoring import model_paths, script_paths, swallowed_errors
from tui.checks.scoring.script_paths import FixedPath

_LONGEST = 2_000_000  # bytes
# Syntax that Python 3.10 to 3.12 added: match, type, except*, type parameters, parenthesized with, f-strings.
_NEWER_GRAMMAR = re.compile(
    rb"^\s*(?:(?:match|case|type)\s[^=]*|with\s*\(|except\s*\*|(?:async\s+)?(?:def|class)\s+\w+\[)|\b[rR]?[fF][rR]?['\"]",
    re.MULTILINE,
)
# CPython 3.11 counts the depth of all parsers together: two at once can end as "AST constructor recursion depth
# mismatch" (python/cpython#106905).
_ONE_PARSER = threading.Lock()
_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


@dataclass(frozen=True)
class Import:
    """A module that is needed when the script is loaded or called, and the line that uses it."""

    module: str
    line: int


@dataclass
class ScoreScript:
    """A scoring script. `problem` says why it cannot work, `line` where.

    `certain` is false if the text alone is not conclusive: names can come from a star import, or the script is written
    for a newer Python than this one.
    """

    path: Path
    found: bool = False
    has_init: bool = False
    has_run: bool = False
    problem: str = ""
    line: int | None = None
    certain: bool = True
    parsed: bool = False
    imports: list[Import] = field(default_factory=list)
    swallowed: list[swallowed_errors.Swallowed] = field(default_factory=list)
    paths: list[FixedPath] = field(default_factory=list)
    opened: list[model_paths.Opened] = field(default_factory=list)
    raw: bool = False
    """Whether run may be decorated with @rawhttp, so that it gets any kind of request."""
    model_dir: tuple[bool, int] | None = None
    """Whether the script can do without AZUREML_MODEL_DIR, and the line that reads it."""


def read(folder: Path, script: str, python: tuple[int, int] | None = None) -> ScoreScript:
    """Read a script; never raises. `python` is the version on which it will run, if the environment sets it."""
    score = ScoreScript(folder / script)
    try:
        score.found = score.path.is_file()
        if not score.found:
            return score
        with score.path.open("rb") as file:
            source = file.read(_LONGEST)
    except OSError as error:
        score.problem = f"{script} cannot be read: {error.strerror or error}."
        return score
    if score.path.suffix != ".py":
        return score  # of a container with its own server
    score.raw = b"rawhttp" in source
    try:
        tree = _parse(score, source, python)
        if tree is not None:
            _look(score, tree)
            score.parsed = True
    except RecursionError:  # an expression of hundreds of parts, which the server can read
        pass
    return score


def _look(score: ScoreScript, tree: ast.Module) -> None:
    score.model_dir = _needs_model_dir(tree)
    defined = _defined(tree)
    score.has_init, score.has_run = "init" in defined, "run" in defined
    if "*" in defined:
        score.certain = False
    _check_signatures(score, defined)
    score.paths, score.opened = script_paths.find(tree), model_paths.opened(tree)
    score.imports = sorted(_imports(tree), key=lambda found: found.line)
    run = defined.get("run")
    if isinstance(run, (ast.FunctionDef, ast.AsyncFunctionDef)):
        score.swallowed = list(swallowed_errors.find(run))


def _parse(score: ScoreScript, source: bytes, python: tuple[int, int] | None) -> ast.Module | None:
    here = sys.version_info[:2]
    # ast knows the syntax of this Python and, roughly, of older versions, but not of newer ones.
    version = python if python and (3, 7) <= python < here else None
    try:
        with _ONE_PARSER:
            return ast.parse(source, filename=score.path.name, feature_version=version)
    except SyntaxError as error:
        score.line = error.lineno
        where = f", line {error.lineno}" if error.lineno else ""
        score.problem = f"{score.path.name}{where}: {error.msg}."
        score.certain = not (python and python > here and _NEWER_GRAMMAR.search(source))
    except ValueError as error:
        score.problem = f"{score.path.name} is not Python source: {error}."
    return None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is loaded, including those in if, try and with."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from _statements(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """The names of the module, each with the statement that defines it; `*` for a star import."""
    names: dict[str, ast.stmt] = {}
    for statement in _statements(tree.body):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names[statement.name] = statement
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                names[(alias.asname or alias.name).split(".")[0]] = statement
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                for node in ast.walk(target):
                    if isinstance(node, ast.Name):
                        names[node.id] = statement
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            names[statement.target.id] = statement
    return names


def _check_signatures(score: ScoreScript, defined: dict[str, ast.stmt]) -> None:
    init, run = defined.get("init"), defined.get("run")
    if isinstance(init, (ast.FunctionDef, ast.AsyncFunctionDef)) and not init.decorator_list and _required(init):
        score.problem = f"{score.path.name}, line {init.lineno}: init is called without arguments, but requires some."
        score.line = init.lineno
    # A decorator can change the arguments of run.
    if not isinstance(run, (ast.FunctionDef, ast.AsyncFunctionDef)) or run.decorator_list:
        return
    arguments = run.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        wrong = "run must not have *args, **kwargs or positional-only arguments"
    elif not [name for name in (*arguments.args, *arguments.kwonlyargs) if name.arg != "request_headers"]:
        wrong = "run must take an argument for the request, as in run(raw_data)"
    else:
        return
    if not score.problem:
        score.problem, score.line = f"{score.path.name}, line {run.lineno}: {wrong}.", run.lineno


def _required(function: _Function) -> bool:
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)


def _top(module: str) -> str:
    """The name that tells the package: of azureml's parts, the server brings others than the SDK v1."""
    return "azureml.core" if f"{module}.".startswith("azureml.core.") else module.split(".")[0]


def _imports(tree: ast.AST, optional: bool = False) -> Iterator[Import]:
    """Top-level names of imported modules, except those that are caught if missing or only for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import) and not optional:
            for alias in node.names:
                yield Import(_top(alias.name), node.lineno)
        elif isinstance(node, ast.ImportFrom) and not optional:
            if node.module and not node.level:
                yield Import(_top(node.module), node.lineno)
        elif isinstance(node, ast.Try):
            caught = any(_catches_import(handler) for handler in node.handlers)
            # `except ImportError: import other` needs one of the two; the text does not show which.
            for part in (*node.body, *node.handlers, *node.orelse, *node.finalbody):
                yield from _imports(ast.Module(body=[part], type_ignores=[]), optional or caught)  # type: ignore[list-item]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.orelse:
                yield from _imports(ast.Module(body=[child], type_ignores=[]), optional)
        else:
            yield from _imports(node, optional)


def _needs_model_dir(tree: ast.AST) -> tuple[bool, int] | None:
    """The first line that reads AZUREML_MODEL_DIR without a value for its absence; one that then fails comes first."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key: ast.expr = node.slice
        elif isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            key = node.args[0]
        else:
            continue
        if isinstance(key, ast.Constant) and key.value == "AZUREML_MODEL_DIR":
            found.append((isinstance(node, ast.Call), node.lineno))
    return min(found, default=None)


def _catches_import(handler: ast.ExceptHandler) -> bool:
    caught = ast.dump(handler.type) if handler.type else "Exception"
    return any(f"'{name}'" in caught or caught == name for name in ("ImportError", "ModuleNotFoundError", "Exception"))
