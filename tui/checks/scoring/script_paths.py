"""Find files that a scoring script opens by a path that exists only on the machine where it was written.

In the container the model is below AZUREML_MODEL_DIR, and the server's working directory is not defined (Microsoft,
how-to-deploy-online-endpoints: "AZUREML_MODEL_DIR").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

RELATIVE, ELSEWHERE = "relative", "elsewhere"
# Functions that open the file named by their first argument.
OPENERS = re.compile(
    r"^(open|load|load_model|load_npz|loadtxt|genfromtxt|fromfile|InferenceSession|Booster|safe_load|load_state_dict|"
    r"read_(csv|parquet|json|pickle|feather|excel|table|text|bytes)|load_from_checkpoint)$"
)
# Functions with one of those names that take a text or a stream, not a path.
NOT_FILES = re.compile(r"^(yaml|json|toml)\.")
_FILE = re.compile(
    r"\.(pkl|pickle|joblib|json|csv|parquet|txt|ya?ml|bin|ubj|model|onnx|pt|pth|h5|keras|npy|npz|safetensors|bst|cbm|"
    r"feather|toml|ini|xml|zip)$",
    re.IGNORECASE,
)
# Databricks' file systems, home folders, Windows drives: none of them exists in the container.
_OF_HERE = re.compile(r"^(dbfs:/|file:/|/dbfs/|/Volumes/|/Workspace/|/mnt/|/home/|/Users/|~|[A-Za-z]:[\\/])")


_ADDRESS = re.compile(r"^[A-Za-z][\w+.-]+:/")  # https://…, models:/…, azureml://…


@dataclass(frozen=True)
class FixedPath:
    """A literal path in the script: its text, its line, and whether it is relative or elsewhere."""

    path: str
    line: int
    kind: str


def find(tree: ast.AST) -> list[FixedPath]:
    """The paths in line order; paths that are joined with computed parts are omitted."""
    found = {(one.path, one.line): one for one in _walk(tree)}
    return sorted(found.values(), key=lambda one: one.line)


def _walk(tree: ast.AST) -> Iterator[FixedPath]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = name_of(node.func)
        last = name.rpartition(".")[2]
        first = node.args[0]
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else _of_path(first)
        if text is None or not (OPENERS.match(last)) or NOT_FILES.match(name):
            continue
        if _OF_HERE.match(text):
            yield FixedPath(text, node.lineno, ELSEWHERE)
        elif (
            not text.startswith("/")
            and not _ADDRESS.match(text)
            and (_FILE.search(text) or "/" in text or "\\" in text)
        ):
            yield FixedPath(text, node.lineno, RELATIVE)


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return f"{name_of(function.value)}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def _of_path(node: ast.expr) -> str | None:
    """The text of `Path("…")`."""
    if isinstance(node, ast.Call) and name_of(node.func).rpartition(".")[2] == "Path" and len(node.args) == 1:
        inner = node.args[0]
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            return inner.value
    return None
