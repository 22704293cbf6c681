"""Compare the files that a scoring script opens below AZUREML_MODEL_DIR with those that will lie there.

A model's folder lies there under its own name, a model's file directly (Microsoft, how-to-deploy-online-endpoints).
Only what certainly happens is followed: the statements of the module, of init() and of run() outside of any `if` and
loop, and of a `try` whose handlers all raise. Nothing is said of a path with a part that the text does not tell.
"""

from __future__ import annotations

import ast
import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Union

from tui.checks.scoring.script_paths import NOT_FILES, OPENERS, name_of

_VARIABLE = "AZUREML_MODEL_DIR"
_LOADERS = re.compile(r"^(from_pretrained|load_(pickle|learner|weights|checkpoint)|SentenceTransformer|YOLO)$")
_BY_NAME = re.compile(r"^(model_)?(file|path|uri)$|^(fname|filename|filepath|path_or_bytes|f)$")
_SAME = ("str", "fspath", "abspath", "realpath", "Path", "resolve", "absolute", "as_posix", "list", "sorted")
_BRINGS_FILES = ("extractall", "unpack_archive", "snapshot_download", "hf_hub_download", "copytree")
_MOST = 2000  # files that are looked through for one of the same name


@dataclass(frozen=True)
class Opened:
    """A path below AZUREML_MODEL_DIR that the script opens, and its line; a pattern if glob finds it."""

    path: str = ""
    line: int = 0
    pattern: bool = False


_Value = Union[str, Opened, None]
_Names = dict[str, _Value]
_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_NOT_SURE = (*_DEFINED, ast.IfExp, ast.BoolOp, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


def opened(tree: ast.Module) -> list[Opened]:
    """The certain paths in the order of the script, each once; none if it sets the variable or unpacks files itself."""
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and name_of(one.func).rpartition(".")[2] in _BRINGS_FILES:
            return []
        if isinstance(one, ast.Subscript) and not isinstance(one.ctx, ast.Load) and _value(one, {}):
            return []
    functions = {one.name: one for one in tree.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))}
    names: _Names = {}
    found: dict[tuple[str, bool], Opened] = {}
    bodies = [tree, *(functions[name] for name in ("init", "run") if name in functions)]
    for body in bodies:
        own = {**names, **{one.arg: None for one in ast.walk(body) if isinstance(one, ast.arg)}}
        for path in _follow(body.body, own):
            found.setdefault((path.path, path.pattern), path)
        shared = [name for one in ast.walk(body) if isinstance(one, ast.Global) for name in one.names]
        names.update(own if body is tree else {name: own.get(name) for name in shared})
    return list(found.values())


def _follow(body: list[ast.stmt], names: _Names) -> Iterator[Opened]:
    """What the statements open; keeps the values of the names as far as they are known."""
    for one in body:
        if isinstance(one, (ast.With, ast.AsyncWith)):
            for item in one.items:
                yield from _opens(item.context_expr, names)
            yield from _follow(one.body, names)
        elif isinstance(one, ast.Try) and all(isinstance(handler.body[-1], ast.Raise) for handler in one.handlers):
            yield from _follow([*one.body, *one.orelse, *one.finalbody], names)
        elif isinstance(one, (ast.Expr, ast.Return, ast.Assign, ast.AnnAssign)):
            yield from _opens(one, names)
            value = _value(one.value, names) if one.value else None
            _forget(one, names)
            targets = one.targets if isinstance(one, ast.Assign) else [getattr(one, "target", None)]
            names.update({target.id: value for target in targets if isinstance(target, ast.Name)})
        elif not (isinstance(one, ast.If) and isinstance(one.body[-1], ast.Raise) and not one.orelse):
            _forget(one, names)
        if isinstance(one, ast.Return):
            return


def _forget(statement: ast.stmt, names: _Names) -> None:
    """Make every name unknown that may get another value, or that a test of the file may concern."""
    tests = [one.test for one in ast.walk(statement) if isinstance(one, (ast.If, ast.While))]
    for part in (statement, *tests):
        for one in ast.walk(part):
            if isinstance(one, ast.Name) and (part is not statement or not isinstance(one.ctx, ast.Load)):
                names[one.id] = None


