"""What a scoring script defines and imports, from its text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tui.checks.scoring import score_script
from tui.checks.scoring.score_script import ScoreScript

INIT = "def init(): pass\n"
RUN = "def run(data): pass\n"


def read(folder: Path, text: str, python: tuple[int, int] | None = None) -> ScoreScript:
    (folder / "score.py").write_text(text, encoding="utf-8")
    return score_script.read(folder, "score.py", python)


@pytest.mark.parametrize(
    ("text", "init", "run"),
    [
        (INIT + RUN, True, True), (INIT, True, False), (RUN, False, True), ("x = 1", False, False),
        ("from other import run, start as init", True, True), ("import init.run", True, False),
        ("init = run = print", True, True), ("init: object = print\nrun: object", True, False),
        ("(init, (run,)) = 1, (2,)", True, True), ("class run: pass", False, True),
        ("if 1:\n  def run(data): pass\nelse:\n  def init(): pass", True, True),
        ("try:\n  x = 1\nexcept OSError:\n  init = 1\nfinally:\n  run = 1", True, True),
        ("with x:\n  init = 1", True, False),
        ("def f():\n  init = 1\n", False, False), ("class C:\n  def run(self): pass", False, False),
        ("a.init = 1", False, False),
    ],
)  # fmt: skip
def test_the_names_that_a_script_defines(tmp_path: Path, text: str, init: bool, run: bool) -> None:
    found = read(tmp_path, text)
    assert (found.found, found.parsed, found.certain) == (True, True, True)
    assert (found.has_init, found.has_run) == (init, run)


def test_a_star_import_is_not_certain_and_a_missing_file_not_found(tmp_path: Path) -> None:
    assert not read(tmp_path, "from x import *").certain
    gone = score_script.read(tmp_path, "gone.py")
    assert (gone.found, gone.parsed, gone.problem) == (False, False, "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (INIT + RUN, None),
        ("def init(a): pass\n" + RUN, 1),
        ("def init(a, /): pass\n" + RUN, 1),
        ("def init(*, a): pass\n" + RUN, 1),
        ("def init(a=1, *, b=2): pass\n" + RUN, None),
        ("def init(a, b=1): pass\n" + RUN, 1),
        ("def init(*a, **k): pass\n" + RUN, None),
        ("@once\ndef init(a): pass\n" + RUN, None),
        ("async def init(a): pass\n" + RUN, 1),
        (INIT + "def run(): pass", 2),
        (INIT + "async def run(): pass", 2),
        (INIT + "@schema\ndef run(): pass", None),
        (INIT + "def run(data, *more): pass", 2),
        (INIT + "def run(data, **more): pass", 2),
        (INIT + "def run(data, /): pass", 2),
        (INIT + "def run(request_headers): pass", 2),
        (INIT + "def run(*, data): pass", None),
        (INIT + "def run(data, request_headers): pass", None),
        (INIT + "run = print", None),
        ("def init(a): pass\ndef run(): pass", 1),
    ],
)
def test_functions_that_the_server_cannot_call(tmp_path: Path, text: str, line: int | None) -> None:
    found = read(tmp_path, text)
    assert (found.line, bool(found.problem)) == (line, line is not None)


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import b.c, d\nimport a", [("b", 1), ("d", 1), ("a", 2)]),
        ("from x.y import z", [("x", 1)]),
        ("from . import z\nfrom .x import y", []),
        ("def f():\n  import x", [("x", 2)]),
        ("try:\n  import x\nexcept ImportError:\n  import y", []),
        ("try:\n  from x import y\nexcept ModuleNotFoundError:\n  pass", []),
        ("try:\n  import x\nexcept Exception:\n  pass\nimport z", [("z", 5)]),
        ("try:\n  import x\nexcept:\n  pass", []),
        ("try:\n  import x\nexcept (OSError, ImportError):\n  pass", []),
        ("try:\n  import x\nexcept OSError:\n  import y", [("x", 2), ("y", 4)]),
        ("try:\n  try:\n    import x\n  except OSError: pass\nexcept ImportError: pass", []),
        ("if TYPE_CHECKING:\n  import x\nelse:\n  import y", [("y", 4)]),
        ("if typing.TYPE_CHECKING:\n  from x import y", []),
        ("if other:\n  import x", [("x", 2)]),
    ],
)
def test_modules_that_must_be_there(tmp_path: Path, text: str, modules: list[tuple[str, int]]) -> None:
    assert [(one.module, one.line) for one in read(tmp_path, text).imports] == modules


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("return e", 5), ("return str(e)", 5), ("return {'Error': 1}", 5), ("return None", None), ("return", None),
        ("return other", None), ("return AMLResponse('error', 500)", None), ("return respond(e)", 5), ("raise", None),
    ],
)  # fmt: skip
def test_an_error_that_is_returned_with_status_200(tmp_path: Path, body: str, line: int | None) -> None:
    text = f"def run(data):\n  try:\n    return 'error'\n  except Exception as e:\n    {body}\n"
    assert read(tmp_path, text).returns_error_at == line


def test_without_a_name_only_the_text_tells_an_error(tmp_path: Path) -> None:
    for returned, line in (("e", None), ("'an error'", 5), ("404", None)):
        text = f"def run(data):\n  try:\n    pass\n  except Exception:\n    return {returned}\n"
        assert read(tmp_path, text).returns_error_at == line


HERE = sys.version_info[:2]
NEWER = (HERE[0], HERE[1] + 1)


@pytest.mark.parametrize(
    ("text", "python", "maybe_valid"),
    [
        ("x = (\n", None, False),
        ("type X = = int\n", None, False),
        ("type X = = int\n", HERE, False),
        ("match x:\n  ]\n", NEWER, True),
        ("x = (\n", NEWER, False),
    ],
)
def test_syntax_of_a_newer_python_may_be_valid_there(
    tmp_path: Path, text: str, python: tuple[int, int] | None, maybe_valid: bool
) -> None:
    found = read(tmp_path, text, python)
    assert (found.parsed, bool(found.problem)) == (False, True)
    assert found.certain != maybe_valid


def test_the_environments_older_syntax_counts(tmp_path: Path) -> None:
    text = "async def f():\n  return [x async for x in y]\nif (n := 1):\n  f'{n=}'\n"
    assert read(tmp_path, text, (3, 7)).problem
    assert read(tmp_path, text, (3, 8)).parsed
    assert read(tmp_path, text, (3, 6)).parsed, "older than ast knows: parsed as here"