def _sure(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement or expression that are certainly evaluated."""
    if not isinstance(node, _NOT_SURE):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _sure(child)


def _opens(node: ast.AST, names: _Names) -> Iterator[Opened]:
    for one in _sure(node):
        tried: list[ast.expr] = []
        pattern = isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant)  # the first that is found
        if isinstance(one, ast.Subscript):
            tried = [one.value] if pattern else []
        elif isinstance(one, ast.Call):
            name = name_of(one.func)
            last = name.rpartition(".")[2]
            if pattern := last == "next" and len(one.args) == 1:
                tried = one.args
            elif (OPENERS.match(last) or _LOADERS.match(last)) and not NOT_FILES.match(name) and not _writes(one):
                tried = [*one.args[:1], *(word.value for word in one.keywords if _BY_NAME.match(word.arg or ""))]
        for value in (_value(argument, names) for argument in tried):
            if isinstance(value, Opened) and value.pattern == pattern and ".." not in value.path:
                yield Opened(value.path, one.lineno, pattern)  # type: ignore[attr-defined]


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value)) for mode in modes)


def _value(node: ast.AST | None, names: _Names) -> _Value:
    """A text, a path below AZUREML_MODEL_DIR or what glob finds there, or None if the expression may be anything."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        both = [_value(node.left, names), _value(node.right, names)]
        return _joined(both) if isinstance(node.op, ast.Div) else _added(both)
    if isinstance(node, ast.JoinedStr):
        return _added([_value(part, names) for part in node.values])
    if isinstance(node, ast.FormattedValue):
        return _value(node.value, names) if node.format_spec is None and node.conversion == -1 else None
    if isinstance(node, ast.Subscript):
        named = isinstance(node.slice, ast.Constant) and node.slice.value == _VARIABLE
        return Opened() if named and name_of(node.value).endswith("environ") else None
    return _of_call(node, names) if isinstance(node, ast.Call) else None


def _of_call(call: ast.Call, names: _Names) -> _Value:
    name = name_of(call.func)
    last = name.rpartition(".")[2]
    args = [_value(one, names) for one in call.args]
    if isinstance(call.func, ast.Attribute) and (of := _value(call.func.value, names)) is not None:
        args.insert(0, of)  # a method of a path
    if args[:1] == [_VARIABLE] and (last == "getenv" or name.endswith("environ.get")):
        return Opened()
    if last in _SAME and len(args) == 1:
        return args[0]
    if last in ("Path", "joinpath") or name == "join" or name.endswith("path.join"):
        return _joined(args)
    if last in ("glob", "rglob") and isinstance(call.func, ast.Attribute):
        found = _joined([*args[:1], *(["**"] if last == "rglob" else []), *args[1:]])
        return Opened(found.path, pattern=True) if isinstance(found, Opened) else None
    return None


def _joined(parts: Sequence[_Value]) -> _Value:
    """`os.path.join`: unknown if a part is, or if a later one is absolute."""
    first, rest = (parts[0], parts[1:]) if parts else (None, [])
    texts = [one for one in rest if isinstance(one, str) and not one.startswith("/")]
    if first is None or len(texts) < len(rest):
        return None
    if isinstance(first, str):
        return posixpath.join(first, *texts)
    path = posixpath.normpath(posixpath.join(first.path, *texts))
    return None if first.pattern else Opened("" if path == "." else path)


def _added(parts: Sequence[_Value]) -> _Value:
    """The texts one after the other; below the folder only if a slash separates them."""
    first, texts = parts[0] if parts else "", [one for one in parts[1:] if isinstance(one, str)]
    text = "".join(texts)
    if first is None or len(texts) < len(parts) - 1:
        return None
    if isinstance(first, str):
        return first + text
    return _joined([first, text.lstrip("/")]) if not text or text.startswith("/") else None


def astray(found: list[Opened], model: Path, excluded: Callable[[str], bool] | None = None) -> list[tuple[Opened, str]]:
    """The opened paths that will not lie below AZUREML_MODEL_DIR, each with what lies there of the same name.

    `excluded` tells of the model's ignored files. Reads the model's folder. Raises OSError.
    """
    return [(one, _instead(one, model)) for one in found if not _there(one, model, excluded)]


def _there(one: Opened, model: Path, excluded: Callable[[str], bool] | None) -> bool:
    first, _, rest = one.path.partition("/")
    if one.pattern:
        if first == "**":
            first, rest = "*", f"**/{rest}"
        return fnmatch.fnmatch(model.name, first) and (not rest or next(model.glob(rest), None) is not None)
    return first == model.name and (not rest or ((model / rest).exists() and not (excluded and excluded(rest))))


def _instead(one: Opened, model: Path) -> str:
    wanted = posixpath.basename(one.path)
    like = (path for path in islice(model.rglob("*"), _MOST) if fnmatch.fnmatch(path.name, wanted))
    found = next((f"/{path.relative_to(model).as_posix()}" for path in like), "/" if model.is_dir() else "")
    return f"{model.name}{found}"
